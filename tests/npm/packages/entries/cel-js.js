import { evaluate, parse } from 'cel-js';
export const main = () => [
  evaluate('a.b > 1 && "x" in m && size(xs) == 2', { a: { b: 2 }, m: { x: 1 }, xs: [1, 2] }),
  evaluate('xs.filter(x, x > 1)', { xs: [1, 2, 3] }),
];
