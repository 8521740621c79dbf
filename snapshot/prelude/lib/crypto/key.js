// SPDX-License-Identifier: Apache-2.0
// CryptoKey: https://w3c.github.io/webcrypto/#cryptokey-interface. The key itself is bytes in a private
// field, which only the algorithms read.
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { asInterface } from '../webidl.js';
import { copyOf } from './bytes.js';
import { invalidAccessError, notSupportedError } from './errors.js';

const allowed = {}; // to construct one

export let slotsOf; // {type, extractable, algorithm, usages, material}; undefined if it is no CryptoKey

export class CryptoKey {
  #slots;
  #shownAlgorithm; // scripts may change these two
  #shownUsages;

  constructor() {
    if (arguments[0] !== allowed) throw new TypeError('Illegal constructor');
    this.#slots = arguments[1];
  }
  static {
    slotsOf = (value) => (typeof value === 'object' && value !== null && #slots in value ? value.#slots : undefined);
  }

  get type() {
    return this.#slots.type;
  }
  get extractable() {
    return this.#slots.extractable;
  }
  get algorithm() {
    return (this.#shownAlgorithm ??= shownAlgorithm(this.#slots.algorithm));
  }
  get usages() {
    return (this.#shownUsages ??= [...this.#slots.usages]);
  }
}
asInterface(CryptoKey);
showAttributes(CryptoKey, 'type', 'extractable', 'algorithm', 'usages');
// structuredClone: what a key is made of never changes.
native.setPlatform(CryptoKey.prototype, (value) => {
  const slots = slotsOf(value);
  return slots && new CryptoKey(allowed, slots);
});

function shownAlgorithm(algorithm) {
  const shown = { ...algorithm };
  if (shown.hash) shown.hash = { name: shown.hash };
  if (shown.publicExponent) shown.publicExponent = copyOf(shown.publicExponent);
  return shown;
}

const order = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey'];

// `algorithm`: {name, …}, a hash by its name. `material`: what the algorithm keeps.
export function makeKey(type, extractable, algorithm, usages, material) {
  return new CryptoKey(allowed, {
    type, extractable, algorithm, material,
    usages: order.filter((usage) => usages.includes(usage)),
  });
}

export function toCryptoKey(value, where) {
  if (!slotsOf(value)) throw new TypeError(`${where} is not a CryptoKey`);
  return value;
}

// An operation that only a private key, for instance, can do.
export function requireType(slots, type) {
  if (slots.type !== type) throw invalidAccessError(`The key is ${slots.type}, but must be ${type}`);
}

// "spki" of a private key, for instance. `formats`: those that the algorithm has for some key.
export function wrongFormat(what, format, type, formats) {
  return formats.includes(format)
    ? invalidAccessError(`${what} that is ${type} has no format "${format}"`)
    : notSupportedError(`${what} has no format "${format}"`);
}
