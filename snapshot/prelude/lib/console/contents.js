// SPDX-License-Identifier: Apache-2.0
// What an object of each kind shows beside its properties.
'use strict';
import native from 'lethe:native';
import { shownFields } from 'lethe:shown';
import {
  AnyRegExp, ByteArray, append, appendAll, dateText, endsWith, enumerableKeys, getPrototypeOf, hasOwn, includes, indexOf, isArray,
  isoText, list, mapEntries, mapSize, max, min, nextEntry, nextValue, numberText, regExpText, setSize, setValues, slice, sort, sourceOf,
  startsWith, timeOf, typedArrayLength, typedArrayName, valueOfBigInt, valueOfBoolean, valueOfNumber, valueOfString, valueOfSymbol,
} from './builtins.js';
import { shownError } from './errors.js';
import { keysOf, plainPrefix, prefixOf, shown, shownProperty } from './inspect.js';
import { enclosed } from './layout.js';
import { shownBigInt, shownNumber, shownPrimitive } from './text.js';

const { promiseState, promiseResult, previewEntries, previewsPairs, ownNonIndexKeys } = native;

// The text if there is nothing more to say, else {keys, base, open, close, isList, entries(view,
// depth, output), label}; the label stands before it all, and has no say in how it is laid out.
export function contentsOf(view, value, kind, facts) {
  const fields = facts.className === null || typeof value === 'function' ? undefined : shownFields(value);
  if (fields !== undefined) return fieldContents(view, fields, facts.className);
  if (facts.isIterable) {
    // unbound: an own table
    const contents = isArray(value) ? arrayContents(view, value, facts) : iterables[kind]?.(view, value, facts);
    if (contents !== undefined) return contents;
  }
  return otherContents(view, value, kind, facts);
}

const isBare = (keys, facts) => keys.length === 0 && !facts.hasMore;
const braces = (keys, open, entries, base = '') => ({ __proto__: null, keys, base, open: `${open}{`, close: '}', isList: false, entries });
const brackets = (keys, open, entries) => ({ __proto__: null, keys, base: '', open: `${open}[`, close: ']', isList: true, entries });

const moreItems = (count) => `... ${count} more item${count > 1 ? 's' : ''}`;
const mostItems = (view, count) => min(max(0, view.maxArrayLength), count);

// Of an interface's object.
function fieldContents(view, { isMap, names, values }, className) {
  if (names.length === 0) return `${className} {}`;
  const contents = braces(list(), '', (_, depth, output) => {
    if (isMap) {
      view.indentation += 2;
      for (let i = 0; i < names.length; ++i) append(output, `${shown(view, names[i], depth)} => ${shown(view, values[i], depth)}`);
      view.indentation -= 2;
      return;
    }
    for (let i = 0; i < names.length; ++i)
      append(output, shownProperty(view, undefined, depth, names[i], false, { __proto__: null, value: values[i], enumerable: true }));
  });
  contents.label = `${className} `;
  return contents;
}

// --- what can be iterated ------------------------------------------------------------------------

function arrayContents(view, value, { className, tag, hasMore }) {
  const prefix = className !== 'Array' || tag !== '' ? prefixOf(className, tag, 'Array', `(${value.length})`) : '';
  const keys = list();
  appendAll(keys, ownNonIndexKeys(value, view.showHidden));
  if (value.length === 0 && keys.length === 0 && !hasMore) return `${prefix}[]`;
  return brackets(keys, prefix, (_, depth, output) => {
    const count = mostItems(view, value.length);
    for (let i = 0; i < count; ++i) {
      if (!hasOwn(value, i)) return sparseItems(view, value, depth, count, output, i);
      append(output, shownProperty(view, value, depth, i, 'element'));
    }
    if (value.length > count) append(output, moreItems(value.length - count));
  });
}

const isIndex = (key) => {
  const number = +key;
  return `${number >>> 0}` === key && number <= 2 ** 32 - 2;
};
const emptyItems = (count) => `<${count} empty item${count > 1 ? 's' : ''}>`;

