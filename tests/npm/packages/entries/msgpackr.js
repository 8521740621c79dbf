import { pack, unpack, Packr, addExtension } from 'msgpackr';
export const main = () => {
  const b = pack({
    a: [1, 1.5, -7],
    d: new Date(0),
    m: new Map([[1, 'x']]),
    n: 2n ** 60n,
    u: new Uint8Array([1]),
    s: new Set([1]),
    x: undefined,
  });
  const r = unpack(b);
  const p = new Packr({ structuredClone: true, structures: [] });
  return [
    [...b].slice(0, 12),
    r.a,
    +r.d,
    String(r.n),
    [...r.u],
    p.unpack(p.pack([{ x: 1, e: new Error('q') }, { x: 2 }])).length,
  ];
};
