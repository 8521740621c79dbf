// SPDX-License-Identifier: Apache-2.0
// SubtleCrypto: https://w3c.github.io/webcrypto/#subtlecrypto-interface. The steps are done in the order of
// the specification, all before the promise is returned.
import { asInterface, isObject, requireArguments, toDOMString, toInteger } from '../webidl.js';
import { isBufferSource, toBufferSource } from './bytes.js';
import { invalidAccessError, notSupportedError, syntaxError } from './errors.js';
import { jwkFromBytes, jwkToBytes, toJwk } from './jwk.js';
import { slotsOf, toCryptoKey } from './key.js';
import { normalize, operationOf } from './normalize.js';
import { toUsages } from './usages.js';

import './aes.js';
import './curves.js';
import './derivation.js';
import './hashes.js';
import './rsa.js';

const formats = ['raw', 'spki', 'pkcs8', 'jwk'];
const allowed = {}; // to construct the one that there is

const toAlgorithm = (value) => (isObject(value) ? value : toDOMString(value, 'The algorithm'));

function toFormat(value) {
  const format = toDOMString(value, 'The format');
  if (!formats.includes(format)) throw new TypeError(`"${format}" is not a format of keys`);
  return format;
}

const toKeyData = (value) => (isBufferSource(value) ? value : toJwk(value));

function checkKey(slots, algorithm, usage) {
  if (slots.algorithm.name !== algorithm.name) throw invalidAccessError(`The key is one for ${slots.algorithm.name}, not for ${algorithm.name}`);
  if (!slots.usages.includes(usage)) throw invalidAccessError(`The key cannot be used for "${usage}"`);
}

// A private or secret key that nothing could be done with.
function requireUsages(key) {
  const { type, usages } = slotsOf(key);
  if (type !== 'public' && usages.length === 0) throw syntaxError(`A ${type} key must have a usage`);
  return key;
}

function exported(format, key) {
  const slots = slotsOf(key);
  const operation = operationOf(slots.algorithm.name, 'exportKey');
  if (!operation) throw notSupportedError(`Keys for ${slots.algorithm.name} cannot be exported`);
  if (!slots.extractable) throw invalidAccessError('The key is not extractable');
  return operation.run(format, slots);
}

// What wraps keys: an algorithm made for it, else one that encrypts.
function normalizeWrapping(identifier, operation, otherOperation) {
  try {
    return normalize(identifier, operation);
  } catch {
    return normalize(identifier, otherOperation);
  }
}

// Each is done when it returns; the methods of SubtleCrypto make promises of them.
export const operations = {
  encrypt: (algorithm, key, data) =>
    runWithKey('encrypt', toAlgorithm(algorithm), toCryptoKey(key, 'The key'), toBufferSource(data, 'The data')),
  decrypt: (algorithm, key, data) =>
    runWithKey('decrypt', toAlgorithm(algorithm), toCryptoKey(key, 'The key'), toBufferSource(data, 'The data')),
  sign: (algorithm, key, data) =>
    runWithKey('sign', toAlgorithm(algorithm), toCryptoKey(key, 'The key'), toBufferSource(data, 'The data')),
  verify: (algorithm, key, signature, data) =>
    runWithKey('verify', toAlgorithm(algorithm), toCryptoKey(key, 'The key'), toBufferSource(signature, 'The signature'),
      toBufferSource(data, 'The data')),

  digest(algorithm, data) {
    algorithm = toAlgorithm(algorithm);
    toBufferSource(data, 'The data');
    const [normalized, run] = normalize(algorithm, 'digest');
    return run(normalized, data);
  },

  generateKey(algorithm, extractable, keyUsages) {
    algorithm = toAlgorithm(algorithm);
    const usages = toUsages(keyUsages);
    const [normalized, run] = normalize(algorithm, 'generateKey');
    const result = run(normalized, !!extractable, usages);
    requireUsages(result.privateKey ?? result);
    return result;
  },

  deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    algorithm = toAlgorithm(algorithm);
    const slots = slotsOf(toCryptoKey(baseKey, 'The base key'));
    derivedKeyType = toAlgorithm(derivedKeyType);
    const usages = toUsages(keyUsages);
    const [normalized, derive] = normalize(algorithm, 'deriveBits');
    const [normalizedImport, importKey] = normalize(derivedKeyType, 'importKey');
    const [normalizedLength, keyLength] = normalize(derivedKeyType, 'keyLength');
    checkKey(slots, normalized, 'deriveKey');
    const secret = derive(normalized, slots, keyLength(normalizedLength));
    return requireUsages(importKey(normalizedImport, 'raw', secret, !!extractable, usages));
  },
  deriveBits(algorithm, baseKey, length = null) {
    algorithm = toAlgorithm(algorithm);
    const slots = slotsOf(toCryptoKey(baseKey, 'The base key'));
    const bits = length === null ? null : toInteger(length, 32, { where: 'The length' });
    const [normalized, derive] = normalize(algorithm, 'deriveBits');
    checkKey(slots, normalized, 'deriveBits');
    return derive(normalized, slots, bits);
  },

  importKey(format, keyData, algorithm, extractable, keyUsages) {
    format = toFormat(format);
    const data = toKeyData(keyData);
    algorithm = toAlgorithm(algorithm);
    const usages = toUsages(keyUsages);
    const [normalized, run] = normalize(algorithm, 'importKey');
    if (isBufferSource(data) === (format === 'jwk'))
      throw new TypeError(`The key data are not ${format === 'jwk' ? 'a JSON Web Key' : 'an ArrayBuffer or a view of one'}`);
    return requireUsages(run(normalized, format, data, !!extractable, usages));
  },
  exportKey: (format, key) => exported(toFormat(format), toCryptoKey(key, 'The key')),

  wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    format = toFormat(format);
    toCryptoKey(key, 'The key');
    const slots = slotsOf(toCryptoKey(wrappingKey, 'The wrapping key'));
    const [normalized, wrap] = normalizeWrapping(toAlgorithm(wrapAlgorithm), 'wrapKey', 'encrypt');
    checkKey(slots, normalized, 'wrapKey');
    const data = exported(format, key);
    return wrap(normalized, slots, format === 'jwk' ? jwkToBytes(data) : data);
  },
  unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages) {
    format = toFormat(format);
    toBufferSource(wrappedKey, 'The wrapped key');
    const slots = slotsOf(toCryptoKey(unwrappingKey, 'The unwrapping key'));
    unwrapAlgorithm = toAlgorithm(unwrapAlgorithm);
    unwrappedKeyAlgorithm = toAlgorithm(unwrappedKeyAlgorithm);
    const usages = toUsages(keyUsages);
    const [normalized, unwrap] = normalizeWrapping(unwrapAlgorithm, 'unwrapKey', 'decrypt');
    const [normalizedImport, importKey] = normalize(unwrappedKeyAlgorithm, 'importKey');
    checkKey(slots, normalized, 'unwrapKey');
    const bytes = unwrap(normalized, slots, wrappedKey);
    const data = format === 'jwk' ? jwkFromBytes(new Uint8Array(bytes)) : bytes;
    return requireUsages(importKey(normalizedImport, format, data, !!extractable, usages));
  },
};
// Not found through the object, which scripts can reach.
const { encrypt, decrypt, sign, verify, digest, generateKey, deriveKey, deriveBits, importKey, exportKey, wrapKey, unwrapKey } = operations;

