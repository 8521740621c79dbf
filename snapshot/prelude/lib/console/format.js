// SPDX-License-Identifier: Apache-2.0
// console's arguments as one text: %s %d %i %f %j %o %O %c, and what is left with spaces between.
'use strict';
import native from 'lethe:native';
import { NumberOf, TextOf, descriptorOf, getPrototypeOf, hasOwn, includes, slice, stringify, toFloat, toInteger, toPrimitive } from './builtins.js';
import { inspect, isOwnClass } from './inspect.js';
import { shownBigInt, shownNumber } from './text.js';

const { kindOf, proxyTarget } = native;

const number = (value, convert) => (typeof value === 'bigint' ? shownBigInt(value) : typeof value === 'symbol' ? 'NaN' : shownNumber(convert(value)));

// Whether its text would be "[object Object]" or the like: then its contents say more.
function hasPlainText(object) {
  while (kindOf(object) === 'Proxy') {
    object = proxyTarget(object);
    if (object === null) return true;
  }
  const isTexted = typeof object.toString === 'function';
  const isConverted = typeof object[toPrimitive] === 'function';
  if (!isTexted && !isConverted) return true;
  let holder = object;
  const isDefinedIn = () => (isTexted && hasOwn(holder, 'toString')) || (isConverted && hasOwn(holder, toPrimitive));
  if (isDefinedIn()) return false;
  do holder = getPrototypeOf(holder);
  while (!isDefinedIn());
  const constructor = descriptorOf(holder, 'constructor');
  return constructor !== undefined && typeof constructor.value === 'function' && isOwnClass(constructor.value.name);
}

function text(value) {
  if (typeof value === 'number') return shownNumber(value);
  if (typeof value === 'bigint') return shownBigInt(value);
  if (typeof value !== 'object' || value === null || !hasPlainText(value)) return TextOf(value);
  return inspect(value, { __proto__: null, depth: 0 });
}

function json(value) {
  try {
    return `${stringify(value)}`;
  } catch (error) {
    if (kindOf(error) === 'Error' && error.name === 'TypeError' && includes(error.message, 'circular structure')) return '[Circular]';
    throw error;
  }
}

const directives = {
  __proto__: null,
  s: text,
  d: (value) => number(value, NumberOf),
  i: (value) => number(value, toInteger),
  f: (value) => (typeof value === 'symbol' ? 'NaN' : shownNumber(toFloat(value))),
  j: json,
  o: (value) => inspect(value, { __proto__: null, showHidden: true, showProxy: true, depth: 4 }),
  O: (value) => inspect(value),
  c: () => '',
};

const shown = (value) => (typeof value === 'string' ? value : inspect(value));

// `values` is read from `first` on.
export function format(values, first = 0) {
  if (values.length <= first) return '';
  let next = first + 1;
  let result = '';
  const pattern = values[first];
  if (typeof pattern !== 'string') {
    result = shown(pattern);
  } else {
    let from = 0;
    for (let i = 0; values.length > first + 1 && i < pattern.length - 1; ++i) {
      if (pattern[i] !== '%') continue;
      const letter = pattern[++i];
      if (letter === '%') {
        result += slice(pattern, from, i);
        from = i + 1;
      } else if (next < values.length && directives[letter] !== undefined) {
        result += slice(pattern, from, i - 1) + directives[letter](values[next++]); // unbound: an own table
        from = i + 1;
      }
    }
    result += slice(pattern, from);
  }
  for (; next < values.length; ++next) result += ` ${shown(values[next])}`;
  return result;
}
