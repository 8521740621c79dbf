import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { TypeCompiler } from '@sinclair/typebox/compiler';
const T = Type.Object({ a: Type.Number({ minimum: 1 }), b: Type.Array(Type.String()) });
export function main() {
  const C = TypeCompiler.Compile(T);
  return [
    Value.Check(T, { a: 1, b: ['x'] }),
    C.Check({ a: 0, b: [1] }),
    [...C.Errors({ a: 0, b: [1] })].map((e) => e.path + ' ' + e.message),
    Value.Convert(T, { a: '5', b: [1] }),
  ];
}
