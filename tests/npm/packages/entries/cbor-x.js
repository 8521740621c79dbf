import { encode, decode, Encoder } from 'cbor-x';
export const main = () => {
  const b = encode({
    a: [1, 1.5, -7],
    d: new Date(0),
    m: new Map([[1, 'x']]),
    n: 2n ** 60n,
    u: new Uint8Array([1]),
    s: new Set([1]),
  });
  const r = decode(b);
  const e = new Encoder({ useRecords: true, structures: [] });
  return [
    [...b].slice(0, 12),
    r.a,
    +r.d,
    [...(r.m instanceof Map ? r.m : Object.entries(r.m))],
    String(r.n),
    [...r.u],
    e.decode(e.encode([{ x: 1 }, { x: 2 }])),
  ];
};
