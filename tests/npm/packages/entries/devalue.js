import { stringify, parse, uneval } from 'devalue';
export const main = () => {
  const x = { d: new Date(0), m: new Map([[1, new Set(['a'])]]), b: 5n, t: new Uint8Array([1, 2]) };
  x.self = x;
  const s = stringify(x);
  return [s, parse(s).self.m.get(1).size, uneval({ a: [1, , 2], r: /x/ })];
};
