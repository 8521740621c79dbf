// SPDX-License-Identifier: Apache-2.0
// Any value as text, as util.inspect of Node.js 20 shows it (without colours).
'use strict';
import native from 'lethe:native';
import {
  AnyError, AnyFunction, AnyMap, AnyObject, TextOf, append, appendAll, callWith, customInspect, defineProperty, descriptorOf, enumerableKeys,
  functionPrototype, getOwnPropertyNames, getOwnPropertySymbols, getPrototypeOf, has, hasOwn, indented, isEnumerable, isInstance,
  iterator, list, mapGet, mapSet, mapSize, objectPrototype, ownKeys, repeat, slice, sort, toStringTag,
} from './builtins.js';
import { contentsOf } from './contents.js';
import { enclosed } from './layout.js';
import { shownKey, shownPrimitive } from './text.js';

const { kindOf, proxyTarget, constructorName } = native;

const defaults = {
  __proto__: null, showHidden: false, depth: 2, customInspect: true, showProxy: false, maxArrayLength: 100, maxStringLength: 10000,
  breakLength: 80, compact: 3, sorted: false, getters: false, numericSeparator: false,
};
const longestText = 2 ** 27; // beyond it, deeper levels are left out

// `options` are those of util.inspect.
export function inspect(value, options) {
  const view = { __proto__: null, indentation: 0, deepest: 0, seen: list(), circular: undefined, written: { __proto__: null }, userOptions: options, isError, inspect };
  const names = enumerableKeys(defaults);
  for (let i = 0; i < names.length; ++i) {
    const given = options === undefined || options === null || !hasOwn(options, names[i]) ? undefined : options[names[i]];
    view[names[i]] = given === undefined ? defaults[names[i]] : given;
  }
  if (view.depth === null) view.depth = Infinity;
  if (view.maxArrayLength === null) view.maxArrayLength = Infinity;
  if (view.maxStringLength === null) view.maxStringLength = Infinity;
  return shown(view, value, 0);
}
defineProperty(inspect, 'custom', { __proto__: null, value: customInspect, enumerable: true });

function isError(value) {
  return kindOf(value) === 'Error' || isInstance(AnyError, value);
}

function optionsFor(view, depth) {
  const options = { stylize: (text) => `${text}` };
  const names = enumerableKeys(defaults);
  for (let i = 0; i < names.length; ++i) options[names[i]] = view[names[i]];
  options.depth = view.depth === Infinity ? null : view.depth - depth;
  return options;
}

// `isBuffer`: the buffer of a typed array that is shown already.
export function shown(view, value, depth, isBuffer) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return shownPrimitive(value, view);
  const given = value;
  let kind = kindOf(value);
  if (kind === 'Proxy') {
    if (view.showProxy) return shownProxy(view, value, depth);
    // No trap of it is to run.
    do value = proxyTarget(value);
    while (value !== null && (kind = kindOf(value)) === 'Proxy');
    if (value === null) return '<Revoked Proxy>';
  }
  if (view.customInspect) {
    const custom = value[customInspect];
    if (typeof custom === 'function' && custom !== inspect && !(value.constructor && value.constructor.prototype === value)) {
      const options = optionsFor(view, depth);
      const result = callWith(custom, given, options.depth, options, inspect);
      if (result !== given) return typeof result === 'string' ? indented(result, repeat(' ', view.indentation)) : shown(view, result, depth);
    }
  }
  for (let i = 0; i < view.seen.length; ++i)
    if (view.seen[i] === value) {
      view.circular ??= new AnyMap();
      let index = mapGet(view.circular, value);
      if (index === undefined) mapSet(view.circular, value, (index = mapSize(view.circular) + 1));
      return `[Circular *${index}]`;
    }
  return shownObject(view, value, kind, depth, isBuffer);
}

function shownProxy(view, proxy, depth) {
  const target = proxyTarget(proxy);
  if (target === null) return '<Revoked Proxy>';
  if (depth > view.depth) return 'Proxy [Array]';
  view.indentation += 2;
  const entries = list();
  append(entries, shown(view, target, depth + 1));
  append(entries, shown(view, native.proxyHandler(proxy), depth + 1));
  view.indentation -= 2;
  return enclosed(view, entries, '', 'Proxy [', ']', true, depth + 1);
}

