import { evaluate, create, all, unit, matrix } from 'mathjs';
export const main = () => [
  evaluate('sqrt(3^2 + 4^2)'),
  String(evaluate('det([1,2;3,4])')),
  unit('5 km').to('mile').toString(),
  String(evaluate('derivative("x^2+3x","x")')),
  evaluate('f(x)=x^2; f(4)').toString(),
];
