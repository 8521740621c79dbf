import { NIL, v4, v5, v7, validate, version } from 'uuid';

export function run(name) {
  const random = Array.from({ length: 100 }, () => v4());
  const ordered = Array.from({ length: 100 }, () => v7());
  return {
    named: v5(name, v5.DNS),
    valid: [random.every(validate), ordered.every(validate), validate('nonsense')],
    versions: [version(random[0]), version(ordered[0])],
    distinct: new Set([...random, ...ordered]).size,
    inOrder: ordered.join() === [...ordered].sort().join(),
    nil: NIL,
  };
}
