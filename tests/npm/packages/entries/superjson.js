import superjson from 'superjson';
export const main = () => {
  const s = superjson.stringify({
    d: new Date(0),
    m: new Map([[1, new Set(['a'])]]),
    r: /x/g,
    b: 5n,
    u: undefined,
    e: new Error('q'),
    url: new URL('http://a.example/'),
    n: NaN,
  });
  const o = superjson.parse(s);
  return [s, o.m.get(1).has('a'), String(o.b), o.url.href];
};
