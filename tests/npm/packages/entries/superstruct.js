import { object, string, number, array, coerce, create, assert, is, size } from 'superstruct';
const S = object({ id: coerce(number(), string(), (x) => +x), tags: array(size(string(), 1, 3)) });
export function main() {
  let m;
  try {
    assert({ id: 1, tags: [''] }, S);
  } catch (e) {
    m = e.message;
  }
  return [create({ id: '4', tags: ['a'] }, S), is({}, S), m];
}
