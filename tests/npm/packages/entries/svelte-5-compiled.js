import { render } from 'svelte/server';
import C from './list.svelte';
export async function main() {
  const r = render(C, { props: { xs: ['a', '<'] } });
  return r.body;
}
