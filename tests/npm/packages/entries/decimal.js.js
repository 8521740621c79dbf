import D from 'decimal.js';
export const main = () => [
  new D('0.1').plus('0.2').toString(),
  new D(2).sqrt().toString(),
  D.exp(1).toFixed(30),
  D.random(5).lt(1),
];
