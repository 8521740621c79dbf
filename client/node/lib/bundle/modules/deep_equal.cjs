// SPDX-License-Identifier: Apache-2.0
// What assert.deepStrictEqual (`strict`) and assert.deepEqual take for equal.
'use strict';
const { kindOf } = letheNode;

const boxes = ['Number', 'String', 'Boolean', 'BigInt', 'Symbol'];
const bytesOf = (value) => new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength);
const keysOf = (value) => [...Object.keys(value), ...Object.getOwnPropertySymbols(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key))];

module.exports = function deepEqual(left, right, strict, seen = new Map()) {
  if (strict ? Object.is(left, right) : left == right || (left !== left && right !== right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  const kind = kindOf(left);
  if (kind !== kindOf(right) || Array.isArray(left) !== Array.isArray(right)) return false;
  if (strict && Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  if (kind === 'Date' && left.getTime() !== right.getTime()) return false;
  if (kind === 'RegExp' && (String(left) !== String(right) || left.lastIndex !== right.lastIndex)) return false;
  if (kind === 'Error' && (left.name !== right.name || left.message !== right.message)) return false;
  if (boxes.includes(kind) && !Object.is(left.valueOf(), right.valueOf())) return false;
  if (['WeakMap', 'WeakSet', 'Promise'].includes(kind)) return false;
  if (['TypedArray', 'DataView', 'ArrayBuffer', 'SharedArrayBuffer'].includes(kind)) {
    const [a, b] = [bytesOf(left), bytesOf(right)];
    if (a.length !== b.length || !a.every((byte, i) => byte === b[i])) return false;
    if (kind === 'TypedArray') return left[Symbol.toStringTag] === right[Symbol.toStringTag];
  }
  if (seen.get(left) === right) return true; // within itself
  seen.set(left, right);
  const equal = (a, b) => deepEqual(a, b, strict, seen);
  // Without an equal partner of its own, each.
  const isIn = (item, others) => {
    const found = others.findIndex((other) => equal(item, other));
    if (found >= 0) others.splice(found, 1);
    return found >= 0;
  };
  if (kind === 'Set' || kind === 'Map') {
    if (left.size !== right.size) return false;
    const others = [...right];
    if (![...left].every((item) => isIn(item, others))) return false;
  }
  const keys = keysOf(left);
  return keys.length === keysOf(right).length && (!Array.isArray(left) || left.length === right.length) &&
    keys.every((key) => Object.prototype.propertyIsEnumerable.call(right, key) && equal(left[key], right[key]));
};
