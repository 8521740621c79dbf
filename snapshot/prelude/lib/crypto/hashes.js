// SPDX-License-Identifier: Apache-2.0
// SHA-1, SHA-256, SHA-384, SHA-512, and HMAC with them.
import native from 'lethe:native';
import { bitLength, copyOf, firstBits } from './bytes.js';
import { computed, dataError, notSupportedError, operationError } from './errors.js';
import { checkJwk, checkJwkAlgorithm, jwkBytes, makeJwk } from './jwk.js';
import { makeKey } from './key.js';
import { hash, optional, register, required, unsignedLong } from './normalize.js';
import { checkUsages } from './usages.js';

// As native functions name them.
export const hashBits = { __proto__: null, 'SHA-1': 160, 'SHA-256': 256, 'SHA-384': 384, 'SHA-512': 512 };
const blockBits = { __proto__: null, 'SHA-1': 512, 'SHA-256': 512, 'SHA-384': 1024, 'SHA-512': 1024 };
// At the end of names of algorithms in JSON Web Keys: HS256, RS1.
export const jwkHash = (name) => name.slice('SHA-'.length);

const digest = {
  parameters: [],
  run: (algorithm, data) => computed(native.digest(hashBits[algorithm.name], data), 'The digest cannot be computed'),
};
for (const name of Object.keys(hashBits)) register({ name, digest });

const hmac = (key, data) =>
  computed(native.hmac(hashBits[key.algorithm.hash], key.material, data), 'The code cannot be computed');

function hmacKey(algorithm, length, extractable, usages, bytes) {
  return makeKey('secret', extractable, { name: 'HMAC', hash: algorithm.hash, length }, usages, bytes);
}

const lengthParameters = [required('hash', hash), optional('length', unsignedLong)];

register({
  name: 'HMAC',
  sign: { parameters: [], run: (algorithm, key, data) => hmac(key, data) },
  verify: { parameters: [], run: (algorithm, key, signature, data) => native.equalBytes(hmac(key, data), signature) },
  generateKey: {
    parameters: lengthParameters,
    run(algorithm, extractable, usages) {
      checkUsages(usages, ['sign', 'verify'], 'A key for HMAC');
      const length = algorithm.length ?? blockBits[algorithm.hash];
      if (length === 0) throw operationError('A key for HMAC has at least one bit');
      const bytes = new Uint8Array(Math.ceil(length / 8));
      native.randomBytes(bytes);
      return hmacKey(algorithm, length, extractable, usages, firstBits(bytes, length));
    },
  },
  importKey: {
    parameters: lengthParameters,
    run(algorithm, format, data, extractable, usages) {
      checkUsages(usages, ['sign', 'verify'], 'A key for HMAC');
      let bytes;
      if (format === 'raw') {
        bytes = copyOf(data);
      } else if (format === 'jwk') {
        if (data.kty !== 'oct') throw dataError('The member "kty" of the JSON Web Key is not "oct"');
        bytes = jwkBytes(data, 'k');
        checkJwkAlgorithm(data, `HS${jwkHash(algorithm.hash)}`);
        checkJwk(data, { kty: 'oct', use: 'sig', usages, extractable });
      } else {
        throw notSupportedError(`A key for HMAC has no format "${format}"`);
      }
      const length = algorithm.length ?? bitLength(bytes);
      if (bytes.length === 0) throw dataError('A key for HMAC has at least one bit');
      if (length > bitLength(bytes) || length <= bitLength(bytes) - 8) throw dataError('The key data are not as long as the algorithm says');
      return hmacKey(algorithm, length, extractable, usages, firstBits(bytes, length));
    },
  },
  exportKey: {
    run(format, slots) {
      if (format === 'raw') return slots.material.slice().buffer;
      if (format !== 'jwk') throw notSupportedError(`A key for HMAC has no format "${format}"`);
      return makeJwk('oct', { alg: `HS${jwkHash(slots.algorithm.hash)}` }, { k: slots.material }, slots);
    },
  },
  keyLength: {
    parameters: lengthParameters,
    run(algorithm) {
      const length = algorithm.length ?? blockBits[algorithm.hash];
      if (length === 0) throw new TypeError('A key for HMAC has at least one bit');
      return length;
    },
  },
});
