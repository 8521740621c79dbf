// SPDX-License-Identifier: Apache-2.0
// AsyncLocalStorage over the value that V8 carries from an await to what follows it: a map of storage to store, which is replaced
// and never changed. Callbacks of timers and of queueMicrotask get it by way of the functions that are wrapped here, once a
// storage is made.
'use strict';
const { continuation, setContinuation } = letheNode;

function within(stores, callback, self, args) {
  const before = continuation();
  setContinuation(stores);
  try {
    return Reflect.apply(callback, self, args);
  } finally {
    setContinuation(before);
  }
}

// The callback, with what is current now.
function bound(callback) {
  const stores = continuation();
  return function (...args) {
    return within(stores, callback, this, args);
  };
}

let isWrapped = false;
function wrapSchedulers() {
  if (isWrapped) return;
  isWrapped = true;
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) {
    const schedule = globalThis[name];
    const wrapped = { [name]: (callback, ...args) => schedule(typeof callback === 'function' ? bound(callback) : callback, ...args) }[name];
    Object.defineProperty(globalThis, name, { value: wrapped, writable: true, enumerable: false, configurable: true });
  }
  const process = require('node:process');
  const { nextTick } = process;
  process.nextTick = (callback, ...args) => nextTick(bound(callback), ...args);
}

class AsyncLocalStorage {
  #default;
  name;

  constructor({ defaultValue, name = '' } = {}) {
    this.#default = defaultValue;
    this.name = name;
    wrapSchedulers();
  }
  static bind(callback) {
    return bound(callback);
  }
  static snapshot() {
    return bound((callback, ...args) => callback(...args));
  }
  #with(store) {
    return new Map(continuation()).set(this, store);
  }
  run(store, callback, ...args) {
    return within(this.#with(store), callback, undefined, args);
  }
  exit(callback, ...args) {
    return within(this.#with(undefined), callback, undefined, args);
  }
  enterWith(store) {
    setContinuation(this.#with(store));
  }
  disable() {
    const stores = new Map(continuation());
    stores.delete(this);
    setContinuation(stores);
  }
  getStore() {
    const stores = continuation();
    return stores?.has(this) ? stores.get(this) : this.#default;
  }
}

class AsyncResource {
  #stores = continuation();

  constructor(type) {
    this.type = type;
  }
  static bind(callback) {
    return bound(callback);
  }
  bind(callback) {
    return (...args) => this.runInAsyncScope(callback, undefined, ...args);
  }
  runInAsyncScope(callback, self, ...args) {
    return within(this.#stores, callback, self, args);
  }
  emitDestroy() {
    return this;
  }
  asyncId() {
    return 0;
  }
  triggerAsyncId() {
    return 0;
  }
}

module.exports = {
  AsyncLocalStorage,
  AsyncResource,
  executionAsyncId: () => 0,
  triggerAsyncId: () => 0,
  executionAsyncResource: () => ({}),
};
