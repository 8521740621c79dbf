// SPDX-License-Identifier: Apache-2.0
// AES-CBC, AES-CTR, AES-GCM, AES-KW.
import native from 'lethe:native';
import { bitLength, copyOf } from './bytes.js';
import { computed, dataError, notSupportedError, operationError } from './errors.js';
import { checkJwk, checkJwkAlgorithm, jwkBytes, makeJwk } from './jwk.js';
import { makeKey } from './key.js';
import { bytes, octet, optional, register, required, unsignedShort } from './normalize.js';
import { checkUsages } from './usages.js';

const isKeyLength = (bits) => bits === 128 || bits === 192 || bits === 256;

const jwkAlgorithm = (name, bits) => `A${bits}${name.slice('AES-'.length)}`;

function keyBytes(name, format, data, extractable, usages) {
  if (format === 'raw') return copyOf(data);
  if (format !== 'jwk') throw notSupportedError(`A key for ${name} has no format "${format}"`);
  if (data.kty !== 'oct') throw dataError('The member "kty" of the JSON Web Key is not "oct"');
  const key = jwkBytes(data, 'k');
  if (isKeyLength(bitLength(key))) checkJwkAlgorithm(data, jwkAlgorithm(name, bitLength(key)));
  checkJwk(data, { kty: 'oct', use: 'enc', usages, extractable });
  return key;
}

// What the modes have in common.
function mode(name, usable, operations) {
  register({
    name,
    ...operations,
    generateKey: {
      parameters: [required('length', unsignedShort)],
      run(algorithm, extractable, usages) {
        checkUsages(usages, usable, `A key for ${name}`);
        if (!isKeyLength(algorithm.length)) throw operationError('A key for AES has 128, 192 or 256 bits');
        const key = new Uint8Array(algorithm.length / 8);
        native.randomBytes(key);
        return makeKey('secret', extractable, { name, length: algorithm.length }, usages, key);
      },
    },
    importKey: {
      parameters: [],
      run(algorithm, format, data, extractable, usages) {
        checkUsages(usages, usable, `A key for ${name}`);
        const key = keyBytes(name, format, data, extractable, usages);
        if (!isKeyLength(bitLength(key))) throw dataError('A key for AES has 128, 192 or 256 bits');
        return makeKey('secret', extractable, { name, length: bitLength(key) }, usages, key);
      },
    },
    exportKey: {
      run(format, slots) {
        if (format === 'raw') return slots.material.slice().buffer;
        if (format !== 'jwk') throw notSupportedError(`A key for ${name} has no format "${format}"`);
        return makeJwk('oct', { alg: jwkAlgorithm(name, slots.algorithm.length) }, { k: slots.material }, slots);
      },
    },
    keyLength: {
      parameters: [required('length', unsignedShort)],
      run(algorithm) {
        if (!isKeyLength(algorithm.length)) throw operationError('A key for AES has 128, 192 or 256 bits');
        return algorithm.length;
      },
    },
  });
}

const cipherUsages = ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'];

const cbc = (encrypts) => ({
  parameters: [required('iv', bytes)],
  run(algorithm, key, data) {
    if (algorithm.iv.length !== 16) throw operationError('The member "iv" of the algorithm is not 16 bytes long');
    return computed(native.aesCbc(encrypts, key.material, algorithm.iv, data),
      encrypts ? 'The data cannot be encrypted' : 'The data were not encrypted with this key');
  },
});
mode('AES-CBC', cipherUsages, { encrypt: cbc(true), decrypt: cbc(false) });

const ctr = {
  parameters: [required('counter', bytes), required('length', octet)],
  run(algorithm, key, data) {
    if (algorithm.counter.length !== 16) throw operationError('The member "counter" of the algorithm is not 16 bytes long');
    if (algorithm.length === 0 || algorithm.length > 128) throw operationError('The member "length" of the algorithm is not from 1 to 128');
    return computed(native.aesCtr(key.material, algorithm.counter, algorithm.length, data),
      'The counter is too short for so many data');
  },
};
mode('AES-CTR', cipherUsages, { encrypt: ctr, decrypt: ctr });

const tagLengths = [32, 64, 96, 104, 112, 120, 128];
const noBytes = new Uint8Array(0);

const gcm = (encrypts) => ({
  parameters: [optional('additionalData', bytes), required('iv', bytes), optional('tagLength', octet)],
  run(algorithm, key, data) {
    const { iv, additionalData = noBytes, tagLength = 128 } = algorithm;
    if (!tagLengths.includes(tagLength)) throw operationError(`The member "tagLength" of the algorithm is none of ${tagLengths.join(', ')}`);
    return computed(native.aesGcm(encrypts, key.material, iv, additionalData, tagLength / 8, data),
      encrypts ? 'The data cannot be encrypted: the member "iv" of the algorithm must be 1 to 128 bytes long'
        : 'The data were not encrypted with this key, or they were changed');
  },
});
mode('AES-GCM', cipherUsages, { encrypt: gcm(true), decrypt: gcm(false) });

const wrap = (encrypts) => ({
  parameters: [],
  run: (algorithm, key, data) => computed(native.aesWrap(encrypts, key.material, data),
    encrypts ? 'AES-KW wraps multiples of 8 bytes only, 16 at least' : 'The key was not wrapped with this key'),
});
mode('AES-KW', ['wrapKey', 'unwrapKey'], { wrapKey: wrap(true), unwrapKey: wrap(false) });
