// SPDX-License-Identifier: Apache-2.0
// The methods of Iterator, of ECMAScript 2025 to 2027. Helpers of core-js can be resumed while they run, read more than
// the language does, and go on where an iterator gives no object.
import {
  append, close, closeWith, directRecord, end, getFlattenable, getIterator, isObject, method, openIterator, orClose, skip, step, toInteger,
} from './operations.js';

const { Object, RangeError, TypeError } = globalThis; // whatever a script makes of these names
const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
const { iterator: iteratorKey, toStringTag } = Symbol;
const { isInteger, MAX_SAFE_INTEGER } = Number;
const { isPrototypeOf } = Object.prototype;
const { join: joinArray } = Array.prototype;
const iteratorPrototype = getPrototypeOf(getPrototypeOf([].values()));

const result = (value, done) => ({ value, done });

// --- the two kinds of iterators that are returned ------------------------------------------------------

// With the states of a generator. advance(): the next value, or `end`; abandon(): closes what is open.
class Helper {
  #advance;
  #abandon;
  #state = 'suspended';

  constructor(advance, abandon) {
    this.#advance = advance;
    this.#abandon = abandon;
  }

  next() {
    if (this.#isOver()) return result(undefined, true);
    let value = end;
    this.#state = 'running';
    try {
      value = (0, this.#advance)();
    } finally {
      this.#state = value === end ? 'over' : 'begun';
    }
    return value === end ? result(undefined, true) : result(value, false);
  }

  return() {
    if (this.#isOver()) return result(undefined, true);
    // Before its first step it is over at once, after it only when all is closed.
    this.#state = this.#state === 'suspended' ? 'over' : 'running';
    try {
      (0, this.#abandon)();
    } finally {
      this.#state = 'over';
    }
    return result(undefined, true);
  }

  #isOver() {
    if (this.#state === 'running') throw new TypeError('The iterator is already running');
    return this.#state === 'over';
  }
}

class WrapForValidIterator {
  #record;

  constructor(record) {
    this.#record = record;
  }

  next() {
    const { iterator, next } = this.#record;
    return apply(next, iterator, []);
  }

  return() {
    const { iterator } = this.#record;
    const finish = method(iterator, 'return');
    return finish === undefined ? result(undefined, true) : apply(finish, iterator, []);
  }
}

for (const { prototype } of [Helper, WrapForValidIterator]) {
  setPrototypeOf(prototype, iteratorPrototype);
  deleteProperty(prototype, 'constructor');
}
defineProperty(Helper.prototype, toStringTag, { __proto__: null, value: 'Iterator Helper', writable: false, enumerable: false, configurable: true });

// --- what arguments have to be: an iterator is closed if one is refused --------------------------------

function requireObject(value) {
  if (!isObject(value)) throw new TypeError('The object is not an iterator');
}

// Before its next() is asked for.
const unopened = (iterator) => ({ __proto__: null, iterator });
const refuse = (iterator, error) => closeWith(error, unopened(iterator));

function recordFor(iterator, callback) {
  requireObject(iterator);
  if (typeof callback !== 'function') refuse(iterator, new TypeError('The argument is not a function'));
  return directRecord(iterator);
}

function toLimit(value, iterator) {
  requireObject(iterator);
  return orClose(unopened(iterator), () => {
    const number = +value;
    const integer = toInteger(number);
    if (number !== number || integer < 0) throw new RangeError('The limit is not a positive number');
    return integer;
  });
}

function toSize(value, iterator) {
  requireObject(iterator);
  if (!isInteger(value)) refuse(iterator, new TypeError('The size is not an integer'));
  if (value < 1 || value > 2 ** 32 - 1) refuse(iterator, new RangeError('The size is not between 1 and 2 ** 32 - 1'));
  return value;
}

const calling = (callback, value, index) => () => apply(callback, undefined, [value, index]);

// --- of Iterator.prototype --------------------------------------------------------------------------------

export const methods = {
  map(mapper) {
    const record = recordFor(this, mapper);
    let index = 0;
    return new Helper(() => {
      const value = step(record);
      return value === end ? end : orClose(record, calling(mapper, value, index++));
    }, () => close(record));
  },
  filter(predicate) {
    const record = recordFor(this, predicate);
    let index = 0;
    return new Helper(() => {
      for (;;) {
        const value = step(record);
        if (value === end || orClose(record, calling(predicate, value, index++))) return value;
      }
    }, () => close(record));
  },
  take(limit) {
    let left = toLimit(limit, this);
    const record = directRecord(this);
    return new Helper(() => {
      if (left > 0) {
        --left;
        return step(record);
      }
      close(record);
      return end;
    }, () => close(record));
  },
  drop(limit) {
    let left = toLimit(limit, this);
    const record = directRecord(this);
    return new Helper(() => {
      for (; left > 0; --left) if (!skip(record)) return end;
      return step(record);
    }, () => close(record));
  },
  flatMap(mapper) {
    const record = recordFor(this, mapper);
    let [index, inner] = [0, undefined];
    return new Helper(() => {
      for (;;) {
        if (inner === undefined) {
          const value = step(record);
          if (value === end) return end;
          const call = calling(mapper, value, index++);
          inner = orClose(record, () => getFlattenable(call(), false));
        }
        const value = orClose(record, () => step(inner));
        if (value !== end) return value;
        inner = undefined;
      }
    }, () => {
      if (inner !== undefined) orClose(record, () => close(inner));
      close(record);
    });
  },
  chunks(size) {
    const most = toSize(size, this);
    const record = directRecord(this);
    let isAtEnd = false;
    return new Helper(() => {
      const chunk = [];
      while (!isAtEnd && chunk.length < most) {
        const value = step(record);
        if (value === end) isAtEnd = true;
        else append(chunk, value);
      }
      return chunk.length > 0 ? chunk : end;
    }, () => void (isAtEnd || close(record)));
  },
  windows(size, undersized = undefined) {
    const most = toSize(size, this);
    if (undersized !== undefined && undersized !== 'only-full' && undersized !== 'allow-partial')
      refuse(this, new TypeError("The argument undersized is neither 'only-full' nor 'allow-partial'"));
    const record = directRecord(this);
    let [window, isAtEnd] = [[], false];
    return new Helper(() => {
      while (!isAtEnd) {
        const value = step(record);
        if (value === end) {
          isAtEnd = true;
          return undersized === 'allow-partial' && window.length > 0 && window.length < most ? window : end;
        }
        if (window.length === most) window = without(window);
        append(window, value);
        if (window.length === most) return copyOf(window);
      }
      return end;
    }, () => void (isAtEnd || close(record)));
  },
  toArray() {
    requireObject(this);
    const record = directRecord(this);
    const all = [];
    for (let value = step(record); value !== end; value = step(record)) append(all, value);
    return all;
  },
  forEach(action) {
    const record = recordFor(this, action);
    eachOf(record, action, () => false);
  },
  some(predicate) {
    return eachOf(recordFor(this, predicate), predicate, (answer) => answer) !== end;
  },
  every(predicate) {
    return eachOf(recordFor(this, predicate), predicate, (answer) => !answer) === end;
  },
  find(predicate) {
    const value = eachOf(recordFor(this, predicate), predicate, (answer) => answer);
    return value === end ? undefined : value;
  },
  reduce(reducer) {
    const record = recordFor(this, reducer);
    let [index, sum] = [0, arguments[1]];
    if (arguments.length < 2) {
      sum = step(record);
      if (sum === end) throw new TypeError('Reduce of an empty iterator with no initial value');
      index = 1;
    }
    for (let value = step(record); value !== end; value = step(record), ++index) {
      const [before, present, at] = [sum, value, index];
      sum = orClose(record, () => apply(reducer, undefined, [before, present, at]));
    }
    return sum;
  },
  includes(searched, skipped = undefined) {
    requireObject(this);
    if (skipped !== undefined && skipped !== Infinity && skipped !== -Infinity && !isInteger(skipped))
      refuse(this, new TypeError('What shall be skipped is not an integer'));
    if (skipped < 0 || (skipped > MAX_SAFE_INTEGER && skipped !== Infinity)) refuse(this, new RangeError('What shall be skipped is not a positive safe integer'));
    const record = directRecord(this);
    let left = skipped ?? 0;
    for (let value = step(record); value !== end; value = step(record)) {
      if (left > 0) {
        --left;
      } else if (value === searched || (value !== value && searched !== searched)) {
        close(record);
        return true;
      }
    }
    return false;
  },
  join(separator) {
    requireObject(this);
    const text = separator === undefined ? ',' : orClose(unopened(this), () => toText(separator));
    const record = directRecord(this);
    const all = [];
    for (let value = step(record); value !== end; value = step(record)) {
      const present = value;
      append(all, present === undefined || present === null ? '' : orClose(record, () => toText(present)));
    }
    return apply(joinArray, all, [text]);
  },
};

const toText = (value) => `${value}`; // ToString: there is none of a symbol

function copyOf(array) {
  const copy = [];
  for (let i = 0; i < array.length; ++i) append(copy, array[i]);
  return copy;
}

function without(array) {
  const rest = [];
  for (let i = 1; i < array.length; ++i) append(rest, array[i]);
  return rest;
}

// The first value of which isFound(what the callback says) is true, or `end`.
function eachOf(record, callback, isFound) {
  let index = 0;
  for (;;) {
    const value = step(record);
    if (value === end) return end;
    if (!isFound(orClose(record, calling(callback, value, index++)))) continue;
    close(record);
    return value;
  }
}

// --- of Iterator ---------------------------------------------------------------------------------------------

export const functions = {
  from(value) {
    const record = getFlattenable(value, true);
    return apply(isPrototypeOf, iteratorPrototype, [record.iterator]) ? record.iterator : new WrapForValidIterator(record);
  },
  concat(...iterables) {
    const opened = [];
    for (let i = 0; i < iterables.length; ++i) {
      requireObject(iterables[i]);
      const open = method(iterables[i], iteratorKey);
      if (open === undefined) throw new TypeError('The object is not iterable');
      append(opened, open);
    }
    let [index, inner] = [0, undefined];
    return new Helper(() => {
      for (;;) {
        if (inner === undefined) {
          if (index === iterables.length) return end;
          inner = openIterator(opened[index], iterables[index]);
          ++index;
        }
        const value = step(inner);
        if (value !== end) return value;
        inner = undefined;
      }
    }, () => void (inner === undefined || close(inner)));
  },
  zip(iterables, options = undefined) {
    requireObject(iterables);
    const { mode, padding } = toOptions(options);
    const records = [];
    const input = getIterator(iterables);
    for (;;) {
      const value = orCloseAll(records, () => step(input));
      if (value === end) break;
      append(records, orCloseAll([input], () => orCloseAll(records, () => getFlattenable(value, false))));
    }
    return zipped(records, mode, mode === 'longest' ? paddingOf(padding, records) : [], (values) => values);
  },
  zipKeyed(iterables, options = undefined) {
    requireObject(iterables);
    const { mode, padding } = toOptions(options);
    const [keys, records, fill] = [[], [], []];
    const all = ownKeys(iterables);
    for (let i = 0; i < all.length; ++i)
      orCloseAll(records, () => {
        const key = all[i];
        if (!getOwnPropertyDescriptor(iterables, key)?.enumerable) return;
        const value = iterables[key];
        if (value === undefined) return;
        append(keys, key);
        append(records, getFlattenable(value, false));
      });
    if (mode === 'longest')
      for (let i = 0; i < keys.length; ++i) append(fill, padding === undefined ? undefined : orCloseAll(records, () => padding[keys[i]]));
    return zipped(records, mode, fill, (values) => {
      const object = { __proto__: null };
      for (let i = 0; i < keys.length; ++i) object[keys[i]] = values[i];
      return object;
    });
  },
};

function toOptions(options) {
  if (options === undefined) return { mode: 'shortest', padding: undefined };
  if (!isObject(options)) throw new TypeError('The options are not an object');
  const { mode = 'shortest' } = options;
  if (mode !== 'shortest' && mode !== 'longest' && mode !== 'strict') throw new TypeError("The mode is neither 'shortest' nor 'longest' nor 'strict'");
  const padding = mode === 'longest' ? options.padding : undefined;
  if (padding !== undefined && !isObject(padding)) throw new TypeError('The padding is not an object');
  return { mode, padding };
}

function paddingOf(padding, records) {
  const fill = [];
  if (padding === undefined) return fill;
  const input = orCloseAll(records, () => getIterator(padding));
  for (let i = 0; i < records.length; ++i) {
    const value = orCloseAll(records, () => step(input));
    if (value === end) return fill;
    append(fill, value);
  }
  orCloseAll(records, () => close(input));
  return fill;
}

// `fill`: what stands for those that have ended, if they need not end together.
function zipped(records, mode, fill, finish) {
  const open = []; // the records, undefined for those that have ended
  for (let i = 0; i < records.length; ++i) append(open, records[i]);
  let left = records.length;

  // A record's step; if it fails the others are closed.
  const advanced = (i, go) => {
    const record = open[i];
    let isLast = true;
    try {
      const value = go(record);
      isLast = value === end || value === false;
      return value;
    } catch (error) {
      open[i] = undefined;
      return closeAllWith(error, open);
    } finally {
      if (isLast && open[i] !== undefined) {
        open[i] = undefined;
        --left;
      }
    }
  };
  const unequal = () => closeAllWith(new TypeError('The iterators do not end together'), open);

  return new Helper(() => {
    if (left === 0) return end;
    const values = [];
    for (let i = 0; i < records.length; ++i) {
      if (open[i] === undefined) {
        append(values, fill[i]);
        continue;
      }
      const value = advanced(i, step);
      if (value !== end) {
        append(values, value);
        continue;
      }
      if (mode === 'shortest') {
        closeAll(open);
        return end;
      }
      if (mode === 'strict') {
        if (i > 0) unequal();
        for (let k = 1; k < records.length; ++k) if (advanced(k, skip)) unequal();
        return end;
      }
      if (left === 0) return end;
      append(values, fill[i]);
    }
    return finish(values);
  }, () => closeAll(open));
}

// --- several at once: the last is closed first ------------------------------------------------------------

// IteratorCloseAll, of a normal or a return completion
function closeAll(records) {
  for (let i = records.length - 1; i >= 0; --i) {
    if (records[i] === undefined) continue;
    try {
      close(records[i]);
    } catch (error) {
      closeAllWith(error, records, i);
    }
  }
}

// The same of a throw completion.
function closeAllWith(error, records, count = records.length) {
  for (let i = count - 1; i >= 0; --i) {
    try {
      if (records[i] !== undefined) closeWith(error, records[i]);
    } catch {
      // The same error, which is thrown in the end.
    }
  }
  throw error;
}

// IfAbruptCloseIterators
function orCloseAll(records, action) {
  try {
    return action();
  } catch (error) {
    return closeAllWith(error, records);
  }
}
