import { z } from 'zod';
const S = z.object({
  name: z.string().min(2),
  email: z.email(),
  age: z.coerce.number().int().gte(18),
  tags: z.array(z.enum(['a', 'b'])).default(['a']),
  when: z.iso.datetime(),
});
export function main() {
  const ok = S.safeParse({ name: 'Ada', email: 'a@b.example', age: '36', when: '2024-01-01T00:00:00Z' });
  const bad = S.safeParse({ name: 'A', email: 'x', age: 3, tags: ['c'], when: 'no' });
  return { ok: ok.data, bad: bad.error.issues.map((i) => [i.path.join('.'), i.code, i.message]) };
}
