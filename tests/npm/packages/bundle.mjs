// SPDX-License-Identifier: Apache-2.0
// Bundles each entry as a classic script, and says what Node.js gives for it.
// usage: bundle.mjs FOLDER: it has the packages in source/node_modules; scripts/NAME.js and bundles.json are written to it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const [folder] = process.argv.slice(2).map((name) => path.resolve(name));
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
    target: 'es2022',
    loader: { '.wasm': 'binary' },
    nodePaths: [packages],
    plugins: [svelte],
    logLevel: 'silent',
    ...options,
  });

const for_lethe = { format: 'iife', globalName: 'library', footer: { js: 'var { main, json } = library;' } };
const for_node = {
  format: 'esm',
  platform: 'node',
  banner: { js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);" },
};

// "needs fs, path", or what else esbuild says.
function why_not(error) {
  const texts = (error.errors ?? [error]).map((each) => each.text ?? each.message);
  const missing = texts.map((text) => /Could not resolve "(?:node:)?([^"]+)"/.exec(text)?.[1]);
  return missing.every(Boolean) ? `needs ${[...new Set(missing)].join(', ')}` : texts[0];
}

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

async function expected(name) {
  const file = path.join(folder, 'node', `${name}.mjs`);
  try {
    await bundle(name, file, for_node);
    const source = `import(${JSON.stringify(file)}).then(({ json }) => json()).then((text) => process.stdout.write(text ?? 'null', () => process.exit()))`;
    const options = { timeout: 60000, maxBuffer: 1 << 28, env: { ...process.env, TZ: 'UTC' } };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', source], options);
    return { expected: stdout.slice(stdout.lastIndexOf('\n') + 1) }; // a logger may have written before
  } catch (error) {
    return { node_error: error.stderr?.split('\n').find((line) => /Error/.test(line)) ?? why_not(error) };
  }
}

async function made(name) {
  const file = path.join(folder, 'scripts', `${name}.js`);
  const found = { packages: versions(name), ...(await expected(name)) };
  try {
    await bundle(name, file, for_lethe);
    return { ...found, kb: Math.round(fs.statSync(file).size / 1024) };
  } catch (error) {
    return { ...found, error: why_not(error) };
  }
}

fs.rmSync(path.join(folder, 'scripts'), { recursive: true, force: true });
const names = fs
  .readdirSync(entries)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -3));
const bundles = Object.fromEntries(names.map((name) => [name, null]));
const rest = [...names];
const one_after_the_other = async () => {
  for (let name = rest.shift(); name; name = rest.shift()) bundles[name] = await made(name);
};
await Promise.all(os.cpus().map(one_after_the_other));
fs.writeFileSync(path.join(folder, 'bundles.json'), JSON.stringify(bundles, null, 1));
