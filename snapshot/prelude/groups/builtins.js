// SPDX-License-Identifier: Apache-2.0
// The built-ins of ECMAScript 2022 to 2027 that this V8 lacks, from core-js or of our own. Runs when the
// startup snapshot is built. What V8 has stays as it is, and only what is missing is evaluated.

const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
function objectAt(path) {
  if (path === '') return globalThis;
  if (path === 'TypedArray.prototype') return getPrototypeOf(Uint8Array.prototype);
  return path.split('.').reduce((object, name) => object?.[name], globalThis);
}
const hasOwnProperty = (object, name) => Object(object) === object && getOwnPropertyDescriptor(object, name) !== undefined;

function sumPrecise() {
  require('core-js/modules/es.math.sum-precise');
  return require('../lib/language/grouping').guardedSum(Math.sumPrecise);
}

// [path of an object, [method or getter, its length, what defines it or gives it] …]
const features = [
  ['Array', ['fromAsync', 1, () => require('../lib/language/array_from_async').fromAsync]],
  [
    'Array.prototype',
    ['at', 1, () => require('core-js/modules/es.array.at')],
    ['findLast', 1, () => require('core-js/modules/es.array.find-last')],
    ['findLastIndex', 1, () => require('core-js/modules/es.array.find-last-index')],
    ['toReversed', 0, () => require('core-js/modules/es.array.to-reversed')],
    ['toSorted', 1, () => require('core-js/modules/es.array.to-sorted')],
    ['toSpliced', 2, () => require('core-js/modules/es.array.to-spliced')],
    ['with', 2, () => require('core-js/modules/es.array.with')],
  ],
  [
    'ArrayBuffer.prototype',
    ['detached', 0, () => require('core-js/modules/es.array-buffer.detached')],
    ['transfer', 0, () => require('core-js/modules/es.array-buffer.transfer')],
    ['transferToFixedLength', 0, () => require('core-js/modules/es.array-buffer.transfer-to-fixed-length')],
  ],
  [
    'DataView.prototype',
    ['getFloat16', 1, () => require('core-js/modules/es.data-view.get-float16')],
    ['setFloat16', 2, () => require('core-js/modules/es.data-view.set-float16')],
  ],
  ['Error', ['isError', 1, () => require('../lib/language/is_error').isError]],
  ['Map', ['groupBy', 2, () => require('../lib/language/grouping').mapGroupBy]],
  [
    'Map.prototype',
    ['getOrInsert', 2, () => require('core-js/modules/es.map.get-or-insert')],
    ['getOrInsertComputed', 2, () => require('core-js/modules/es.map.get-or-insert-computed')],
  ],
  [
    'Math',
    ['f16round', 1, () => require('core-js/modules/es.math.f16round')],
    ['sumPrecise', 1, () => sumPrecise()],
  ],
  [
    'Object',
    ['groupBy', 2, () => require('../lib/language/grouping').objectGroupBy],
    ['hasOwn', 2, () => require('core-js/modules/es.object.has-own')],
  ],
  [
    'Promise',
    ['try', 1, () => require('core-js/modules/es.promise.try')],
    ['withResolvers', 0, () => require('core-js/modules/es.promise.with-resolvers')],
  ],
  ['RegExp', ['escape', 1, () => require('core-js/modules/es.regexp.escape')]],
  [
    'Set.prototype',
    ['difference', 1, () => require('../lib/language/set_methods').methods.difference],
    ['intersection', 1, () => require('../lib/language/set_methods').methods.intersection],
    ['isDisjointFrom', 1, () => require('../lib/language/set_methods').methods.isDisjointFrom],
    ['isSubsetOf', 1, () => require('../lib/language/set_methods').methods.isSubsetOf],
    ['isSupersetOf', 1, () => require('../lib/language/set_methods').methods.isSupersetOf],
    ['symmetricDifference', 1, () => require('../lib/language/set_methods').methods.symmetricDifference],
    ['union', 1, () => require('../lib/language/set_methods').methods.union],
  ],
  [
    'String.prototype',
    ['at', 1, () => require('core-js/modules/es.string.at-alternative')],
    ['isWellFormed', 0, () => require('core-js/modules/es.string.is-well-formed')],
    ['toWellFormed', 0, () => require('core-js/modules/es.string.to-well-formed')],
  ],
  [
    'TypedArray.prototype',
    ['at', 1, () => require('core-js/modules/es.typed-array.at')],
    ['findLast', 1, () => require('core-js/modules/es.typed-array.find-last')],
    ['findLastIndex', 1, () => require('core-js/modules/es.typed-array.find-last-index')],
    ['toReversed', 0, () => require('../lib/language/typed_array_copies').toReversed],
    ['toSorted', 1, () => require('../lib/language/typed_array_copies').toSorted],
    ['with', 2, () => require('../lib/language/typed_array_copies').withElement],
  ],
  [
    'Uint8Array',
    ['fromBase64', 1, () => require('core-js/modules/es.uint8-array.from-base64')],
    ['fromHex', 1, () => require('core-js/modules/es.uint8-array.from-hex')],
  ],
  [
    'Uint8Array.prototype',
    ['setFromBase64', 1, () => require('core-js/modules/es.uint8-array.set-from-base64')],
    ['setFromHex', 1, () => require('core-js/modules/es.uint8-array.set-from-hex')],
    ['toBase64', 0, () => require('core-js/modules/es.uint8-array.to-base64')],
    ['toHex', 0, () => require('core-js/modules/es.uint8-array.to-hex')],
  ],
  [
    'WeakMap.prototype',
    ['getOrInsert', 2, () => require('core-js/modules/es.weak-map.get-or-insert')],
    ['getOrInsertComputed', 2, () => require('core-js/modules/es.weak-map.get-or-insert-computed')],
  ],
  // Its constructor must be there first.
  ['', ['Iterator', 0, () => require('core-js/modules/es.iterator.constructor')]],
];
const iteratorFeatures = [
  [
    'Iterator',
    ['concat', 0, () => require('../lib/language/iterators').functions.concat],
    ['from', 1, () => require('../lib/language/iterators').functions.from],
    ['zip', 1, () => require('../lib/language/iterators').functions.zip],
    ['zipKeyed', 1, () => require('../lib/language/iterators').functions.zipKeyed],
  ],
  [
    'Iterator.prototype',
    ['chunks', 1, () => require('../lib/language/iterators').methods.chunks],
    ['drop', 1, () => require('../lib/language/iterators').methods.drop],
    ['every', 1, () => require('../lib/language/iterators').methods.every],
    ['filter', 1, () => require('../lib/language/iterators').methods.filter],
    ['find', 1, () => require('../lib/language/iterators').methods.find],
    ['flatMap', 1, () => require('../lib/language/iterators').methods.flatMap],
    ['forEach', 1, () => require('../lib/language/iterators').methods.forEach],
    ['includes', 1, () => require('../lib/language/iterators').methods.includes],
    ['join', 1, () => require('../lib/language/iterators').methods.join],
    ['map', 1, () => require('../lib/language/iterators').methods.map],
    ['reduce', 1, () => require('../lib/language/iterators').methods.reduce],
    ['some', 1, () => require('../lib/language/iterators').methods.some],
    ['take', 1, () => require('../lib/language/iterators').methods.take],
    ['toArray', 0, () => require('../lib/language/iterators').methods.toArray],
    ['windows', 1, () => require('../lib/language/iterators').methods.windows],
  ],
];

