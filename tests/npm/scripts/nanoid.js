import { customAlphabet, nanoid } from 'nanoid';

export function run(count) {
  const names = Array.from({ length: count }, () => nanoid());
  const digits = customAlphabet('0123456789', 12)();
  return { lengths: [...new Set(names.map((name) => name.length))], distinct: new Set(names).size, digits: /^[0-9]{12}$/.test(digits) };
}
