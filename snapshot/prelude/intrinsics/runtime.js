// SPDX-License-Identifier: Apache-2.0
// What the prelude's groups use in the place of what a script can replace: copies of the language's functions, made
// when the snapshot is, and functions of our own where the language's would look up something replaceable themselves
// (`constructor` with its species, `then`, `exec`, iterators). transform.js puts them into the groups, and adds to this
// file what is named after a built-in (Array_push, Object_keys) and not written here. Nothing here calls a method.

const { apply, defineProperty, setPrototypeOf } = Reflect;
const { getOwnPropertyDescriptor, getPrototypeOf } = Object; // Reflect's take longer
const { bind, call } = Function.prototype;
// f(self, …) for a method that wants `this`.
const unbound = bind.bind(call);
const getter = (object, key) => unbound(getOwnPropertyDescriptor(object, key).get);

const { isArray } = Array;
const { isView } = ArrayBuffer;
const { species, iterator: iteratorSymbol, toStringTag } = Symbol;
const { freeze } = Object;
// In the place of what would look up something replaceable, and has no version of ours yet.
function refuse() {
  throw new TypeError('The prelude has no such method of its own');
}
// While a snapshot is built V8 lacks what a flag can turn off, and each version lacks what is newer.
function existing(value, path) {
  if (value === undefined) throw new TypeError(`The prelude uses ${path}, which V8 does not have while a snapshot is built`);
  return value;
}
const method = (prototype, name) => (prototype[name] === undefined ? (self, ...list) => apply(self[name], self, list) : unbound(prototype[name]));
const hasOwn = unbound(Object.prototype.hasOwnProperty);
const Object_hasOwn = (object, key) => hasOwn(object, key);
const isInstance = unbound(Function.prototype[Symbol.hasInstance]);
const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
const ObjectPrototype = Object.prototype;
// Of a constructor's object, as Web IDL has it: where new.target has no prototype it is the interface's own, not Object's.
function prototypeFor(target, Interface) {
  const { prototype } = target;
  return isObject(prototype) ? prototype : Interface.prototype;
}
// `given`: the prototype that it has if new.target has none.
function adopt(object, target, Interface, given = ObjectPrototype) {
  if (getPrototypeOf(object) === given) setPrototypeOf(object, prototypeFor(target, Interface));
}
const MapGet = unbound(Map.prototype.get);
const MapSet = unbound(Map.prototype.set);
const SetAdd = unbound(Set.prototype.add);

const IteratorPrototype = getPrototypeOf(getPrototypeOf([][iteratorSymbol]()));
const AsyncIteratorPrototype = getPrototypeOf(getPrototypeOf(getPrototypeOf(async function* () {}()))); // of generators' prototype
const AsyncGeneratorPrototype = getPrototypeOf((async function* () {}).prototype);
const TypedArray = getPrototypeOf(Uint8Array);
const typedArrays = {
  __proto__: null,
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array,
};

// Those of typed arrays → true.
const typedArrayPrototypes = new Map();
const typedArrayNames = Reflect.ownKeys(typedArrays);
for (let i = 0; i < typedArrayNames.length; ++i) MapSet(typedArrayPrototypes, typedArrays[typedArrayNames[i]].prototype, true);

// --- getters --------------------------------------------------------------------------------------------------

const tagOf = getter(TypedArray.prototype, toStringTag); // undefined for what is no typed array
const typedLength = getter(TypedArray.prototype, 'length');
const typedBuffer = getter(TypedArray.prototype, 'buffer');
const typedOffset = getter(TypedArray.prototype, 'byteOffset');
const typedByteLength = getter(TypedArray.prototype, 'byteLength');
const viewBuffer = getter(DataView.prototype, 'buffer');
const viewOffset = getter(DataView.prototype, 'byteOffset');
const viewByteLength = getter(DataView.prototype, 'byteLength');
const bufferByteLength = getter(ArrayBuffer.prototype, 'byteLength');
const mapSize = getter(Map.prototype, 'size');
const setSize = getter(Set.prototype, 'size');
const isGlobal = getter(RegExp.prototype, 'global');
const isUnicode = getter(RegExp.prototype, 'unicode');

