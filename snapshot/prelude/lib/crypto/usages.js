// SPDX-License-Identifier: Apache-2.0
// What keys may be used for.
import { iterated, toDOMString } from '../webidl.js';
import { syntaxError } from './errors.js';

const known = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey'];

// sequence<KeyUsage>
export function toUsages(value) {
  const usages = [];
  for (const item of iterated(value, 'The key usages')) {
    const usage = toDOMString(item, 'A key usage');
    if (!known.includes(usage)) throw new TypeError(`"${usage}" is not a key usage`);
    usages.push(usage);
  }
  return usages;
}

export function checkUsages(usages, allowed, what) {
  for (const usage of usages)
    if (!allowed.includes(usage)) throw syntaxError(`${what} cannot be used for "${usage}"`);
}

export const both = (usages, allowed) => usages.filter((usage) => allowed.includes(usage));
