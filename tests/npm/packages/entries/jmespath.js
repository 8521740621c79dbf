import J from 'jmespath';
export const main = () => [
  J.search(
    {
      xs: [
        { n: 'a', v: 1 },
        { n: 'b', v: 3 },
      ],
    },
    'xs[?v > `2`].n',
  ),
  J.search({ xs: [3, 1] }, 'sort(xs)'),
];
