import { type } from 'arktype';
const U = type({ name: 'string > 1', 'age?': 'number.integer >= 18', email: 'string.email', kind: "'a' | 'b'" });
export function main() {
  const r = U({ name: 'Ada', age: 36, email: 'a@b.example', kind: 'a' });
  const b = U({ name: 'A', age: 3, email: 'x', kind: 'c' });
  return [r, b instanceof type.errors ? b.summary : null];
}
