import qs from 'qs';
export const main = () => [qs.parse('a[b][]=1&a[b][]=2&c=%C3%A9'), qs.stringify({ a: [1, { b: 2 }], d: new Date(0) })];