const get_length = (value) => (isView(value) ? typedLength(value) : value.length);
const get_buffer = (value) => (!isView(value) ? value.buffer : tagOf(value) === undefined ? viewBuffer(value) : typedBuffer(value));
const get_byteOffset = (value) => (!isView(value) ? value.byteOffset : tagOf(value) === undefined ? viewOffset(value) : typedOffset(value));
function get_byteLength(value) {
  if (isView(value)) return tagOf(value) === undefined ? viewByteLength(value) : typedByteLength(value);
  return native.bufferKind(value) === 1 ? bufferByteLength(value) : value.byteLength;
}
function get_size(value) {
  const prototype = typeof value === 'object' && value !== null ? getPrototypeOf(value) : undefined;
  return prototype === Map.prototype ? mapSize(value) : prototype === Set.prototype ? setSize(value) : value.size;
}

// --- iteration ------------------------------------------------------------------------------------------------

// An iterable, its iterator and its results at once: who iterates looks at each result before the next.
class Cursor {
  constructor(source, next) {
    this.source = source;
    this.step = next;
    this.at = 0;
    this.done = false;
    this.value = undefined;
  }
  next() {
    this.step(this);
    return this;
  }
  [iteratorSymbol]() {
    return this;
  }
}
setPrototypeOf(Cursor.prototype, null);
freeze(Cursor.prototype);

function stop(cursor) {
  cursor.done = true;
  cursor.value = undefined;
}
function stepArray(cursor) {
  const { at, source } = cursor;
  if (at >= source.length) return stop(cursor);
  cursor.value = source[at];
  cursor.at = at + 1;
}
function stepTypedArray(cursor) {
  const { at, source } = cursor;
  if (at >= typedLength(source)) return stop(cursor);
  cursor.value = source[at];
  cursor.at = at + 1;
}
// Of a built-in iterator. Its results are V8's.
const stepper = (next) => (cursor) => {
  const result = next(cursor.source);
  cursor.done = result.done;
  cursor.value = result.value;
};
// Of a text: its code points.
function charactersOf(text) {
  const list = [];
  for (let i = 0; i < text.length; ++i) {
    const unit = text[i];
    const isPair = unit >= '\ud800' && unit <= '\udbff' && i + 1 < text.length && text[i + 1] >= '\udc00' && text[i + 1] <= '\udfff';
    list[list.length] = isPair ? unit + text[++i] : unit;
  }
  return list;
}

const iterateArray = (list) => new Cursor(list, stepArray); // `arguments`, too

// Prototype → a function that makes a cursor.
const openers = new Map();
for (let i = 0; i < typedArrayNames.length; ++i) MapSet(openers, typedArrays[typedArrayNames[i]].prototype, (array) => new Cursor(array, stepTypedArray));
function addOpener(iterable, open) {
  const prototype = getPrototypeOf(open(iterable));
  const step = stepper(unbound(prototype.next));
  MapSet(openers, getPrototypeOf(iterable), (value) => new Cursor(open(value), step));
  MapSet(openers, prototype, (iterator) => new Cursor(iterator, step));
}
addOpener(new Map(), unbound(Map.prototype.entries));
addOpener(new Set(), unbound(Set.prototype.values));
{
  const prototype = getPrototypeOf([][iteratorSymbol]());
  const step = stepper(unbound(prototype.next));
  MapSet(openers, prototype, (iterator) => new Cursor(iterator, step));
}

// What for-of and destructuring go through, by index; an array as it is, of others a copy.
const listed = (iterable) => (isArray(iterable) ? iterable : typeof iterable === 'string' ? charactersOf(iterable) : [...iterate(iterable)]);
// [...part, ...part]
function joined(...parts) {
  const result = [];
  for (let k = 0; k < parts.length; ++k) {
    const list = listed(parts[k]);
    for (let i = 0; i < list.length; ++i) result[result.length] = list[i];
  }
  return result;
}
// What spread in a call goes through. Of an object that is not the language's: its own iterator.
function iterate(iterable) {
  if (isArray(iterable)) return new Cursor(iterable, stepArray);
  if (typeof iterable === 'string') return new Cursor(charactersOf(iterable), stepArray);
  const open = typeof iterable === 'object' && iterable !== null ? MapGet(openers, getPrototypeOf(iterable)) : undefined;
  return open === undefined ? iterable : open(iterable);
}

