import { JSONPath } from 'jsonpath-plus';
export const main = () => [
  JSONPath({ path: '$..price', json: { a: { price: 1 }, b: [{ price: 2 }] } }),
  JSONPath({ path: '$.b[?(@.price > 1)].price', json: { b: [{ price: 1 }, { price: 2 }] } }),
];
