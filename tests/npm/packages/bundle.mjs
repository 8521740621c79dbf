// SPDX-License-Identifier: Apache-2.0
// Bundles each entry as `lethe bundle --classic` does, and says what Node.js gives for it.
// usage: bundle.mjs FOLDER [NAME …]: it has the packages in source/node_modules; scripts/NAME.js and bundles.json are written to it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { lethe } from '../../../client/node/lib/bundle/plugin.js';

const folder = path.resolve(process.argv[2]);
const only = process.argv.slice(3);
const entries = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'entries');
const packages = path.join(folder, 'source', 'node_modules');
const require = createRequire(path.join(packages, 'x.js'));
const { build } = require('esbuild');
const { compile } = require('svelte/compiler');

const svelte = {
  name: 'svelte',
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, ({ path: file }) => {
      const { js } = compile(fs.readFileSync(file, 'utf8'), { generate: 'server', filename: path.basename(file) });
      return { contents: js.code, resolveDir: entries };
    });
  },
};

// BigInts, which JSON does not have, are compared, too.
const wrapper = (name) => `import { main } from './${name}.js';
export { main };
export async function json() {
  return JSON.stringify(await main(), (key, value) => (typeof value === 'bigint' ? value + 'n' : value));
}
`;

const bundle = (name, outfile, options) =>
  build({
    stdin: { contents: wrapper(name), resolveDir: entries },
    outfile,
    bundle: true,
    loader: { '.wasm': 'binary' },
    nodePaths: [packages],
    logLevel: 'silent',
    ...options,
    plugins: [svelte, ...(options.plugins ?? [])],
  });

const for_lethe = (report) => ({
  format: 'iife',
  globalName: 'bundled',
  footer: { js: 'Object.assign(globalThis, bundled);' },
  plugins: [lethe({ report })],
});
const for_node = {
  format: 'esm',
  platform: 'node',
  target: 'es2024',
  banner: { js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);" },
};

const why_not = (error) => (error.errors ?? [error]).map((each) => each.text ?? each.message)[0].replaceAll(`${process.cwd()}/`, '');

function versions(name) {
  const found = {};
  for (const [, module] of fs.readFileSync(path.join(entries, `${name}.js`), 'utf8').matchAll(/from '([^.'][^']*)'/g)) {
    const parts = module.split('/').slice(0, module.startsWith('@') ? 2 : 1);
    const file = path.join(packages, ...parts, 'package.json');
    if (!fs.existsSync(file)) continue;
    const { name: full_name, version } = JSON.parse(fs.readFileSync(file, 'utf8'));
    found[full_name] = version;
  }
  return found;
}

// With its packages bundled; where that is not possible, as Node.js finds them.
async function expected(name, options = for_node) {
  const file = path.join(folder, 'source', 'node', `${name}.mjs`);
  try {
    await bundle(name, file, options);
    // Not by standard output: loggers write there, too.
    const source = `import(${JSON.stringify(file)}).then(({ json }) => json()).then((text) => (require('fs').writeFileSync(process.env.RESULT, text ?? 'null'), process.exit()))`;
    await promisify(execFile)(process.execPath, ['-e', source], { timeout: 60000, maxBuffer: 1 << 28, env: { ...process.env, TZ: 'UTC', RESULT: `${file}.json` } });
    return { expected: fs.readFileSync(`${file}.json`, 'utf8') };
  } catch (error) {
    if (options === for_node) return expected(name, { ...for_node, packages: 'external' });
    return { node_error: error.stderr?.split('\n').find((line) => /Error/.test(line))?.slice(0, 160) ?? why_not(error).slice(0, 160) };
  }
}

async function made(name) {
  const file = path.join(folder, 'scripts', `${name}.js`);
  const found = { packages: versions(name), ...(await expected(name)) };
  let report;
  try {
    await bundle(name, file, for_lethe((each) => (report = each)));
    const text = fs.readFileSync(file, 'utf8');
    const how = Object.fromEntries(Object.entries(report).map(([key, map]) => [key, [...map.keys()]]));
    return { ...found, how, kb: Math.round(text.slice(0, text.lastIndexOf('//# sourceMappingURL=')).length / 1024) };
  } catch (error) {
    return { ...found, error: why_not(error) };
  }
}

if (only.length === 0) fs.rmSync(path.join(folder, 'scripts'), { recursive: true, force: true });
const names = fs
  .readdirSync(entries)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -3))
  .filter((name) => only.length === 0 || only.some((each) => name.startsWith(each)));
const known = only.length > 0 && fs.existsSync(path.join(folder, 'bundles.json')) ? JSON.parse(fs.readFileSync(path.join(folder, 'bundles.json'), 'utf8')) : {};
const bundles = Object.fromEntries(names.map((name) => [name, null]));
const rest = [...names];
const one_after_the_other = async () => {
  for (let name = rest.shift(); name; name = rest.shift()) bundles[name] = await made(name);
};
await Promise.all(os.cpus().map(one_after_the_other));
fs.writeFileSync(path.join(folder, 'bundles.json'), JSON.stringify({ ...known, ...bundles }, null, 1));