// --- promises -------------------------------------------------------------------------------------------------

const PromisePrototype = Promise.prototype;
const originalThen = PromisePrototype.then;
const originalSpecies = getOwnPropertyDescriptor(Promise, species).get;
const then = unbound(originalThen);

// Not by the value alone: a getter could say one thing now and another one later.
const getterOf = unbound(Object.prototype.__lookupGetter__);
const isPromise = (value) => typeof value === 'object' && value !== null && getPrototypeOf(value) === PromisePrototype;
// `await` looks at the constructor, `then` also at its species, what resolves a promise at all of them.
const isConstructorOriginal = () => getterOf(PromisePrototype, 'constructor') === undefined && PromisePrototype.constructor === Promise;
const isSpeciesOriginal = () => isConstructorOriginal() && getterOf(Promise, species) === originalSpecies;
const isUntouched = () => isSpeciesOriginal() && getterOf(PromisePrototype, 'then') === undefined && PromisePrototype.then === originalThen;

// `await` looks up the constructor of a promise, and what resolves a promise with another one its `then`. Where a script
// has replaced these, the promise gets its own.
function shield(promise) {
  if (!hasOwn(promise, 'constructor'))
    defineProperty(promise, 'constructor', { __proto__: null, value: Promise, writable: true, enumerable: false, configurable: true });
  if (!hasOwn(promise, 'then'))
    defineProperty(promise, 'then', { __proto__: null, value: Promise_prototype_then, writable: true, enumerable: false, configurable: true });
  return promise;
}
const awaited = (value) => (isPromise(value) && !isConstructorOriginal() ? shield(value) : value);
// For a value that a promise is resolved with.
const resolving = (value) => (isPromise(value) && !isUntouched() ? shield(value) : value);

// As the language's in its order of jobs.
async function thenByAwait(promise, onFulfilled, onRejected) {
  let value;
  try {
    value = await shield(promise);
  } catch (error) {
    if (typeof onRejected !== 'function') throw error;
    return resolving(onRejected(error));
  }
  return typeof onFulfilled === 'function' ? resolving(onFulfilled(value)) : value;
}
function Promise_then(promise, onFulfilled, onRejected) {
  return isSpeciesOriginal() || !isPromise(promise) ? then(promise, onFulfilled, onRejected) : thenByAwait(promise, onFulfilled, onRejected);
}
const Promise_catch = (promise, onRejected) => Promise_then(promise, undefined, onRejected);
const { then: Promise_prototype_then } = {
  then(onFulfilled, onRejected) {
    return Promise_then(this, onFulfilled, onRejected);
  },
};
const Promise_resolve = (value) => (isPromise(value) ? value : new Promise((resolve) => resolve(value)));
const Promise_reject = (reason) => new Promise((_, reject) => reject(reason));
const Promise_all = (list) =>
  new Promise((resolve, reject) => {
    const values = [];
    let missing = list.length;
    if (missing === 0) resolve(values);
    for (let i = 0; i < list.length; ++i)
      Promise_then(Promise_resolve(list[i]), (value) => {
        values[i] = value;
        if (--missing === 0) resolve(values);
      }, reject);
  });
const Promise_race = (list) =>
  new Promise((resolve, reject) => {
    for (let i = 0; i < list.length; ++i) Promise_then(Promise_resolve(list[i]), resolve, reject);
  });

// --- arrays: the language's ask the constructor for its species -----------------------------------------------

