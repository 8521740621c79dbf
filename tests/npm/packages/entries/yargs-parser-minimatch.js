import parse from 'yargs-parser';
import { minimatch } from 'minimatch';
export const main = () => [
  parse(['--a.b=1', '-xyz', '--no-color', 'rest', '--list', '1', '2', '--', 'more'], { array: ['list'], boolean: ['x'], configuration: { 'populate--': true } }),
  minimatch('src/a/b.test.js', 'src/**/*.{test,spec}.js'),
  minimatch.match(['a.js', 'b.ts', '.c.js'], '*.js'),
];
