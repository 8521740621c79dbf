// SPDX-License-Identifier: Apache-2.0
// The global `crypto`: https://w3c.github.io/webcrypto/. What is behind crypto.subtle is another group, as many
// scripts only want a UUID.
import native from 'lethe:native';
import { isViewOfBytes, typedArrayLength, typedArrayName } from '../lib/crypto/bytes.js';
import { asInterface, isObject, requireArguments } from '../lib/webidl.js';

const allowed = {}; // to construct the one that there is
const mostBytes = 65536;
const integerArrays = [
  'Int8Array', 'Int16Array', 'Int32Array', 'BigInt64Array', 'Uint8Array', 'Uint8ClampedArray', 'Uint16Array', 'Uint32Array', 'BigUint64Array',
];

class Crypto {
  #subtle;

  constructor() {
    if (arguments[0] !== allowed) throw new TypeError('Illegal constructor');
  }

  get subtle() {
    return (this.#subtle ??= require('lethe:subtle').makeSubtleCrypto());
  }

  getRandomValues(array) {
    if (!(isObject(this) && #subtle in this)) throw new TypeError('Illegal invocation');
    requireArguments(arguments.length, 1, 'Crypto.getRandomValues');
    if (!isViewOfBytes(array)) throw new TypeError('Crypto.getRandomValues: the argument is not a view of a buffer');
    if (!integerArrays.includes(typedArrayName(array))) {
      const { DOMException } = require('lethe:dom_exception');
      throw new DOMException('Only typed arrays of integers can be filled with random values', 'TypeMismatchError');
    }
    if (typedArrayLength(array) > mostBytes) {
      const { QuotaExceededError } = require('lethe:dom_exception');
      throw new QuotaExceededError(`At most ${mostBytes} bytes can be filled at once, not ${typedArrayLength(array)}`);
    }
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

// The first calls of what scripts do most (see touch_globals).
function warmUp() {
  const { subtle } = crypto;
  const data = new Uint8Array(64);
  for (let i = 0; i < 2; ++i) {
    crypto.getRandomValues(data);
    crypto.randomUUID();
  }
  require('lethe:subtle').makeFirstCalls(subtle, data).catch(() => {});
}

export { Crypto, crypto, warmUp };
