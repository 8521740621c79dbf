// SPDX-License-Identifier: Apache-2.0
// What `lethe bundle` runs, with the user's own esbuild: node main.js [OPTION …] -- FILE
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const wrongUsage = 2;
const failed = 5;

function end(status, message) {
  process.stderr.write(`lethe bundle: ${message}\n`);
  process.exit(status);
}

const options = {
  output: { type: 'string', short: 'o' },
  classic: { type: 'boolean' },
  minify: { type: 'boolean' },
  target: { type: 'string' },
  define: { type: 'string', multiple: true },
  external: { type: 'string', multiple: true },
  loader: { type: 'string', multiple: true },
  'source-text': { type: 'boolean' },
  quiet: { type: 'boolean' },
};
const pairs = (list = []) => Object.fromEntries(list.map((text) => text.split(/=(.*)/s).slice(0, 2)));

// esbuild's JavaScript: from node_modules of the file or of this folder, or of an installation that PATH leads to. A program
// alone, as Debian's, takes no plugins.
function findEsbuild(file) {
  for (const from of [path.resolve(file), path.join(process.cwd(), 'x.js')]) {
    try {
      return createRequire(from).resolve('esbuild');
    } catch {}
  }
  const programs = (process.env.PATH ?? '').split(':').map((folder) => path.join(folder, 'esbuild')).filter(existsSync).map((program) => realpathSync(program));
  for (const program of programs) {
    try {
      return createRequire(program).resolve('esbuild');
    } catch {}
  }
  return end(failed, `${programs.length > 0 ? `${programs[0]} is a program without JavaScript, which plugins need` : 'there is no esbuild'}; npm install --save-dev esbuild brings it`);
}

function parsed() {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.length !== 1) throw new Error('one FILE is wanted');
    return { file: positionals[0], ...values };
  } catch (error) {
    return end(wrongUsage, error.message);
  }
}

const given = parsed();
if (!existsSync(given.file)) end(wrongUsage, `${given.file}: no such file`);
const { build } = await import(pathToFileURL(findEsbuild(given.file)).href).then((module) => module.default ?? module);
const { lethe } = await import('./plugin.js').catch((error) =>
  end(failed, error.code === 'ERR_MODULE_NOT_FOUND' ? `${error.message.split(' imported from')[0]}; npm install in ${fileURLToPath(new URL('../..', import.meta.url))} brings it` : error.stack));

// A classic script's functions are global names.
const classic = { format: 'iife', globalName: 'bundled', footer: { js: 'Object.assign(globalThis, bundled);' } };
try {
  const { outputFiles } = await build({
    entryPoints: [given.file],
    plugins: [lethe()],
    logLevel: given.quiet ? 'error' : 'warning',
    minify: given.minify,
    external: given.external,
    nodePaths: (process.env.NODE_PATH ?? '').split(':').filter(Boolean), // as the program esbuild does
    define: pairs(given.define),
    loader: pairs(given.loader),
    ...(given.target && { target: given.target.split(',') }),
    ...(given['source-text'] && { sourcesContent: true }),
    ...(given.classic && classic),
    ...(given.output ? { outfile: given.output } : { write: false }),
  });
  if (outputFiles) process.stdout.write(outputFiles[0].contents);
} catch (error) {
  if (!error.errors) throw error;
  process.exit(1); // esbuild has said why
}
