import { AutoRouter } from 'itty-router';
const r = AutoRouter();
r.get('/x/:id', ({ params }) => ({ p: params.id }));
export async function main() {
  const x = await r.fetch(new Request('http://a.example/x/5'));
  return [x.status, await x.json()];
}
