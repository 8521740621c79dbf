// SPDX-License-Identifier: Apache-2.0
// Bytes of what scripts give, and UTF-8.
import native from 'lethe:native';
import { utf8Encode } from './utf8.js';

const { isView } = ArrayBuffer;

export const isArrayBuffer = (value) => !isView(value) && native.bufferKind(value) === 1;
export const isBufferSource = (value) => isView(value) || isArrayBuffer(value);
export const isShared = (buffer) => native.bufferKind(buffer) === 2;

// A copy of a buffer source's bytes.
export function copyBytes(source) {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()
    : new Uint8Array(source).slice();
}

export function concatenate(parts) {
  if (parts.length === 1) return parts[0];
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

// Lone surrogates become U+FFFD.
export const encodeText = utf8Encode;
// Without a byte order mark; what is not UTF-8 becomes U+FFFD.
export const decodeText = (bytes) => native.decodeUtf8(bytes, 0);
export function asLatin1(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
  return text;
}
