import Joi from 'joi';
const s = Joi.object({
  name: Joi.string().min(2).required(),
  email: Joi.string().email({ tlds: false }),
  n: Joi.number().integer(),
  d: Joi.date().iso(),
  ref: Joi.ref('name'),
});
export function main() {
  const ok = s.validate({ name: 'Ada', email: 'a@b.example', n: '5', d: '2024-01-01', ref: 'Ada' });
  const bad = s.validate({ name: 'A', email: 'x', n: 1.5, d: 'no' }, { abortEarly: false });
  return [ok.value, ok.error, bad.error.details.map((d) => d.message)];
}
