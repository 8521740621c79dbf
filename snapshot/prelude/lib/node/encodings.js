// SPDX-License-Identifier: Apache-2.0
// The encodings of Buffer: each makes bytes of a text, as many as there are in it, and a text of bytes. What is not of the encoding
// is left out or ends it, as in Node.js; nothing throws.
import native from 'lethe:native';
import { asLatin1 } from '../bytes.js';
import { utf8DecodeWithoutBOM, utf8Encode } from '../utf8.js';

const fromUnits = (text, unitMask) => {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i) & unitMask;
  return bytes;
};

// --- hex ---
const digits = '0123456789abcdef';
const pairs = [];
for (let byte = 0; byte < 256; ++byte) pairs.push(digits[byte >> 4] + digits[byte & 15]);
function digitOf(unit) {
  if (unit >= 48 && unit <= 57) return unit - 48;
  const letter = unit | 32;
  return letter >= 97 && letter <= 102 && unit < 128 ? letter - 87 : -1;
}
function fromHex(text) {
  const bytes = new Uint8Array(text.length >>> 1);
  for (let i = 0; i < bytes.length; ++i) {
    const high = digitOf(text.charCodeAt(2 * i));
    const low = digitOf(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return bytes.subarray(0, i);
    bytes[i] = high * 16 + low;
  }
  return bytes;
}
function toHex(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; ++i) text += pairs[bytes[i]];
  return text;
}

// --- base64, of both alphabets; what belongs to neither is left out ---
const sextets = new Int8Array(128).fill(-1);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let i = 0; i < 64; ++i) sextets[alphabet.charCodeAt(i)] = i;
sextets['-'.charCodeAt(0)] = 62;
sextets['_'.charCodeAt(0)] = 63;
const padding = '='.charCodeAt(0);

function fromBase64(text) {
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let [bits, count, at] = [0, 0, 0];
  for (let i = 0; i < text.length; ++i) {
    const unit = text.charCodeAt(i);
    if (unit === padding) break;
    const sextet = unit < 128 ? sextets[unit] : -1;
    if (sextet < 0) continue;
    bits = ((bits << 6) | sextet) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[at++] = bits >> count;
    }
  }
  return bytes.subarray(0, at);
}
const toBase64 = (bytes) => native.encodeBase64(asLatin1(bytes));
// By the padding alone, whatever else is in it.
function base64Length(text) {
  let { length } = text;
  if (length > 0 && text.charCodeAt(length - 1) === padding) --length;
  if (length > 1 && text.charCodeAt(length - 1) === padding) --length;
  return Math.floor((length * 3) / 4);
}

// --- UTF-16, lone surrogates included ---
function fromUtf16(text) {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; ++i) {
    const unit = text.charCodeAt(i);
    bytes[2 * i] = unit;
    bytes[2 * i + 1] = unit >> 8;
  }
  return bytes;
}
function toUtf16(bytes) {
  const units = new Uint16Array(bytes.length >>> 1);
  for (let i = 0; i < units.length; ++i) units[i] = bytes[2 * i] | (bytes[2 * i + 1] << 8);
  let text = '';
  for (let at = 0; at < units.length; at += 8192) text += String.fromCharCode.apply(null, units.subarray(at, at + 8192));
  return text;
}

// `unit`: bytes that are written together or not at all; in UTF-8 those of a character.
const utf8 = { name: 'utf8', unit: 0, encode: utf8Encode, lengthOf: (text) => utf8Encode(text).length, decode: utf8DecodeWithoutBOM };
const latin1 = { name: 'latin1', unit: 1, encode: (text) => fromUnits(text, 0xff), lengthOf: (text) => text.length, decode: asLatin1 };
const ascii = { ...latin1, name: 'ascii', decode: (bytes) => asLatin1(fromUnits(asLatin1(bytes), 0x7f)) };
const ucs2 = { name: 'utf16le', unit: 2, encode: fromUtf16, lengthOf: (text) => text.length * 2, decode: toUtf16 };
const base64 = { name: 'base64', unit: 1, encode: fromBase64, lengthOf: base64Length, decode: toBase64 };
const base64url = { ...base64, name: 'base64url', decode: (bytes) => toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '') };
const hex = { name: 'hex', unit: 1, encode: fromHex, lengthOf: (text) => text.length >>> 1, decode: toHex };

const byName = new Map([
  ['utf8', utf8], ['utf-8', utf8], ['ucs2', ucs2], ['ucs-2', ucs2], ['utf16le', ucs2], ['utf-16le', ucs2],
  ['latin1', latin1], ['binary', latin1], ['ascii', ascii], ['base64', base64], ['base64url', base64url], ['hex', hex],
]);

export { utf8, latin1, ascii, ucs2, base64, base64url, hex };
// undefined: there is no such encoding.
export const encodingOf = (name) => byName.get(`${name}`) ?? byName.get(`${name}`.toLowerCase());

// So many of the first bytes as fit without a part of a character.
export function wholeBytes(encoding, bytes, room) {
  if (bytes.length <= room) return bytes.length;
  if (encoding.unit > 0) return room - (room % encoding.unit);
  while (room > 0 && (bytes[room] & 0xc0) === 0x80) --room;
  return room;
}
