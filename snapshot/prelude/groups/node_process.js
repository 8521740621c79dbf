// SPDX-License-Identifier: Apache-2.0
// process for scripts with node_globals: what libraries that were written for Node.js look at. Nothing of it tells about
// this machine, and no event ever comes.
import { ownMethods } from 'lethe:console';
import native from 'lethe:native';

const { engineVersions, monotonicNow, queueTask } = native;
const [node, v8, arch] = engineVersions();
const thousandth = 1e3;
const billion = 1_000_000_000n;

const nanoseconds = () => BigInt(Math.round(monotonicNow() * thousandth)) * 1000n;
function hrtime(before) {
  const passed = before === undefined ? nanoseconds() : nanoseconds() - BigInt(before[0]) * billion - BigInt(before[1]);
  const seconds = passed / billion;
  return [Number(seconds), Number(passed - seconds * billion)];
}
hrtime.bigint = nanoseconds;

const output = (write) => ({
  isTTY: false,
  write(text) {
    write(String(text).replace(/\n$/, ''));
    return true;
  },
});
const subscribe = (name) => ({ [name]() { return this; } })[name];

// Nothing of it says that this is Node.js: libraries would look for its modules, which there are none of, where they have
// a way for browsers, too.
export const process = {
  title: 'lethe',
  version: node,
  versions: { v8 },
  arch,
  platform: 'linux',
  argv: [],
  execArgv: [],
  env: { NODE_ENV: 'production' },
  stdout: output(ownMethods.log),
  stderr: output(ownMethods.error),
  cwd: () => '/',
  hrtime,
  uptime: () => monotonicNow() / thousandth,
  nextTick(callback, ...args) {
    if (typeof callback !== 'function') throw new TypeError('process.nextTick: the first argument must be a function');
    queueTask(() => callback(...args));
  },
  emitWarning: (warning) => ownMethods.warn(warning),
  emit: () => false,
  listeners: () => [],
  exit(code = 0) {
    throw new Error(`process.exit(${code}): a script cannot end the process that it runs in`);
  },
};
for (const name of ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners', 'prependListener'])
  process[name] = subscribe(name);

export const global = globalThis;
