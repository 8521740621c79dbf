import { minify } from 'terser';
export async function main() {
  return (await minify('function f(longName) { return longName + 1 } console.log(f(2))', { toplevel: true })).code;
}