// From the first hole on, which is at `index`.
function sparseItems(view, value, depth, count, output, index) {
  const keys = enumerableKeys(value);
  for (let i = index; i < keys.length && output.length < count && isIndex(keys[i]); ++i) {
    if (+keys[i] !== index) {
      append(output, emptyItems(+keys[i] - index));
      index = +keys[i];
      if (output.length === count) break;
    }
    append(output, shownProperty(view, value, depth, keys[i], 'element'));
    ++index;
  }
  const remaining = value.length - index;
  if (remaining > 0) append(output, output.length === count ? moreItems(remaining) : emptyItems(remaining));
}

function typedArrayContents(view, value, { className, tag }) {
  const keys = list();
  appendAll(keys, ownNonIndexKeys(value, view.showHidden));
  const length = typedArrayLength(value);
  const prefix = prefixOf(className, tag, className === null ? typedArrayName(value) : '', `(${length})`);
  if (length === 0 && keys.length === 0 && !view.showHidden) return `${prefix}[]`;
  return brackets(keys, prefix, (_, depth, output) => {
    const count = mostItems(view, length);
    for (let i = 0; i < count; ++i) append(output, (typeof value[i] === 'number' ? shownNumber : shownBigInt)(value[i], view.numericSeparator));
    if (length > count) append(output, moreItems(length - count));
    if (!view.showHidden) return;
    view.indentation += 2;
    const names = ['BYTES_PER_ELEMENT', 'length', 'byteLength', 'byteOffset', 'buffer'];
    for (let i = 0; i < names.length; ++i) append(output, `[${names[i]}]: ${shown(view, value[names[i]], depth, true)}`);
    view.indentation -= 2;
  });
}

function setContents(view, value, facts) {
  const size = setSize(value);
  const prefix = prefixOf(facts.className, facts.tag, 'Set', `(${size})`);
  const keys = keysOf(view, value);
  if (size === 0 && isBare(keys, facts)) return `${prefix}{}`;
  return braces(keys, prefix, (_, depth, output) => {
    view.indentation += 2;
    const count = mostItems(view, size);
    const values = setValues(value);
    for (let i = 0; i < count; ++i) append(output, shown(view, nextValue(values).value, depth));
    if (size > count) append(output, moreItems(size - count));
    view.indentation -= 2;
  });
}

function mapContents(view, value, facts) {
  const size = mapSize(value);
  const prefix = prefixOf(facts.className, facts.tag, 'Map', `(${size})`);
  const keys = keysOf(view, value);
  if (size === 0 && isBare(keys, facts)) return `${prefix}{}`;
  return braces(keys, prefix, (_, depth, output) => {
    view.indentation += 2;
    const count = mostItems(view, size);
    const entries = mapEntries(value);
    for (let i = 0; i < count; ++i) {
      const entry = nextEntry(entries).value;
      append(output, `${shown(view, entry[0], depth)} => ${shown(view, entry[1], depth)}`);
    }
    if (size > count) append(output, moreItems(size - count));
    view.indentation -= 2;
  });
}

function iteratorContents(view, value, { tag }, type) {
  const entries = previewEntries(value);
  const isKeyValue = previewsPairs(value);
  let name = tag;
  if (tag !== `${type} Iterator`) name = `${tag === '' ? '' : `${tag}] [`}${type} Iterator`;
  if (isKeyValue) name = `${slice(name, 0, -'Iterator'.length)}Entries`;
  return braces(keysOf(view, value), `[${name}] `, (_, depth, output) => (isKeyValue ? pairItems : plainItems)(view, entries, depth, output));
}

function plainItems(view, entries, depth, output) {
  view.indentation += 2;
  const count = mostItems(view, entries.length);
  for (let i = 0; i < count; ++i) append(output, shown(view, entries[i], depth));
  if (entries.length > count) append(output, moreItems(entries.length - count));
  view.indentation -= 2;
}

// `entries` has keys and values in turn.
function pairItems(view, entries, depth, output) {
  view.indentation += 2;
  const pairs = entries.length / 2;
  const count = mostItems(view, pairs);
  for (let i = 0; i < count; ++i) {
    const pair = list();
    append(pair, shown(view, entries[i * 2], depth));
    append(pair, shown(view, entries[i * 2 + 1], depth));
    append(output, enclosed(view, pair, '', '[', ']', true, depth));
  }
  if (pairs > count) append(output, moreItems(pairs - count));
  view.indentation -= 2;
}

