// SPDX-License-Identifier: Apache-2.0
// The global `crypto`: https://w3c.github.io/webcrypto/
import native from 'lethe:native';
import { isViewOfBytes, typedArrayLength, typedArrayName } from '../lib/crypto/bytes.js';
import { quotaExceededError, typeMismatchError } from '../lib/crypto/errors.js';
import { CryptoKey } from '../lib/crypto/key.js';
import { makeSubtleCrypto, SubtleCrypto } from '../lib/crypto/subtle.js';
import { asInterface, isObject, requireArguments } from '../lib/webidl.js';

const allowed = {}; // to construct the one that there is
const mostBytes = 65536;
const integerArrays = [
  'Int8Array', 'Int16Array', 'Int32Array', 'BigInt64Array', 'Uint8Array', 'Uint8ClampedArray', 'Uint16Array', 'Uint32Array', 'BigUint64Array',
];

class Crypto {
  #subtle = makeSubtleCrypto();

  constructor() {
    if (arguments[0] !== allowed) throw new TypeError('Illegal constructor');
  }

  get subtle() {
    return this.#subtle;
  }

  getRandomValues(array) {
    if (!(isObject(this) && #subtle in this)) throw new TypeError('Illegal invocation');
    requireArguments(arguments.length, 1, 'Crypto.getRandomValues');
    if (!isViewOfBytes(array)) throw new TypeError('Crypto.getRandomValues: the argument is not a view of a buffer');
    if (!integerArrays.includes(typedArrayName(array))) throw typeMismatchError('Only typed arrays of integers can be filled with random values');
    if (typedArrayLength(array) > mostBytes)
      throw quotaExceededError(`At most ${mostBytes} bytes can be filled at once, not ${typedArrayLength(array)}`);
    native.randomBytes(array);
    return array;
  }

  randomUUID() {
    if (!(isObject(this) && #subtle in this)) throw new TypeError('Illegal invocation');
    return native.randomUuid();
  }
}
asInterface(Crypto);

const crypto = new Crypto(allowed);

export { Crypto, CryptoKey, SubtleCrypto, crypto };
