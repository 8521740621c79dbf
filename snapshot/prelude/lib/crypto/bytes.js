// SPDX-License-Identifier: Apache-2.0
// Bytes: sources of them, copies, base64url.
import { dataError } from './errors.js';

const { isView } = ArrayBuffer;
const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
const TypedArray = Object.getPrototypeOf(Uint8Array);
const bufferLength = getter(ArrayBuffer.prototype, 'byteLength');
const arrayBuffer = getter(TypedArray.prototype, 'buffer');
const arrayOffset = getter(TypedArray.prototype, 'byteOffset');
const arrayLength = getter(TypedArray.prototype, 'byteLength');
const arrayName = getter(TypedArray.prototype, Symbol.toStringTag);
const viewBuffer = getter(DataView.prototype, 'buffer');
const viewOffset = getter(DataView.prototype, 'byteOffset');
const viewLength = getter(DataView.prototype, 'byteLength');
const { apply } = Reflect;

function isArrayBuffer(value) {
  try {
    apply(bufferLength, value, []);
    return true;
  } catch {
    return false;
  }
}

// "Uint8Array" for example; undefined for what is no typed array.
export const typedArrayName = (value) => apply(arrayName, value, []);
export const isViewOfBytes = isView;
export const typedArrayLength = (array) => apply(arrayLength, array, []);

export function isBufferSource(value) {
  if (!isView(value)) return typeof value === 'object' && value !== null && isArrayBuffer(value);
  return isArrayBuffer(apply(typedArrayName(value) === undefined ? viewBuffer : arrayBuffer, value, []));
}

// The BufferSource of Web IDL. Native functions take it as it is; a detached one has no bytes.
export function toBufferSource(value, where) {
  if (!isBufferSource(value)) throw new TypeError(`${where} is neither an ArrayBuffer nor a view of one`);
  return value;
}

// A Uint8Array of its own with the bytes of a BufferSource.
export function copyOf(source) {
  if (!isView(source)) return apply(bufferLength, source, []) === 0 ? new Uint8Array(0) : new Uint8Array(source).slice();
  try {
    const isArray = typedArrayName(source) !== undefined;
    const offset = apply(isArray ? arrayOffset : viewOffset, source, []);
    const length = apply(isArray ? arrayLength : viewLength, source, []);
    return new Uint8Array(apply(isArray ? arrayBuffer : viewBuffer, source, []), offset, length).slice();
  } catch {
    return new Uint8Array(0); // detached
  }
}

export const bitLength = (bytes) => bytes.length * 8;

// Without leading zeros, as an unsigned number.
export function trimmed(bytes) {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) ++start;
  return start === 0 ? bytes : bytes.slice(start);
}

// The first bits, as whole bytes: what is left of the last one is zero.
export function firstBits(bytes, bits) {
  const result = bytes.slice(0, Math.ceil(bits / 8));
  if (bits % 8 !== 0) result[result.length - 1] &= 0xff00 >> bits % 8;
  return result;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const values = new Uint8Array(128).fill(255);
for (let i = 0; i < 64; ++i) values[alphabet.charCodeAt(i)] = i;

export function toBase64url(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    text += alphabet[a >> 2] + alphabet[((a & 3) << 4) | (b >> 4)];
    if (b !== undefined) text += alphabet[((b & 15) << 2) | (c >> 6)];
    if (c !== undefined) text += alphabet[c & 63];
  }
  return text;
}

// RFC 7515: without padding.
export function fromBase64url(text, where) {
  const bytes = new Uint8Array((text.length * 3) >> 2);
  let [written, bits, count] = [0, 0, 0];
  for (let i = 0; i < text.length; ++i) {
    const value = values[text.charCodeAt(i)] ?? 255;
    if (value === 255) throw dataError(`${where} is not base64url`);
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[written++] = bits >> count;
    }
  }
  if (text.length % 4 === 1) throw dataError(`${where} is not base64url`);
  return bytes;
}