let begin; // what each method does first

export class SubtleCrypto {
  #isOne = true;

  constructor() {
    if (arguments[0] !== allowed) throw new TypeError('Illegal constructor');
  }
  static {
    begin = (self, count, least, name) => {
      if (!(isObject(self) && #isOne in self)) throw new TypeError('Illegal invocation');
      requireArguments(count, least, `SubtleCrypto.${name}`);
    };
  }

  async encrypt(algorithm, key, data) {
    begin(this, arguments.length, 3, 'encrypt');
    return encrypt(algorithm, key, data);
  }
  async decrypt(algorithm, key, data) {
    begin(this, arguments.length, 3, 'decrypt');
    return decrypt(algorithm, key, data);
  }
  async sign(algorithm, key, data) {
    begin(this, arguments.length, 3, 'sign');
    return sign(algorithm, key, data);
  }
  async verify(algorithm, key, signature, data) {
    begin(this, arguments.length, 4, 'verify');
    return verify(algorithm, key, signature, data);
  }

  async digest(algorithm, data) {
    begin(this, arguments.length, 2, 'digest');
    return digest(algorithm, data);
  }

  async generateKey(algorithm, extractable, keyUsages) {
    begin(this, arguments.length, 3, 'generateKey');
    return generateKey(algorithm, extractable, keyUsages);
  }

  async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    begin(this, arguments.length, 5, 'deriveKey');
    return deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages);
  }
  async deriveBits(algorithm, baseKey, length = null) {
    begin(this, arguments.length, 2, 'deriveBits');
    return deriveBits(algorithm, baseKey, length);
  }

  async importKey(format, keyData, algorithm, extractable, keyUsages) {
    begin(this, arguments.length, 5, 'importKey');
    return importKey(format, keyData, algorithm, extractable, keyUsages);
  }
  async exportKey(format, key) {
    begin(this, arguments.length, 2, 'exportKey');
    return exportKey(format, key);
  }

  async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    begin(this, arguments.length, 4, 'wrapKey');
    return wrapKey(format, key, wrappingKey, wrapAlgorithm);
  }
  async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages) {
    begin(this, arguments.length, 7, 'unwrapKey');
    return unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages);
  }
}
asInterface(SubtleCrypto);

// The data are read once the algorithm is normalized, which may have changed them.
function runWithKey(usage, algorithm, key, ...data) {
  const [normalized, run] = normalize(algorithm, usage);
  const slots = slotsOf(key);
  checkKey(slots, normalized, usage);
  return run(normalized, slots, ...data);
}

export const makeSubtleCrypto = () => new SubtleCrypto(allowed);
