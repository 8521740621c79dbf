// SPDX-License-Identifier: Apache-2.0
// Object.groupBy, Map.groupBy and Math.sumPrecise. Those of core-js go on for ever where an iterator gives no object.
import { append, close, end, getIterator, orClose, step } from './operations.js';

const { Map, TypeError } = globalThis; // whatever a script makes of these names
const { apply, ownKeys } = Reflect;
const { forEach, get, set } = Map.prototype;
const { iterator: iteratorKey } = Symbol;

// ToPropertyKey, for which there is no function
const toPropertyKey = (value) => (typeof value === 'symbol' ? value : ownKeys({ __proto__: null, [value]: 0 })[0]);

// GroupBy: a map of keys and arrays
function groupsOf(items, callback, toKey) {
  if (items === undefined || items === null) throw new TypeError('There is nothing to group');
  if (typeof callback !== 'function') throw new TypeError('The callback is not a function');
  const record = getIterator(items);
  const groups = new Map();
  for (let index = 0; ; ++index) {
    const value = step(record);
    if (value === end) return groups;
    const key = orClose(record, () => toKey(apply(callback, undefined, [value, index])));
    const group = apply(get, groups, [key]);
    if (group === undefined) apply(set, groups, [key, [value]]);
    else append(group, value);
  }
}

export const { objectGroupBy, mapGroupBy } = {
  objectGroupBy(items, callback) {
    const object = { __proto__: null };
    apply(forEach, groupsOf(items, callback, toPropertyKey), [(group, key) => void (object[key] = group)]);
    return object;
  },
  mapGroupBy(items, callback) {
    return groupsOf(items, callback, (key) => key);
  },
};

// An iterable of the same values, whose iterator keeps to the protocol, for what does not look.
function guarded(items) {
  const record = getIterator(items);
  const iterator = {
    __proto__: null,
    next() {
      const value = step(record);
      return { __proto__: null, value: value === end ? undefined : value, done: value === end };
    },
    return() {
      close(record);
      return {};
    },
  };
  return { __proto__: null, [iteratorKey]: () => iterator };
}

// Of what sums up what is iterated over.
export function guardedSum(original) {
  return {
    sumPrecise(items) {
      if (items === undefined || items === null) throw new TypeError('There is nothing to sum up');
      return apply(original, undefined, [guarded(items)]);
    },
  }.sumPrecise;
}
