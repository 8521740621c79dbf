// SPDX-License-Identifier: Apache-2.0
// In the place of @exodus/bytes in whatwg-url, which needs it for documents in other encodings than UTF-8.
import { utf8Encode } from './utf8.js';

// https://url.spec.whatwg.org/#string-percent-encode-after-encoding; `set`: the characters besides controls
export function percentEncodeAfterEncoding(encoding, input, set) {
  let output = '';
  for (const byte of utf8Encode(input)) {
    const character = String.fromCharCode(byte);
    output += byte < 0x20 || byte > 0x7e || set.includes(character) ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : character;
  }
  return output;
}
