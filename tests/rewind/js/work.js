// SPDX-License-Identifier: Apache-2.0
// What the requests of the soak test do, from nothing much to all that an engine has.

let calls = 0; // must be 1 at the end of each call

const tiny = (x) => x + 22 + calls++;
const echo = (value) => value;

async function promises(count) {
  const settled = [];
  for (let i = 0; i < count; ++i) settled.push(Promise.resolve(i).then((n) => n * 2));
  await null;
  return (await Promise.all(settled)).reduce((a, b) => a + b, ++calls);
}

function throws(depth) {
  ++calls;
  return depth > 0 ? throws(depth - 1) : undefined_name.calls;
}

function pollutes() {
  globalThis.left = (globalThis.left ?? 0) + 1;
  Array.prototype.left = (Array.prototype.left ?? 0) + 1;
  Object.prototype[Symbol.for('left')] = 1;
  Error.stackTraceLimit = 1;
  Promise.resolve().then(() => { globalThis.later = 1; });
  const found = RegExp.$1;
  /(secret)/.exec('a secret');
  return [left, [].left, typeof later, found, ++calls];
}

function expressions(count) {
  let matches = ++calls;
  for (let i = 0; i < count; ++i)
    for (const text of ['user' + i + '@example.org', 'nobody', '2024-01-' + i])
      matches += new RegExp('^[a-z]+' + i + '@(\\w+)\\.org$').test(text) + /(\d+)-(\d+)-(\d+)/.test(text);
  return matches;
}

function webassembly(x) {
  ++calls;
  if (typeof WebAssembly !== 'object') return calls;
  const add = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 2, 7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
  return new WebAssembly.Instance(new WebAssembly.Module(add)).exports.f(x, calls);
}

function compiles(turns) {
  const step = (sum, i) => (sum + Math.imul(i, 31)) | 0;
  let sum = ++calls;
  for (let i = 0; i < turns; ++i) sum = step(sum, i);
  return sum + String(step('deoptimised', {}));
}

function evaluates(count) {
  let sum = ++calls;
  for (let i = 0; i < count; ++i) sum += (0, eval)(`(function f${i}(x) { return x + ${i}; })`)(sum) % 7;
  return sum;
}

function fills(megabytes) {
  const bytes = new Uint8Array(megabytes << 20);
  const found = bytes[4711];
  bytes.fill(7);
  return found + bytes[bytes.length - 1] + ++calls;
}

function collects(megabytes) {
  let total = ++calls;
  for (let i = 0; i < megabytes * 10; ++i) total += new Array(12500).fill(i).length;
  return total;
}
