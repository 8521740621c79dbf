import { evaluate } from '@marcbachmann/cel-js';
export const main = () => [
  String(evaluate('1 + 2 * 3')),
  evaluate('a.b > 1 && xs.exists(x, x == "q")', { a: { b: 2n }, xs: ['q'] }),
  evaluate('name.matches("^A.*")', { name: 'Ada' }),
  String(evaluate('timestamp("2024-01-01T00:00:00Z").getFullYear()')),
];
