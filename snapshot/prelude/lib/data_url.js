// SPDX-License-Identifier: Apache-2.0
// https://fetch.spec.whatwg.org/#data-url-processor
import native from 'lethe:native';
import { asLatin1, encodeText } from './bytes.js';
import { parseMimeType, serializeMimeType } from './mime.js';

function percentDecode(text) {
  const bytes = encodeText(text);
  const hex = (byte) => (byte === undefined ? NaN : parseInt(String.fromCharCode(byte), 16));
  let length = 0;
  for (let i = 0; i < bytes.length; ++i) {
    const value = bytes[i] === 0x25 ? hex(bytes[i + 1]) * 16 + hex(bytes[i + 2]) : NaN;
    bytes[length++] = Number.isNaN(value) ? bytes[i] : value;
    if (!Number.isNaN(value)) i += 2;
  }
  return bytes.subarray(0, length);
}

// {type, bytes}; throws a TypeError
export function decodeDataUrl(url) {
  const [, head, data] = /^data:([^,#]*),([^#]*)/s.exec(url) ?? [];
  if (head === undefined) throw new TypeError('the data URL has no comma');
  let type = head.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  let bytes = percentDecode(data);
  const base64 = /; *base64$/i.exec(type);
  if (base64) {
    type = type.slice(0, base64.index);
    const decoded = native.decodeBase64(asLatin1(bytes));
    if (decoded === undefined) throw new TypeError('the data URL\'s base64 is malformed');
    bytes = Uint8Array.from(decoded, (c) => c.charCodeAt(0));
  }
  const parsed = parseMimeType(type.startsWith(';') ? `text/plain${type}` : type);
  return { type: parsed ? serializeMimeType(parsed) : 'text/plain;charset=US-ASCII', bytes };
}
