// SPDX-License-Identifier: Apache-2.0
// Interfaces with `iterable<K, V>`: https://webidl.spec.whatwg.org/#js-iterable
import { requireArguments } from './webidl.js';

// Gives the class entries, keys, values, forEach and the iterator itself. `pairs(object)` is the present list of
// [key, value], asked for at each step; it throws a TypeError for an object of another class.
export function makePairIterable(Class, name, pairs) {
  const states = new WeakMap();
  const prototype = Object.create($$IteratorPrototype, {
    next: {
      value: function next() {
        const state = states.get(this);
        if (!state) throw new TypeError(`Illegal invocation: not a ${name} Iterator`);
        const list = pairs(state.object);
        if (state.index >= list.length) return { value: undefined, done: true };
        const [key, value] = list[state.index++];
        return { value: state.kind === 'keys' ? key : state.kind === 'values' ? value : [key, value], done: false };
      },
      writable: true,
      enumerable: true,
      configurable: true,
    },
    [Symbol.toStringTag]: { value: `${name} Iterator`, writable: false, enumerable: false, configurable: true },
  });
  const iterate = (object, kind) => {
    pairs(object);
    const iterator = Object.create(prototype);
    states.set(iterator, { object, kind, index: 0 });
    return iterator;
  };
  const methods = {
    entries() {
      return iterate(this, 'entries');
    },
    keys() {
      return iterate(this, 'keys');
    },
    values() {
      return iterate(this, 'values');
    },
    forEach(callback) {
      pairs(this);
      requireArguments(arguments.length, 1, `${name}.forEach`);
      if (typeof callback !== 'function') throw new TypeError(`${name}.forEach: the argument is not a function`);
      const thisArg = arguments[1];
      for (let i = 0; i < pairs(this).length; ++i) {
        const [key, value] = pairs(this)[i];
        Reflect.apply(callback, thisArg, [value, key, this]);
      }
    },
  };
  for (const key of Object.keys(methods))
    Object.defineProperty(Class.prototype, key, { value: methods[key], writable: true, enumerable: true, configurable: true });
  Object.defineProperty(Class.prototype, Symbol.iterator, { value: methods.entries, writable: true, enumerable: false, configurable: true });
}
