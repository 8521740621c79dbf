// SPDX-License-Identifier: Apache-2.0
// The methods of sets, of ECMAScript 2025. Those of core-js go on for ever where an iterator gives no object.
import { close, directRecord, end, isObject, step, toInteger } from './operations.js';

const { RangeError, Set, TypeError } = globalThis; // whatever a script makes of these names
const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const { add, delete: remove, has, keys } = Set.prototype;
const { get: size } = getOwnPropertyDescriptor(Set.prototype, 'size');
const { next } = getPrototypeOf(new Set().keys());

const sizeOf = (set) => apply(size, set, []);
const hasOwn = (set, value) => apply(has, set, [value]);
const addTo = (set, value) => void apply(add, set, [value]);
const removeFrom = (set, value) => void apply(remove, set, [value]);

// GetSetRecord
function setRecord(other) {
  if (!isObject(other)) throw new TypeError('The argument is not an object');
  const number = +other.size;
  if (number !== number) throw new TypeError("The argument's size is not a number");
  const otherSize = toInteger(number);
  if (otherSize < 0) throw new RangeError("The argument's size is negative");
  const { has: otherHas } = other;
  if (typeof otherHas !== 'function') throw new TypeError("The argument's has is not a function");
  const { keys: otherKeys } = other;
  if (typeof otherKeys !== 'function') throw new TypeError("The argument's keys is not a function");
  return {
    __proto__: null,
    size: otherSize,
    has: (value) => !!apply(otherHas, other, [value]),
    iterate() {
      const iterator = apply(otherKeys, other, []);
      if (!isObject(iterator)) throw new TypeError("What the argument's keys() gave is not an object");
      return directRecord(iterator);
    },
  };
}

// Of the set itself, as it is meanwhile; until visit() gives true. Did it?
function someOf(set, visit) {
  const iterator = apply(keys, set, []);
  for (let result = apply(next, iterator, []); !result.done; result = apply(next, iterator, [])) if (visit(result.value)) return true;
  return false;
}

// The same of another's keys, whose iterator is closed then.
function someKey(record, visit) {
  for (let value = step(record); value !== end; value = step(record))
    if (visit(value)) {
      close(record);
      return true;
    }
  return false;
}

function copyOf(set) {
  const copy = new Set();
  someOf(set, (value) => addTo(copy, value));
  return copy;
}

export const methods = {
  union(other) {
    sizeOf(this);
    const record = setRecord(other).iterate();
    const result = copyOf(this);
    someKey(record, (value) => addTo(result, value));
    return result;
  },
  intersection(other) {
    const ownSize = sizeOf(this);
    const record = setRecord(other);
    const result = new Set();
    if (ownSize <= record.size) someOf(this, (value) => void (record.has(value) && addTo(result, value)));
    else someKey(record.iterate(), (value) => void (hasOwn(this, value) && addTo(result, value)));
    return result;
  },
  difference(other) {
    const ownSize = sizeOf(this);
    const record = setRecord(other);
    const result = copyOf(this);
    if (ownSize <= record.size) someOf(this, (value) => void (record.has(value) && removeFrom(result, value)));
    else someKey(record.iterate(), (value) => removeFrom(result, value));
    return result;
  },
  symmetricDifference(other) {
    sizeOf(this);
    const record = setRecord(other).iterate();
    const result = copyOf(this);
    someKey(record, (value) => (hasOwn(this, value) ? removeFrom(result, value) : addTo(result, value)));
    return result;
  },
  isSubsetOf(other) {
    sizeOf(this);
    const record = setRecord(other);
    return sizeOf(this) <= record.size && !someOf(this, (value) => !record.has(value));
  },
  isSupersetOf(other) {
    sizeOf(this);
    const record = setRecord(other);
    return sizeOf(this) >= record.size && !someKey(record.iterate(), (value) => !hasOwn(this, value));
  },
  isDisjointFrom(other) {
    sizeOf(this);
    const record = setRecord(other);
    return sizeOf(this) <= record.size ? !someOf(this, (value) => record.has(value)) : !someKey(record.iterate(), (value) => hasOwn(this, value));
  },
};