const iterables = {
  __proto__: null,
  Set: setContents,
  Map: mapContents,
  TypedArray: typedArrayContents,
  'Map Iterator': (view, value, facts) => iteratorContents(view, value, facts, 'Map'),
  'Set Iterator': (view, value, facts) => iteratorContents(view, value, facts, 'Set'),
};

// --- everything else -----------------------------------------------------------------------------

function otherContents(view, value, kind, facts) {
  const { className, tag } = facts;
  const keys = keysOf(view, value);
  if (typeof value === 'function') {
    const base = functionBase(value, kind, className, tag);
    return isBare(keys, facts) ? base : braces(keys, '', undefined, base);
  }
  if (className === 'Object') {
    const prefix = kind === 'Arguments' ? '[Arguments] ' : tag !== '' ? prefixOf(className, tag, 'Object') : '';
    return isBare(keys, facts) ? `${prefix}{}` : braces(keys, prefix);
  }
  // unbound: an own table
  if (others[kind] !== undefined) return others[kind](view, value, keys, facts);
  if (view.isError(value)) return errorContents(view, value, keys, facts);
  const prefix = plainPrefix(value, className, tag);
  return isBare(keys, facts) ? `${prefix}{}` : braces(keys, prefix);
}

const withBase = (base, keys, facts) => (isBare(keys, facts) ? base : braces(keys, '', undefined, base));

function errorContents(view, value, keys, facts) {
  const base = shownError(view, value, facts.className, (fallback) => prefixOf(facts.className, facts.tag, fallback), keys);
  return withBase(base, keys, facts);
}

function regExpContents(view, value, keys, facts) {
  const prefix = prefixOf(facts.className, facts.tag, 'RegExp');
  const text = regExpText(facts.className === null ? new AnyRegExp(value) : value);
  const base = prefix === 'RegExp ' ? text : `${prefix}${text}`;
  return facts.depth > view.depth ? base : withBase(base, keys, facts);
}

function dateContents(view, value, keys, facts) {
  const prefix = prefixOf(facts.className, facts.tag, 'Date');
  const time = timeOf(value);
  const text = time !== time ? dateText(value) : isoText(value);
  return withBase(prefix === 'Date ' ? text : `${prefix}${text}`, keys, facts);
}

// `keys` with names of accessors of the prototype before them.
function withAccessors(keys, ...names) {
  const all = list();
  appendAll(all, names);
  appendAll(all, keys);
  return all;
}

function arrayBufferContents(type) {
  return (view, value, keys, facts) => {
    const prefix = prefixOf(facts.className, facts.tag, type);
    if (facts.isBuffer && isBare(keys, facts)) return `${prefix}{ byteLength: ${shownNumber(value.byteLength)} }`;
    return braces(withAccessors(keys, 'byteLength'), prefix, facts.isBuffer ? undefined : (_, depth, output) => append(output, bytesOf(view, value)));
  };
}

function bytesOf(view, buffer) {
  let bytes;
  try {
    bytes = new ByteArray(buffer);
  } catch {
    return '(detached)';
  }
  const length = typedArrayLength(bytes);
  let text = '';
  for (let i = 0; i < mostItems(view, length); ++i) text += `${i === 0 ? '' : ' '}${bytes[i] < 16 ? '0' : ''}${numberText(bytes[i], 16)}`;
  const remaining = length - view.maxArrayLength;
  if (remaining > 0) text += ` ... ${remaining} more byte${remaining > 1 ? 's' : ''}`;
  return `[Uint8Contents]: <${text}>`;
}

function promiseContents(view, value, keys, facts) {
  return braces(keys, prefixOf(facts.className, facts.tag, 'Promise'), (_, depth, output) => {
    const state = promiseState(value);
    if (state === 'pending') {
      append(output, '<pending>');
      return;
    }
    view.indentation += 2;
    append(output, `${state === 'rejected' ? '<rejected> ' : ''}${shown(view, promiseResult(value), depth)}`);
    view.indentation -= 2;
  });
}

function weakContents(type) {
  return (view, value, keys, facts) =>
    braces(keys, prefixOf(facts.className, facts.tag, type), (_, depth, output) => {
      if (!view.showHidden) {
        append(output, '<items unknown>');
        return;
      }
      const entries = previewEntries(value);
      const items = list();
      if (type === 'WeakSet') {
        plainItems(view, entries, depth, items);
      } else {
        view.indentation += 2;
        const count = mostItems(view, entries.length / 2);
        for (let i = 0; i < count; ++i) append(items, `${shown(view, entries[i * 2], depth)} => ${shown(view, entries[i * 2 + 1], depth)}`);
        view.indentation -= 2;
        if (entries.length / 2 > count) append(items, moreItems(entries.length / 2 - count));
      }
      appendAll(output, sort(items)); // their own order means nothing
    });
}

