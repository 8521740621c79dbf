import YAML from 'yaml';
export const main = () => [
  YAML.parse('a: &x [1, 2]\nb: *x\nd: 2024-01-01\ns: |\n  t\n  u\n'),
  YAML.stringify({ a: [1, { b: 'x: y' }] }),
];