function Array_map(list, convert) {
  const result = [];
  for (let i = 0; i < list.length; ++i) result[i] = convert(list[i], i, list);
  return result;
}
function Array_filter(list, isWanted) {
  const result = [];
  for (let i = 0; i < list.length; ++i) {
    const item = list[i];
    if (isWanted(item, i, list)) result[result.length] = item;
  }
  return result;
}
function pushOne(list, item) {
  list[list.length] = item;
  return list.length;
}
function position(value, length, fallback) {
  if (value === undefined) return fallback;
  return value < 0 ? (length + value < 0 ? 0 : length + value) : value > length ? length : value;
}
function Array_slice(list, start, end) {
  const { length } = list;
  const last = position(end, length, length);
  const result = [];
  for (let i = position(start, length, 0); i < last; ++i) result[result.length] = list[i];
  return result;
}
function Array_splice(list, start, count, ...items) {
  const { length } = list;
  const from = position(start, length, 0);
  const most = length - from;
  const removedCount = count === undefined || count > most ? most : count < 0 ? 0 : count;
  const removed = Array_slice(list, from, from + removedCount);
  const rest = Array_slice(list, from + removedCount);
  list.length = from;
  for (let i = 0; i < items.length; ++i) list[list.length] = items[i];
  for (let i = 0; i < rest.length; ++i) list[list.length] = rest[i];
  return removed;
}
function Array_concat(list, ...others) {
  const result = Array_slice(list);
  for (let k = 0; k < others.length; ++k)
    if (!isArray(others[k])) result[result.length] = others[k];
    else for (let i = 0; i < others[k].length; ++i) result[result.length] = others[k][i];
  return result;
}
function Array_flatMap(list, convert) {
  return Array_concat([], ...iterateArray(Array_map(list, convert)));
}
function Array_from(source, convert) {
  let list;
  if (isArray(source)) list = convert === undefined ? Array_slice(source) : source;
  else if (typeof source === 'string' || iterate(source) !== source || source[iteratorSymbol] !== undefined) list = listed(source);
  else {
    list = [];
    for (let i = 0; i < source.length; ++i) list[i] = source[i];
  }
  return convert === undefined ? list : Array_map(list, convert);
}

// --- bytes ----------------------------------------------------------------------------------------------------

const typedSet = unbound(TypedArray.prototype.set);
function TypedArray_subarray(array, start, end) {
  const Type = typedArrays[tagOf(array)];
  const length = typedLength(array);
  const from = position(start, length, 0);
  const to = position(end, length, length);
  return new Type(typedBuffer(array), typedOffset(array) + from * Type.BYTES_PER_ELEMENT, to > from ? to - from : 0);
}
function TypedArray_slice(array, start, end) {
  const part = TypedArray_subarray(array, start, end);
  const copy = new typedArrays[tagOf(array)](typedLength(part));
  typedSet(copy, part);
  return copy;
}
function ArrayBuffer_slice(buffer, start, end) {
  return typedBuffer(TypedArray_slice(new Uint8Array(buffer), start, end));
}
// new Type(source) of one argument: arrays are asked for their iterators there.
function newTypedArray(Type, source) {
  if (typeof source !== 'object' || source === null || isView(source) || native.bufferKind(source) !== 0) return new Type(source);
  const list = isArray(source) ? source : Array_from(source);
  const array = new Type(list.length);
  for (let i = 0; i < list.length; ++i) array[i] = list[i];
  return array;
}
function typedArrayFrom(Type, source, convert) {
  return newTypedArray(Type, Array_from(source, convert));
}

function isDetached(buffer) {
  if (bufferByteLength(buffer) !== 0) return false;
  try {
    new DataView(buffer);
    return false;
  } catch {
    return true;
  }
}

// --- collections: the language's ask for `set` and `add` ------------------------------------------------------

function newMap(entries) {
  const map = new Map();
  const list = listed(entries);
  for (let i = 0; i < list.length; ++i) MapSet(map, list[i][0], list[i][1]);
  return map;
}
function newSet(items) {
  const set = new Set();
  const list = listed(items);
  for (let i = 0; i < list.length; ++i) SetAdd(set, list[i]);
  return set;
}
function Object_fromEntries(entries) {
  const object = {};
  for (const entry of iterate(entries)) defineProperty(object, entry[0], { __proto__: null, value: entry[1], writable: true, enumerable: true, configurable: true });
  return object;
}

