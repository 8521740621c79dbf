// SPDX-License-Identifier: Apache-2.0
// All that a script can change of what it finds. pollute(way) changes every object that can be reached from the global one,
// so what is needed afterwards must be taken before. pollute(way, true): those of the language only, so that what else there
// is will be made in a polluted world.
const pollute = (() => {
  const { defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
  const { Proxy, Set } = globalThis;

  const language = ['Object', 'Function', 'Array', 'Number', 'Boolean', 'String', 'Symbol', 'BigInt', 'Date', 'Promise', 'RegExp', 'Error', 'TypeError', 'RangeError', 'JSON', 'Math', 'ArrayBuffer', 'Uint8Array', 'Uint16Array', 'Int32Array', 'Float64Array', 'DataView', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Proxy', 'Reflect', 'Intl', 'Iterator'];

  // Every object that can be reached.
  function reachable(onlyLanguage) {
    const found = new Set(onlyLanguage ? language.map((name) => globalThis[name]) : [globalThis]);
    for (const object of [...'', function* () {}, async function* () {}, async () => {}, [].values(), ''.matchAll(/./g), new Map().keys(), new Set().keys(), new (class {})()])
      found.add(getPrototypeOf(object));
    for (const object of found) {
      const add = (value) => isObject(value) && found.add(value);
      add(getPrototypeOf(object));
      for (const key of ownKeys(object)) {
        const { value, get, set } = getOwnPropertyDescriptor(object, key);
        if (value !== globalThis) add(value);
        add(get), add(set);
      }
    }
    return [...found];
  }

  const bad = () => {
    throw 'polluted';
  };
  const poison = new Proxy(function () {}, { get: bad, set: bad, has: bad, ownKeys: bad, apply: bad, construct: bad, getPrototypeOf: bad, getOwnPropertyDescriptor: bad, defineProperty: bad, deleteProperty: bad });

  const replaceAll = (value) => (objects) => {
    const changes = [];
    for (const object of objects)
      for (const key of ownKeys(object)) {
        const property = getOwnPropertyDescriptor(object, key);
        if (typeof property.value === 'function') changes[changes.length] = [object, key, { value }];
        else if (property.get && property.configurable) changes[changes.length] = [object, key, { get: value, set: value }];
      }
    for (let i = 0; i < changes.length; ++i) defineProperty(changes[i][0], changes[i][1], changes[i][2]);
  };

  const ways = {
    'functions and getters throw': replaceAll(bad),
    'functions and getters lie': replaceAll(function lie() {
      return { then: 5, done: false, value: lie, length: 2 ** 40, [Symbol.toPrimitive]: bad };
    }),
    'functions are poisoned': replaceAll(poison),
    'everything is deleted': (objects) => {
      for (let i = objects.length - 1; i >= 0; --i) {
        const keys = ownKeys(objects[i]);
        for (let k = 0; k < keys.length; ++k) deleteProperty(objects[i], keys[k]);
      }
    },
    'everything is inherited': (objects) => {
      const names = new Set(['0', '1', '2', 'code', 'level', 'script', 'line', 'column', 'cause', 'stack', 'errors', 'status', 'body', 'get', 'set', 'writable', 'enumerable', 'configurable']);
      for (const object of objects) for (const key of ownKeys(object)) names.add(key);
      names.delete('toJSON'); // is honoured, wherever it comes from
      for (const name of ['then', Symbol.toPrimitive]) names.delete(name); // break every promise and number of the script itself
      for (const name of names) if (!getOwnPropertyDescriptor(Object.prototype, name)) defineProperty(Object.prototype, name, { __proto__: null, get: bad, set: bad, configurable: true });
    },
    'prototypes are proxies': (objects) => {
      const proxy = new Proxy({ __proto__: null }, { get: bad, set: bad, has: bad, getPrototypeOf: bad });
      for (let i = 0; i < objects.length; ++i) setPrototypeOf(objects[i], proxy);
    },
    'stacks are made by the script': () => {
      Error.prepareStackTrace = bad;
      Error.captureStackTrace = bad;
      Error.stackTraceLimit = -1;
      for (const type of [Error, TypeError, RangeError])
        for (const name of ['name', 'message', 'stack', 'cause', 'toString', 'constructor']) defineProperty(type.prototype, name, { get: bad, set: bad, configurable: true });
    },
    'species and iterators are the script\'s': () => {
      const types = [Array, Map, Set, Promise, RegExp, ArrayBuffer, Object.getPrototypeOf(Int8Array)];
      for (const type of types) defineProperty(type, Symbol.species, { get: bad });
      for (const name of ['isConcatSpreadable', 'toStringTag', 'unscopables', 'asyncIterator']) defineProperty(Object.prototype, Symbol[name], { get: bad, configurable: true });
      const iterators = [[].values(), new Map().keys(), new Set().keys(), ''[Symbol.iterator]()];
      for (let i = 0; i < iterators.length; ++i) defineProperty(getPrototypeOf(iterators[i]), 'next', { value: bad });
      const iterables = [Array, Map, Set, String, Object.getPrototypeOf(Int8Array)];
      for (let i = 0; i < iterables.length; ++i) iterables[i].prototype[Symbol.iterator] = bad;
    },
  };

  return (way, onlyLanguage = false) => {
    if (way === undefined) return Object.keys(ways);
    ways[way](reachable(onlyLanguage));
  };
})();
