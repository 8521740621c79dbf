// SPDX-License-Identifier: Apache-2.0
// HKDF and PBKDF2.
import native from 'lethe:native';
import { copyOf } from './bytes.js';
import { computed, notSupportedError, operationError, syntaxError } from './errors.js';
import { hashBits } from './hashes.js';
import { makeKey } from './key.js';
import { bytes, hash, register, required, unsignedLong } from './normalize.js';
import { checkUsages } from './usages.js';

// What both have in common.
function derivation(name, parameters, derive) {
  register({
    name,
    deriveBits: {
      parameters,
      run(algorithm, key, length) {
        if (length === null || length % 8 !== 0) throw operationError(`The length for ${name} is a multiple of 8 bits`);
        return derive(algorithm, key, length / 8);
      },
    },
    importKey: {
      parameters: [],
      run(algorithm, format, data, extractable, usages) {
        if (format !== 'raw') throw notSupportedError(`A key for ${name} has no format "${format}"`);
        checkUsages(usages, ['deriveKey', 'deriveBits'], `A key for ${name}`);
        if (extractable) throw syntaxError(`A key for ${name} cannot be extractable`);
        return makeKey('secret', false, { name }, usages, copyOf(data));
      },
    },
    keyLength: { parameters: [], run: () => null },
  });
}

derivation('HKDF', [required('hash', hash), required('info', bytes), required('salt', bytes)], ({ hash: name, salt, info }, key, length) =>
  computed(native.hkdf(hashBits[name], key.material, salt, info, length), 'HKDF cannot give so many bits'));

derivation('PBKDF2', [required('hash', hash), required('iterations', unsignedLong), required('salt', bytes)],
  ({ hash: name, salt, iterations }, key, length) => {
    if (iterations === 0) throw operationError('PBKDF2 needs at least one iteration');
    if (length === 0) return new ArrayBuffer(0);
    return computed(native.pbkdf2(hashBits[name], key.material, salt, iterations, length), 'PBKDF2 cannot be computed with these parameters');
  });