// Whether the language itself has a global class of this name: its prototype's properties are known.
const ownClasses = { __proto__: null };
const globalNames = getOwnPropertyNames(globalThis);
for (let i = 0; i < globalNames.length; ++i) if (globalNames[i][0] >= 'A' && globalNames[i][0] <= 'Z') ownClasses[globalNames[i]] = true;
export const isOwnClass = (name) => ownClasses[name] === true;

const classOf = (object) => {
  const descriptor = descriptorOf(object, 'constructor');
  return descriptor !== undefined && typeof descriptor.value === 'function' ? descriptor.value : undefined;
};
const isInstanceOf = (value, constructor) => {
  try {
    return value instanceof constructor;
  } catch {
    return false;
  }
};

// The name of the class that made it; null: it has no prototype. `inherited`: a list for the
// properties of its prototypes, or undefined.
function classNameOf(view, object, depth, inherited) {
  let firstPrototype;
  for (let holder = object; holder !== null; holder = getPrototypeOf(holder), firstPrototype ??= holder) {
    const isObjectPrototype = holder === objectPrototype && isInstance(AnyObject, object);
    if (isObjectPrototype || (holder === functionPrototype && isInstance(AnyFunction, object))) {
      if (inherited !== undefined && firstPrototype !== holder) addInherited(view, object, firstPrototype ?? object, depth, inherited);
      return isObjectPrototype ? 'Object' : 'Function';
    }
    const constructor = classOf(holder);
    if (constructor !== undefined && constructor.name !== '' && isInstanceOf(object, constructor)) {
      if (inherited !== undefined && (firstPrototype !== holder || !isOwnClass(constructor.name)))
        addInherited(view, object, firstPrototype ?? object, depth, inherited);
      return TextOf(constructor.name);
    }
  }
  const prototype = getPrototypeOf(object);
  if (prototype === null) return null;
  const name = constructorName(object);
  if (depth > view.depth) return `${name} <Complex prototype>`;
  const prototypeName = classNameOf(view, prototype, depth + 1, inherited);
  if (prototypeName !== null) return `${name} <${prototypeName}>`;
  const options = optionsFor(view, 0);
  options.customInspect = false;
  options.depth = -1;
  return `${name} <${inspect(prototype, options)}>`;
}

// Properties that classes of the script's own define.
function addInherited(view, object, holder, depth, output) {
  const known = { __proto__: null };
  for (let level = 0; level < 3; ++level) {
    if (level > 0 || holder === object) {
      holder = getPrototypeOf(holder);
      if (holder === null) return;
      const constructor = classOf(holder);
      if (constructor !== undefined && isOwnClass(constructor.name)) return;
    }
    const keys = ownKeys(holder);
    append(view.seen, object);
    for (let i = 0; i < keys.length; ++i) {
      if (keys[i] === 'constructor' || hasOwn(object, keys[i]) || known[keys[i]]) continue;
      const descriptor = descriptorOf(holder, keys[i]);
      if (typeof descriptor.value !== 'function') append(output, shownProperty(view, holder, depth, keys[i], false, descriptor, object));
    }
    view.seen.length -= 1;
    for (let i = 0; i < keys.length; ++i) known[keys[i]] = true;
  }
}

export function keysOf(view, object) {
  const keys = list();
  appendAll(keys, view.showHidden || kindOf(object) === 'Module' ? getOwnPropertyNames(object) : enumerableKeys(object));
  const symbols = getOwnPropertySymbols(object);
  for (let i = 0; i < symbols.length; ++i) if (view.showHidden || isEnumerable(object, symbols[i])) append(keys, symbols[i]);
  return keys;
}

// "Name(size) [tag] " as far as there is something to say.
export function prefixOf(className, tag, fallback, size = '') {
  if (className === null) return `[${fallback}${size}: null prototype] ${tag !== '' && fallback !== tag ? `[${tag}] ` : ''}`;
  return `${className}${size} ${tag !== '' && className !== tag ? `[${tag}] ` : ''}`;
}

export function plainPrefix(object, className, tag) {
  let fallback = '';
  if (className === null) {
    fallback = constructorName(object);
    if (fallback === tag) fallback = 'Object';
  }
  return prefixOf(className, tag, fallback);
}

