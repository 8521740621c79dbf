import { z } from 'zod';

const User = z.object({
  name: z.string().min(2).transform((name) => name.toUpperCase()),
  age: z.coerce.number().int().positive(),
  mail: z.email().optional(),
  roles: z.array(z.enum(['admin', 'dev'])).default([]),
});

export function run(values) {
  return values.map((value) => {
    const result = User.safeParse(value);
    return result.success ? result.data : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`);
  });
}
