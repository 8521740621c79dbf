// SPDX-License-Identifier: Apache-2.0
// Array.fromAsync, of ECMAScript 2026. That of core-js takes what is like an array for an iterable.
import { method } from './operations.js';

const { Array, Object, Proxy, TypeError } = globalThis; // whatever a script makes of these names
const { apply, defineProperty } = Reflect;
const { asyncIterator, iterator } = Symbol;
const { MAX_SAFE_INTEGER } = Number;
const { min, trunc } = Math;

// Without looking at anything of it.
function isConstructor(value) {
  try {
    new (new Proxy(value, { __proto__: null, construct: () => ({}) }))();
    return true;
  } catch {
    return false;
  }
}

function append(target, index, value) {
  if (!defineProperty(target, index, { __proto__: null, value, writable: true, enumerable: true, configurable: true }))
    throw new TypeError(`Cannot define property ${index}`);
}

function lengthOf(object) {
  const length = trunc(+object.length);
  return length > 0 ? min(length, MAX_SAFE_INTEGER) : 0;
}

const iterated = (key, values) => ({ __proto__: null, [key]: () => values });

async function fromIterable(iterable, Constructor, mapper, self) {
  const result = isConstructor(Constructor) ? new Constructor() : [];
  let index = 0;
  for await (const value of iterable) {
    append(result, index, mapper === undefined ? value : await apply(mapper, self, [value, index]));
    ++index;
  }
  result.length = index;
  return result;
}

async function fromArrayLike(object, Constructor, mapper, self) {
  const length = lengthOf(object);
  const result = isConstructor(Constructor) ? new Constructor(length) : new Array(length);
  for (let index = 0; index < length; ++index) {
    const value = await object[index];
    append(result, index, mapper === undefined ? value : await apply(mapper, self, [value, index]));
  }
  result.length = length;
  return result;
}

async function collect(items, Constructor, mapper, self) {
  if (mapper !== undefined && typeof mapper !== 'function') throw new TypeError('Array.fromAsync: the mapper is not a function');
  const asyncMethod = method(items, asyncIterator);
  if (asyncMethod !== undefined)
    return fromIterable(iterated(asyncIterator, apply(asyncMethod, items, [])), Constructor, mapper, self);
  const syncMethod = method(items, iterator);
  if (syncMethod !== undefined)
    return fromIterable(iterated(iterator, apply(syncMethod, items, [])), Constructor, mapper, self);
  return fromArrayLike(Object(items), Constructor, mapper, self);
}

// Not an asynchronous function itself: those have another prototype.
export const { fromAsync } = {
  fromAsync(items, mapper = undefined, self = undefined) {
    return collect(items, this, mapper, self);
  },
};
