// SPDX-License-Identifier: Apache-2.0
// Abstract operations of the language's specification.

const { String, TypeError } = globalThis; // whatever a script makes of these names

// GetMethod
export function method(object, key) {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'function') throw new TypeError(`${String(key)} is not a function`);
  return value;
}
