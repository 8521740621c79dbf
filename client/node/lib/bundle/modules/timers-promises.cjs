// SPDX-License-Identifier: Apache-2.0
'use strict';
const aborted = (signal) => Object.assign(new Error('The operation was aborted', { cause: signal.reason }), { name: 'AbortError', code: 'ABORT_ERR' });

const later = (set, clear) => (value, { signal } = {}) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const abort = () => (clear(id), reject(aborted(signal)));
    const id = set(() => (signal?.removeEventListener('abort', abort), resolve(value)));
    signal?.addEventListener('abort', abort, { once: true });
  });
const wait = (ms, value, options) => later((callback) => setTimeout(callback, ms), clearTimeout)(value, options);

module.exports = {
  setTimeout: wait,
  setImmediate: later(setImmediate, clearImmediate),
  async *setInterval(ms, value, options) {
    for (;;) yield await wait(ms, value, options);
  },
  scheduler: { wait: (ms, options) => wait(ms, undefined, options), yield: () => later(setImmediate, clearImmediate)() },
};
