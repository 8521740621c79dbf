import { Parser } from 'expr-eval';
export const main = () => [
  Parser.evaluate('2 ^ x + sin(0) * max(1, 2)', { x: 3 }),
  new Parser().parse('x * (y + 1)').simplify({ y: 2 }).toString(),
  Parser.parse('x*2').toJSFunction('x')(4),
];
