import * as yup from 'yup';
const s = yup.object({
  name: yup.string().required().min(2),
  age: yup.number().integer().positive(),
  url: yup.string().url(),
  on: yup.date().default(() => new Date(0)),
});
export async function main() {
  let e;
  try {
    await s.validate({ name: 'A', age: -1.5, url: 'x' }, { abortEarly: false });
  } catch (x) {
    e = x.errors;
  }
  return [await s.validate({ name: 'Ada', age: '36', url: 'https://a.example/' }), e];
}
