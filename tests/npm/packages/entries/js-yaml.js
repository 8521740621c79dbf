import * as y from 'js-yaml';
export const main = () =>
  [y.load('a: 1\nd: 2024-01-01\nb: [x]'), y.dump({ a: [1, 'yes'] })].map((x) =>
    typeof x === 'object' ? JSON.stringify(x) : x,
  );