// --- text: the language's ask a regular expression for its methods --------------------------------------------

const exec = unbound(RegExp.prototype.exec);
const slice = unbound(String.prototype.slice);
const codePointAt = unbound(String.prototype.codePointAt);
const indexOf = unbound(String.prototype.indexOf);
const charCodeAt = unbound(String.prototype.charCodeAt);

const RegExp_test = (pattern, text) => exec(pattern, text) !== null;

// Calls use(match) for the first match, or for each if the expression is a global one.
function forEachMatch(pattern, text, use) {
  const isEach = isGlobal(pattern);
  if (isEach) pattern.lastIndex = 0;
  for (let match; (match = exec(pattern, text)) !== null; ) {
    use(match);
    if (!isEach) return;
    if (match[0] === '') pattern.lastIndex += isUnicode(pattern) && codePointAt(text, pattern.lastIndex) > 0xffff ? 2 : 1;
  }
}

// $$, $& and $1 to $9.
function expanded(template, match) {
  let result = '';
  let from = 0;
  for (let at; (at = indexOf(template, '$', from)) >= 0 && at + 1 < template.length; from = at + 2) {
    const next = template[at + 1];
    const code = charCodeAt(next, 0) - 0x30;
    const inserted = next === '$' ? '$' : next === '&' ? match[0] : code >= 1 && code <= 9 && code < match.length ? match[code] ?? '' : `$${next}`;
    result += slice(template, from, at) + inserted;
  }
  return result + slice(template, from);
}
function replacementOf(match, text, replacement) {
  if (typeof replacement === 'string') return indexOf(replacement, '$') < 0 ? replacement : expanded(replacement, match);
  const values = [];
  for (let i = 0; i < match.length; ++i) values[i] = match[i];
  values[match.length] = match.index;
  values[match.length + 1] = text;
  return `${apply(replacement, undefined, values)}`;
}
function String_replace(text, pattern, replacement) {
  if (typeof pattern === 'string') {
    const at = indexOf(text, pattern);
    if (at < 0) return text;
    const match = [pattern];
    match.index = at;
    return slice(text, 0, at) + replacementOf(match, text, replacement) + slice(text, at + pattern.length);
  }
  let result = '';
  let from = 0;
  forEachMatch(pattern, text, (match) => {
    result += slice(text, from, match.index) + replacementOf(match, text, replacement);
    from = match.index + match[0].length;
  });
  return from === 0 && result === '' ? text : result + slice(text, from);
}
function String_replaceAll(text, pattern, replacement) {
  if (typeof pattern !== 'string') return String_replace(text, pattern, replacement);
  let result = '';
  let from = 0;
  for (let at; (at = indexOf(text, pattern, from)) >= 0; from = at + pattern.length) {
    const match = [pattern];
    match.index = at;
    result += slice(text, from, at) + replacementOf(match, text, replacement);
  }
  return result + slice(text, from);
}
function String_match(text, pattern) {
  if (!isGlobal(pattern)) return exec(pattern, text);
  const all = [];
  forEachMatch(pattern, text, (match) => {
    all[all.length] = match[0];
  });
  return all.length === 0 ? null : all;
}
function String_search(text, pattern) {
  const match = exec(pattern, text);
  return match === null ? -1 : match.index;
}
// By a text that is not empty, or by an expression that is a global one, has no groups and never matches nothing.
function String_split(text, separator) {
  const parts = [];
  let from = 0;
  if (typeof separator !== 'string')
    forEachMatch(separator, text, (match) => {
      parts[parts.length] = slice(text, from, match.index);
      from = match.index + match[0].length;
    });
  else if (separator === '') {
    for (let i = 0; i < text.length; ++i) parts[i] = text[i];
    return parts;
  } else
    for (let at; (at = indexOf(text, separator, from)) >= 0; from = at + separator.length) parts[parts.length] = slice(text, from, at);
  parts[parts.length] = slice(text, from);
  return parts;
}
