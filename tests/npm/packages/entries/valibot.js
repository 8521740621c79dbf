import * as v from 'valibot';
const S = v.object({
  name: v.pipe(v.string(), v.minLength(2)),
  email: v.pipe(v.string(), v.email()),
  age: v.pipe(v.unknown(), v.transform(Number), v.integer()),
});
export function main() {
  return [
    v.safeParse(S, { name: 'Ada', email: 'a@b.example', age: '36' }).output,
    v.safeParse(S, { name: 'A', email: 'x', age: '1.5' }).issues.map((i) => [v.getDotPath(i), i.message]),
  ];
}
