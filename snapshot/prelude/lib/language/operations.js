// SPDX-License-Identifier: Apache-2.0
// Abstract operations of the language's specification.

const { Object, String, TypeError } = globalThis; // whatever a script makes of these names
const { apply, defineProperty } = Reflect;
const { iterator: iteratorKey } = Symbol;
const { trunc } = Math;

export const isObject = (value) => Object(value) === value;

// ToIntegerOrInfinity of a number
export const toInteger = (number) => (number !== number ? 0 : trunc(number) + 0);

// CreateDataProperty at an array's end: no setter of Array.prototype is asked.
export function append(array, value) {
  defineProperty(array, array.length, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}

// GetMethod
export function method(object, key) {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'function') throw new TypeError(`${String(key)} is not a function`);
  return value;
}

// --- iterators: a record is {iterator, next} ------------------------------------------------------

// What step() gives when there is no other value.
export const end = { __proto__: null };

// GetIteratorDirect
export const directRecord = (iterator) => ({ __proto__: null, iterator, next: iterator.next });

function recordOf(iterator) {
  if (!isObject(iterator)) throw new TypeError('What Symbol.iterator gave is not an object');
  return directRecord(iterator);
}

// GetIterator(iterable, sync)
export function getIterator(iterable) {
  const open = method(iterable, iteratorKey);
  if (open === undefined) throw new TypeError('The object is not iterable');
  return openIterator(open, iterable);
}

// GetIteratorFromMethod
export const openIterator = (open, iterable) => recordOf(apply(open, iterable, []));

// GetIteratorFlattenable
export function getFlattenable(value, takesStrings) {
  if (!isObject(value) && !(takesStrings && typeof value === 'string')) throw new TypeError('What shall be iterated over is not an object');
  const open = method(value, iteratorKey);
  return recordOf(open === undefined ? value : apply(open, value, []));
}

function resultOf(record) {
  const result = apply(record.next, record.iterator, []);
  if (!isObject(result)) throw new TypeError("What an iterator's next() gave is not an object");
  return result;
}

// IteratorStepValue: the value, or `end`
export function step(record) {
  const result = resultOf(record);
  return result.done ? end : result.value;
}

// IteratorStep, where nobody asks for the value: is there one?
export const skip = (record) => !resultOf(record).done;

// IteratorClose, of a normal or a return completion
export function close({ iterator }) {
  const finish = method(iterator, 'return');
  if (finish !== undefined && !isObject(apply(finish, iterator, []))) throw new TypeError("What an iterator's return() gave is not an object");
}

// The same of a throw completion: whatever happens meanwhile, the error is thrown.
export function closeWith(error, { iterator }) {
  try {
    const finish = method(iterator, 'return');
    if (finish !== undefined) apply(finish, iterator, []);
  } catch {
    // The first one counts.
  }
  throw error;
}

// IfAbruptCloseIterator: what `action` gives, or the iterator is closed.
export function orClose(record, action, argument, index) {
  try {
    return action(argument, index);
  } catch (error) {
    return closeWith(error, record);
  }
}
