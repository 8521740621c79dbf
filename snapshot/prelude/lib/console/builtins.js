// SPDX-License-Identifier: Apache-2.0
// Copies of the built-ins that console works with, made before a script can change them. Nothing
// here or in its users may go by what a script can reach: no iteration of arrays (for-of, spread,
// destructuring), no regular expressions, no methods called on values, no plain descriptors.
'use strict';

const { bind, call } = Function.prototype;
// f(self, ...) for a method that wants `this`.
const unbound = bind.bind(call);

export const { apply, ownKeys, getPrototypeOf, getOwnPropertyDescriptor, defineProperty, has } = Reflect;
export const { captureStackTrace } = Error;
export const { keys: enumerableKeys, setPrototypeOf, getOwnPropertyNames, getOwnPropertySymbols, is } = Object;
export const { isArray } = Array;
export const { stringify } = JSON;
export const { min, max, sqrt, round, floor, ceil } = Math;
export const { iterator, toPrimitive, toStringTag } = Symbol;
export const { parseInt: toInteger, parseFloat: toFloat } = Number;
export const [TextOf, NumberOf, AnyError, AnyObject, AnyMap, AnyFunction, AnyRegExp, ByteArray] = [String, Number, Error, Object, Map, Function, RegExp, Uint8Array];
export const [objectPrototype, functionPrototype, arrayPrototype] = [Object.prototype, Function.prototype, Array.prototype];
export const customInspect = Symbol.for('nodejs.util.inspect.custom');

export const isEnumerable = unbound(Object.prototype.propertyIsEnumerable);
export const hasOwn = unbound(Object.prototype.hasOwnProperty);
export const isInstance = $$isInstance;
export const sourceOf = unbound(Function.prototype.toString);
export const callWith = unbound(call);

export const joined = unbound(Array.prototype.join);
export const sort = unbound(Array.prototype.sort);

export const charCodeAt = unbound(String.prototype.charCodeAt);
export const codePointAt = unbound(String.prototype.codePointAt);
export const normalize = unbound(String.prototype.normalize);
export const indexOf = unbound(String.prototype.indexOf);
export const lastIndexOf = unbound(String.prototype.lastIndexOf);
export const includes = unbound(String.prototype.includes);
export const startsWith = unbound(String.prototype.startsWith);
export const endsWith = unbound(String.prototype.endsWith);
export const slice = unbound(String.prototype.slice);
export const trim = unbound(String.prototype.trim);
export const repeat = unbound(String.prototype.repeat);
export const padStart = unbound(String.prototype.padStart);
export const padEnd = unbound(String.prototype.padEnd);
export const numberText = unbound(Number.prototype.toString);
export const toFixed = unbound(Number.prototype.toFixed);

export const valueOfNumber = unbound(Number.prototype.valueOf);
export const valueOfString = unbound(String.prototype.valueOf);
export const valueOfBoolean = unbound(Boolean.prototype.valueOf);
export const valueOfBigInt = unbound(BigInt.prototype.valueOf);
export const valueOfSymbol = unbound(Symbol.prototype.valueOf);
export const symbolText = unbound(Symbol.prototype.toString);

export const timeOf = unbound(Date.prototype.getTime);
export const dateText = unbound(Date.prototype.toString);
export const isoText = unbound(Date.prototype.toISOString);
export const regExpText = unbound(RegExp.prototype.toString);
export const errorText = unbound(Error.prototype.toString);

const getter = (object, name) => unbound(getOwnPropertyDescriptor(object, name).get);
const typedArray = getPrototypeOf(Uint8Array.prototype);
export const typedArrayName = getter(typedArray, toStringTag);
export const typedArrayLength = getter(typedArray, 'length');
export const mapSize = getter(Map.prototype, 'size');
export const setSize = getter(Set.prototype, 'size');
export const mapEntries = unbound(Map.prototype.entries);
export const setValues = unbound(Set.prototype.values);
export const nextEntry = unbound(getPrototypeOf(new Map().entries()).next);
export const nextValue = unbound(getPrototypeOf(new Set().values()).next);
export const mapGet = unbound(Map.prototype.get);
export const mapSet = unbound(Map.prototype.set);
export const mapDelete = unbound(Map.prototype.delete);

// A list without a prototype: setters that a script put onto Array.prototype are not met.
export const list = () => setPrototypeOf([], null);
export function append(target, item) {
  target[target.length] = item;
}
export function appendAll(target, items) {
  for (let i = 0; i < items.length; ++i) append(target, items[i]);
}
export function positionOf(items, item, first = 0) {
  for (let i = first; i < items.length; ++i) if (items[i] === item) return i;
  return -1;
}
export function removeAt(items, at) {
  for (let i = at; i + 1 < items.length; ++i) items[i] = items[i + 1];
  items.length -= 1;
}

// A property's descriptor with nothing inherited; undefined if there is none.
export function descriptorOf(object, key) {
  const descriptor = getOwnPropertyDescriptor(object, key);
  return descriptor === undefined ? undefined : setPrototypeOf(descriptor, null);
}

export function splitLines(text) {
  const lines = list();
  let from = 0;
  for (let end; (end = indexOf(text, '\n', from)) >= 0; from = end + 1) append(lines, slice(text, from, end));
  append(lines, slice(text, from));
  return lines;
}

// The text with each line after the first moved in.
export const indented = (text, margin) => (margin === '' || !includes(text, '\n') ? text : joined(splitLines(text), `\n${margin}`));
