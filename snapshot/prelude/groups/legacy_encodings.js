// SPDX-License-Identifier: Apache-2.0
// The encodings of https://encoding.spec.whatwg.org/#legacy-single-byte-encodings and those that follow there, and
// the labels of all.
import { normalizeEncoding } from '@exodus/bytes/encoding.js';
import { createMultibyteDecoder } from '@exodus/bytes/multi-byte.js';
import { createSinglebyteDecoder } from '@exodus/bytes/single-byte.js';

const multiByte = ['big5', 'euc-kr', 'euc-jp', 'iso-2022-jp', 'shift_jis', 'gbk', 'gb18030'];

// undefined if there is no encoding of this label that can be decoded.
export function encodingOf(label) {
  const name = normalizeEncoding(label);
  return name === null || name === 'replacement' ? undefined : name;
}

const tables = { __proto__: null };

// The characters of the upper half of a single-byte encoding, 0 for none; undefined if it isn't one.
export function tableOf(encoding) {
  if (multiByte.includes(encoding)) return undefined;
  if (!tables[encoding]) {
    const text = createSinglebyteDecoder(encoding, true)(Uint8Array.from({ length: 128 }, (_, i) => 128 + i));
    tables[encoding] = Uint16Array.from({ length: 128 }, (_, i) => (text[i] === '\uFFFD' ? 0 : text.charCodeAt(i)));
  }
  return tables[encoding];
}

const twoBytes = Uint8Array.of(0x81, 0x40);

// A function (bytes, is there more to come): the text, or undefined. Unpacks the encoding's table, which takes
// 10 to 20 ms.
export function multiByteDecoder(encoding, isFatal) {
  createMultibyteDecoder(encoding, true)(twoBytes);
  const decode = createMultibyteDecoder(encoding, !isFatal);
  return (source, isStream) => {
    const bytes =
      source === undefined ? new Uint8Array() : ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
    try {
      return decode(bytes, isStream);
    } catch {
      return undefined;
    }
  };
}
