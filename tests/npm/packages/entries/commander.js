import { Command, Option } from 'commander';
export const main = () => {
  const program = new Command('tool').exitOverride().option('-v, --verbose').addOption(new Option('-n, --number <n>').argParser(Number).default(3));
  const seen = [];
  program.command('add <name> [more...]').option('--force').action((name, more, options) => seen.push(name, more, options));
  program.parse(['add', 'x', 'y', 'z', '--force', '-v'], { from: 'user' });
  return [seen, program.opts(), program.helpInformation().split('\n').length];
};
