// SPDX-License-Identifier: Apache-2.0
// What is behind crypto.subtle.
import { CryptoKey } from '../lib/crypto/key.js';
import { makeSubtleCrypto, operations, SubtleCrypto } from '../lib/crypto/subtle.js';
import { makeFirstCalls } from '../lib/crypto/first_calls.js';

export { CryptoKey, makeFirstCalls, makeSubtleCrypto, operations, SubtleCrypto };