function shownObject(view, value, kind, depth, isBuffer) {
  const inherited = view.showHidden && depth <= view.depth ? list() : undefined;
  const className = classNameOf(view, value, depth, inherited);
  let tag = value[toStringTag];
  if (typeof tag !== 'string' || (tag !== '' && (view.showHidden ? hasOwn : isEnumerable)(value, toStringTag))) tag = '';
  const isIterable = className === null || has(value, iterator);
  const hasMore = inherited !== undefined && inherited.length > 0;

  const contents = contentsOf(view, value, kind, { __proto__: null, className, tag, depth, isIterable, hasMore, isBuffer });
  if (typeof contents === 'string') return contents;
  const { keys, open, close, isList, entries, label = '' } = contents;
  let { base } = contents;
  if (depth > view.depth) {
    const name = slice(plainPrefix(value, className, tag), 0, -1);
    return className === null ? name : `[${name}]`;
  }
  append(view.seen, value);
  view.deepest = depth + 1;
  const { indentation } = view;
  const output = list();
  try {
    if (entries !== undefined) entries(view, depth + 1, output);
    for (let i = 0; i < keys.length; ++i) append(output, shownProperty(view, value, depth + 1, keys[i], isList ? 'beside' : false));
    if (hasMore) appendAll(output, inherited);
  } catch (error) {
    if (!isOverflow(error)) throw error;
    view.seen.length -= 1;
    view.indentation = indentation;
    return `[${slice(plainPrefix(value, className, tag), 0, -1)}: Inspection interrupted prematurely. Maximum call stack size exceeded.]`;
  }
  let opened = open;
  const index = view.circular === undefined ? undefined : mapGet(view.circular, value);
  if (index !== undefined && view.compact === true) opened = `<ref *${index}> ${open}`;
  else if (index !== undefined) base = base === '' ? `<ref *${index}>` : `<ref *${index}> ${base}`;
  view.seen.length -= 1;
  if (view.sorted) sortEntries(view.sorted, output, isList ? keys.length : output.length);
  const text = `${label}${enclosed(view, output, base, opened, close, isList, depth + 1, value)}`;
  const written = (view.written[view.indentation] ?? 0) + text.length;
  view.written[view.indentation] = written;
  if (written > longestText) view.depth = -1;
  return text;
}

function isOverflow(error) {
  return kindOf(error) === 'Error' && error.name === 'RangeError' && error.message === 'Maximum call stack size exceeded';
}

// The last `count` of them.
function sortEntries(order, entries, count) {
  const first = entries.length - count;
  const part = list();
  for (let i = first; i < entries.length; ++i) append(part, entries[i]);
  sort(part, order === true ? undefined : order);
  for (let i = 0; i < count; ++i) entries[first + i] = part[i];
}

// `place`: 'element' of an array (no key), 'beside' its elements, or false. `original`: whose getter
// it is to be, if not the holder's.
export function shownProperty(view, holder, depth, key, place, descriptor, original = holder) {
  descriptor ??= descriptorOf(holder, key) ?? { __proto__: null, value: holder[key], enumerable: true };
  const space = view.compact === true && place === false ? 3 : 2;
  let text;
  let gap = ' ';
  if (descriptor.value !== undefined) {
    view.indentation += space;
    text = shown(view, descriptor.value, depth);
    if (space === 3 && view.breakLength < text.length) gap = `\n${repeat(' ', view.indentation)}`;
    view.indentation -= space;
  } else if (descriptor.get !== undefined) {
    text = shownGetter(view, descriptor, depth, original);
  } else {
    text = descriptor.set !== undefined ? '[Setter]' : 'undefined';
  }
  return place === 'element' ? text : `${shownKey(key, descriptor.enumerable === false)}:${gap}${text}`;
}

function shownGetter(view, { get, set }, depth, original) {
  const label = set === undefined ? 'Getter' : 'Getter/Setter';
  const isWanted = view.getters === true || (view.getters === 'get' && set === undefined) || (view.getters === 'set' && set !== undefined);
  if (!isWanted) return `[${label}]`;
  view.indentation += 2;
  try {
    const value = callWith(get, original);
    if (typeof value === 'object' && value !== null) return `[${label}] ${shown(view, value, depth)}`;
    return `[${label}: ${shownPrimitive(value, view)}]`;
  } catch (error) {
    return `[${label}: <Inspection threw (${error.message})>]`;
  } finally {
    view.indentation -= 2;
  }
}

