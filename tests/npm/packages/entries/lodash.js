import _ from 'lodash';
export const main = () => [
  _.groupBy([1, 2, 3], (x) => x % 2),
  _.template('<%= a %>')({ a: 1 }),
  _.merge({ a: [1] }, { a: [, 2] }),
  _.debounce(() => 1, 5) && 1,
];
