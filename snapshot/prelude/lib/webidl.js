// SPDX-License-Identifier: Apache-2.0
// What Web IDL demands of interfaces, as far as JavaScript classes don't have it by themselves, and its
// conversions of arguments.
import native from 'lethe:native';

const { defineProperty, getOwnPropertyDescriptor } = Object;
const { apply, ownKeys } = Reflect;

function makeEnumerable(object, except) {
  for (const key of ownKeys(object)) {
    if (typeof key !== 'string' || except.includes(key)) continue;
    const property = getOwnPropertyDescriptor(object, key);
    if (property.configurable) defineProperty(object, key, { ...property, enumerable: true });
  }
}

// Makes a class look as an interface: its name without the underscore that the bundler gives to some, enumerable
// members and a class string. Its objects can't be cloned, unless native.setPlatform() is called once more with a
// function that makes a copy.
export function asInterface(Class, name = Class.name.replace(/^_/, '')) {
  defineProperty(Class, 'name', { value: name, writable: false, enumerable: false, configurable: true });
  makeEnumerable(Class, ['length', 'name', 'prototype']);
  makeEnumerable(Class.prototype, ['constructor']);
  defineProperty(Class.prototype, Symbol.toStringTag, { value: name, writable: false, enumerable: false, configurable: true });
  native.setPlatform(Class.prototype, null);
  return Class;
}

// Constants are properties of both the interface and its prototype.
export function defineConstants(Class, constants) {
  for (const [name, value] of Object.entries(constants)) {
    const property = { value, writable: false, enumerable: true, configurable: false };
    defineProperty(Class, name, property);
    defineProperty(Class.prototype, name, property);
  }
}

export function requireArguments(count, least, where) {
  if (count < least)
    throw new TypeError(`${where}: ${least} argument${least === 1 ? '' : 's'} required, but only ${count} present`);
}

export const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

// A dictionary argument: undefined and null stand for an empty one.
export function toDictionary(value, where) {
  if (value === undefined || value === null) return { __proto__: null };
  if (!isObject(value)) throw new TypeError(`${where} is not an object`);
  return value;
}

// What a sequence is made from: an iterable, not an array-like object. Its method is got once.
export function iterated(value, where) {
  if (!isObject(value)) throw new TypeError(`${where} is not a sequence`);
  const iterate = value[Symbol.iterator]; // unbound: the script's, so Web IDL has it
  if (typeof iterate !== 'function') throw new TypeError(`${where} is not iterable`);
  return { [Symbol.iterator]: () => apply(iterate, value, []) };
}

export function toDOMString(value, where = 'The value') {
  if (typeof value === 'symbol') throw new TypeError(`${where} is a symbol, which cannot be converted to a string`);
  return `${value}`;
}

// Lone surrogates become U+FFFD.
export function toUSVString(value, where) {
  const text = toDOMString(value, where);
  return /[\uD800-\uDFFF]/.test(text) ? text.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g, (match) => (match.length === 2 ? match : '\uFFFD')) : text;
}

// The type double.
export function toDouble(value, where) {
  const number = +value;
  if (number - number !== 0) throw new TypeError(`${where} is not a finite number`);
  return number;
}

// The integer types, by their number of bits (up to 64); `enforce` and `clamp` as the attributes of these names.
export function toInteger(value, bits, { signed = false, enforce = false, clamp = false, where = 'The value' } = {}) {
  let number = enforce ? toDouble(value, where) : +value;
  const most = bits === 64 ? Number.MAX_SAFE_INTEGER : 2 ** (signed ? bits - 1 : bits) - 1;
  const least = !signed ? 0 : bits === 64 ? Number.MIN_SAFE_INTEGER : -(2 ** (bits - 1));
  if (enforce) {
    number = Math.trunc(number);
    if (number < least || number > most) throw new TypeError(`${where} is out of range`);
    return number + 0;
  }
  if (clamp && !Number.isNaN(number)) {
    number = Math.min(Math.max(number, least), most);
    const floor = Math.floor(number);
    const fraction = number - floor;
    return (fraction < 0.5 || (fraction === 0.5 && floor % 2 === 0) ? floor : floor + 1) + 0;
  }
  if (!Number.isFinite(number)) return 0;
  number = Math.trunc(number);
  if (number >= least && number <= most) return number + 0;
  if (bits === 64) return Number(signed ? BigInt.asIntN(64, BigInt(number)) : BigInt.asUintN(64, BigInt(number)));
  const size = 2 ** bits;
  number %= size;
  if (number < 0) number += size;
  return signed && number > most ? number - size : number;
}