// core-js makes functions that can be constructed, which built-ins can't: each becomes a method
// without that, of the right name and length.
function methodLike(original, name, length) {
  const { method } = {
    method(...args) {
      return apply(original, this, args);
    },
  };
  defineProperty(method, 'name', { value: name });
  defineProperty(method, 'length', { value: length });
  return method;
}

function accessorLike({ get: read, set: write, ...attributes }, name) {
  const { get, set } = getOwnPropertyDescriptor(
    {
      get value() {
        return apply(read, this, []);
      },
      set value(value) {
        apply(write, this, [value]);
      },
    },
    'value',
  );
  defineProperty(get, 'name', { value: `get ${name}` });
  defineProperty(set, 'name', { value: `set ${name}` });
  return write === undefined ? { get, ...attributes } : { get, set, ...attributes };
}

function likeBuiltIn(object, key, length) {
  const property = getOwnPropertyDescriptor(object, key);
  const name = typeof key === 'symbol' ? `[${key.description}]` : key;
  if (property.get) defineProperty(object, key, accessorLike(property, name));
  else defineProperty(object, key, { ...property, value: methodLike(property.value, name, length) });
}

function defineOwn(object, name, length, value) {
  defineProperty(value, 'name', { value: name });
  defineProperty(value, 'length', { value: length });
  defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
}

// Evaluates what there is for those names that are wanted.
function install(rows, isWanted) {
  for (const [path, ...entries] of rows)
    for (const [name, length, load] of entries) {
      const object = objectAt(path);
      if (name in object || !isWanted(path === '' ? name : `${path}.${name}`)) continue;
      const value = load();
      if (typeof value === 'function') defineOwn(object, name, length, value);
      else if (!(name in object)) throw new Error(`core-js has no ${name} for this V8`);
      else if (path !== '') likeBuiltIn(object, name, length);
    }
}

// What core-js does besides is undone.
function undisturbed(action) {
  const before = ownKeys(globalThis);
  const { toString } = Function.prototype;
  action();
  for (const name of ownKeys(globalThis)) if (!before.includes(name) && name !== 'Iterator') deleteProperty(globalThis, name);
  defineProperty(Function.prototype, 'toString', { value: toString });
}

// What V8 does not have at all, for ever. names: what it has in other contexts than those that go into a snapshot.
export function define(names) {
  const isMissing = (path) => !names.has(path);
  if (isMissing('DisposableStack')) require('../lib/language/disposal');
  undisturbed(() => {
    install(features, isMissing);
    if (!isMissing('Iterator') && !('Iterator' in globalThis)) return;
    install(iteratorFeatures, isMissing);
    if (!isMissing('Iterator')) return;
    likeBuiltIn(Iterator.prototype, 'constructor');
    likeBuiltIn(Iterator.prototype, Symbol.toStringTag);
  });
}

// What V8 has, but not while the snapshot is built, for preload scripts. Returns what takes it away again: V8 adds its own
// to each context without looking at what is there.
export function lend(names) {
  const unscopables = Array.prototype[Symbol.unscopables];
  const before = ownKeys(unscopables);
  const later = [...names].map((path) => [path.slice(0, Math.max(path.lastIndexOf('.'), 0)), path.slice(path.lastIndexOf('.') + 1)])
    .filter(([path, name]) => !hasOwnProperty(objectAt(path), name));
  undisturbed(() => install(features.filter(([path]) => path !== ''), (path) => names.has(path)));
  Error.stackTraceLimit ??= 10; // else errors have no stacks
  const marks = ownKeys(unscopables).filter((name) => !before.includes(name));
  return () => {
    for (const [path, name] of later.reverse()) if (hasOwnProperty(objectAt(path), name)) deleteProperty(objectAt(path), name);
    for (const name of marks) deleteProperty(unscopables, name);
  };
}
