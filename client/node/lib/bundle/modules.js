// SPDX-License-Identifier: Apache-2.0
// The texts that stand for Node's modules: those of the folder modules, and for all others one whose functions say that there is
// no such thing. The names are those of the Node.js that bundles.
import { createRequire } from 'node:module';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'modules');
const require = createRequire(import.meta.url);
const helpers = ['deep_equal', 'der', 'is_core_module', 'key_object', 'stand_in']; // of the others, no module of Node's

const fileOf = new Map();
for (const file of readdirSync(folder)) {
  const name = path.basename(file, '.cjs').replace('-', '/');
  if (!helpers.includes(name)) fileOf.set(name, `./${file}`);
}
// Of these there is only what needs no files, no network and no threads.
const standIns = ['fs', 'http', 'https', 'net', 'vm', 'worker_threads'];

// By their names without "node:".
export const isOwn = (name) => fileOf.has(name);
export const isReplaced = (name) => fileOf.has(name) && !standIns.includes(name);

// 0 for a function, {value} for data, else an object's own shape.
function shapeOf(value, depth = 0) {
  if (typeof value === 'function') return 0;
  if (typeof value === 'bigint' || typeof value === 'symbol' || value === undefined) return { value: null };
  if (typeof value !== 'object' || value === null) return { value };
  if (Array.isArray(value)) return { value: value.filter((each) => typeof each !== 'object') };
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value));
  if (depth > 0 && !isPlain) return { value: {} };
  const shape = {};
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if (name.startsWith('_') || !descriptor.enumerable) continue;
    if (depth < 3) shape[name] = shapeOf('value' in descriptor ? descriptor.value : safely(() => value[name]), depth + 1);
  }
  return { names: shape };
}

function safely(get) {
  try {
    return get();
  } catch {
    return undefined;
  }
}

// Without what it prints about itself, as deprecated modules do.
function shapeOfModule(name) {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return shapeOf(safely(() => require(`node:${name}`)) ?? {});
  } finally {
    process.emitWarning = emitWarning;
  }
}

// Where a module of ours lacks a name of Node's, that throws, too.
export function moduleText(name) {
  const shape = shapeOfModule(name);
  const names = JSON.stringify(typeof shape === 'object' ? shape.names ?? {} : {});
  const module = fileOf.has(name) ? `require(${JSON.stringify(fileOf.get(name))})` : 'undefined';
  return `module.exports = require('./stand_in.cjs')(${JSON.stringify(name)}, ${names}, ${module});\n`;
}