function moduleContents(view, value, keys, facts) {
  return braces(list(), prefixOf(facts.className, facts.tag, 'Module'), (_, depth, output) => {
    for (let i = 0; i < keys.length; ++i) {
      let text;
      try {
        text = shownProperty(view, value, depth, keys[i], false);
      } catch {
        text = shownProperty(view, value, depth, keys[i], false, { __proto__: null, value: '', enumerable: true });
        text = `${slice(text, 0, -2)}<uninitialized>`;
      }
      append(output, text);
    }
  });
}

function boxedContents(type, unboxed) {
  return (view, value, keys, facts) => {
    const { className, tag } = facts;
    if (type === 'String') for (let i = value.length; i > 0; --i) removeFirst(keys);
    const from = className === type ? '' : className === null ? ' (null prototype)' : ` (${className})`;
    const base = `[${type}${from}: ${shownPrimitive(unboxed(value), view)}]${tag !== '' && tag !== className ? ` [${tag}]` : ''}`;
    return withBase(base, keys, facts);
  };
}
function removeFirst(keys) {
  for (let i = 1; i < keys.length; ++i) keys[i - 1] = keys[i];
  keys.length -= 1;
}

const others = {
  __proto__: null,
  Error: errorContents,
  RegExp: regExpContents,
  Date: dateContents,
  ArrayBuffer: arrayBufferContents('ArrayBuffer'),
  SharedArrayBuffer: arrayBufferContents('SharedArrayBuffer'),
  DataView: (view, value, keys, facts) =>
    braces(withAccessors(keys, 'byteLength', 'byteOffset', 'buffer'), prefixOf(facts.className, facts.tag, 'DataView')),
  Promise: promiseContents,
  WeakSet: weakContents('WeakSet'),
  WeakMap: weakContents('WeakMap'),
  Module: moduleContents,
  Number: boxedContents('Number', valueOfNumber),
  String: boxedContents('String', valueOfString),
  Boolean: boxedContents('Boolean', valueOfBoolean),
  BigInt: boxedContents('BigInt', valueOfBigInt),
  Symbol: boxedContents('Symbol', valueOfSymbol),
};

// --- functions and classes -----------------------------------------------------------------------

function functionBase(value, kind, className, tag) {
  if (isClass(sourceOf(value))) return classBase(value, className, tag);
  const type = kind.length > 8 && endsWith(kind, 'Function') ? kind : 'Function'; // AsyncFunction, GeneratorFunction …
  let base = `[${type}${className === null ? ' (null prototype)' : ''}`;
  base += `${value.name === '' ? ' (anonymous)' : `: ${shownName(value.name)}`}]`;
  if (className !== type && className !== null) base += ` ${className}`;
  return tag !== '' && className !== tag ? `${base} [${tag}]` : base;
}
const shownName = (name) => (typeof name === 'string' ? name : typeof name === 'symbol' ? valueOfSymbol(name).description : `${name}`);

// A class's source has no parenthesis before its first brace; a method that is named `class` has.
function isClass(source) {
  if (!startsWith(source, 'class') || !endsWith(source, '}')) return false;
  for (let i = 5; i < source.length && source[i] !== '('; ++i) {
    const two = slice(source, i, i + 2);
    if (source[i] === '{') return true;
    if (two === '//') i = indexOf(source, '\n', i);
    else if (two === '/*') i = indexOf(source, '*/', i) + 1;
  }
  return false;
}

function classBase(value, className, tag) {
  const name = (hasOwn(value, 'name') && value.name) || '(anonymous)';
  let base = `class ${name}`;
  if (className !== 'Function' && className !== null) base += ` [${className}]`;
  if (tag !== '' && className !== tag) base += ` [${tag}]`;
  if (className === null) return `[${base} extends [null prototype]]`;
  const parent = getPrototypeOf(value).name;
  return parent ? `[${base} extends ${parent}]` : `[${base}]`;
}
