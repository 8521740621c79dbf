import { compileExpression } from 'filtrex';
export const main = () => [
  compileExpression('price * 2 > 10 and name in ("a","b")')({ price: 6, name: 'a' }),
  String(compileExpression('x + 1')({ x: 'q' })),
];
