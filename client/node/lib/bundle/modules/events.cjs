// SPDX-License-Identifier: Apache-2.0
'use strict';
const EventEmitter = require('events/');

// Each event as an array of its arguments, until the signal aborts.
async function* on(emitter, name, { signal } = {}) {
  const events = [];
  let wake = () => {};
  let failure;
  const listener = (...args) => (events.push(args), wake());
  const fail = (error) => ((failure ??= { error }), wake());
  const abort = () => fail(Object.assign(new Error('The operation was aborted', { cause: signal.reason }), { name: 'AbortError', code: 'ABORT_ERR' }));
  emitter.on(name, listener);
  if (name !== 'error') emitter.on('error', fail);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  try {
    for (;;) {
      while (events.length > 0) yield events.shift();
      if (failure) throw failure.error;
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    emitter.off(name, listener);
    emitter.off('error', fail);
    signal?.removeEventListener('abort', abort);
  }
}

module.exports = Object.assign(EventEmitter, {
  on,
  errorMonitor: Symbol('events.errorMonitor'),
  captureRejectionSymbol: Symbol.for('nodejs.rejection'),
  captureRejections: false,
  usingDomains: false,
  getEventListeners: (emitter, name) => emitter.listeners?.(name) ?? [],
  getMaxListeners: (emitter) => emitter.getMaxListeners?.() ?? EventEmitter.defaultMaxListeners,
  setMaxListeners(count = EventEmitter.defaultMaxListeners, ...emitters) {
    for (const emitter of emitters) emitter.setMaxListeners?.(count);
  },
  addAbortListener(signal, listener) {
    if (signal.aborted) queueMicrotask(listener);
    else signal.addEventListener('abort', listener, { once: true });
    return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
  },
});
