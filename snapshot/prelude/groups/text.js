// SPDX-License-Identifier: Apache-2.0
// TextEncoder and TextDecoder: https://encoding.spec.whatwg.org/#api. The bytes are C++'s matter; other encodings
// than those of Unicode and windows-1252 come from a library, in a group of its own.
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { asInterface, requireArguments, toDictionary, toDOMString } from '../lib/webidl.js';
import { isBufferSource, isUint8Array } from '../lib/buffer_source.js';

// The usual labels. All others are looked up where the other encodings are.
const usualLabels = {
  __proto__: null,
  'utf-8': 'utf-8', utf8: 'utf-8', 'UTF-8': 'utf-8', UTF8: 'utf-8', 'utf-16le': 'utf-16le', 'utf-16': 'utf-16le', 'utf-16be': 'utf-16be',
  'windows-1252': 'windows-1252', latin1: 'windows-1252', 'iso-8859-1': 'windows-1252', ascii: 'windows-1252', 'us-ascii': 'windows-1252',
};

const unicodeDecoders = {
  __proto__: null,
  'utf-8': native.decodeUtf8,
  'utf-16le': native.decodeUtf16le,
  'utf-16be': native.decodeUtf16be,
};

// Of the native decoders.
const FATAL = 1;
const IGNORE_BOM = 2;
const STREAM = 4;

// 0x80 to 0x9f of windows-1252; from 0xa0 on it is Latin-1. https://encoding.spec.whatwg.org/index-windows-1252.txt
const windows1252 = new Uint16Array(128);
for (let i = 0; i < 128; ++i) windows1252[i] = 128 + i;
windows1252.set([
  0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
  0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
]);

// A function (bytes, flags) that keeps what a stream has to keep; undefined comes from it if the bytes are malformed.
function legacyDecoder(encoding, isFatal) {
  if (encoding === 'windows-1252') return (bytes, flags) => native.decodeSingleByte(bytes, windows1252, flags);
  const { tableOf, multiByteDecoder } = require('lethe:legacy_encodings');
  const table = tableOf(encoding);
  if (table) return (bytes, flags) => native.decodeSingleByte(bytes, table, flags);
  const decode = multiByteDecoder(encoding, isFatal);
  return (bytes, flags) => decode(bytes, (flags & STREAM) !== 0);
}

// decode() of a TextDecoder, whatever a script has done to the method.
export let decodeText, encodingOf, isFatal, ignoresBOM;

export class TextDecoder {
  #encoding;
  #flags = 0;
  #decode; // of Unicode: (bytes, flags, state)
  #isUnicode;
  #state; // of a stream that has begun

  constructor(label = 'utf-8', options = {}) {
    const text = toDOMString(label, 'TextDecoder: the label');
    const encoding = usualLabels[text] ?? require('lethe:legacy_encodings').encodingOf(text);
    const { fatal, ignoreBOM } = toDictionary(options, 'TextDecoder: the second argument');
    if (encoding === undefined) throw new RangeError(`TextDecoder: there is no encoding '${text}'`);
    this.#encoding = encoding;
    if (fatal) this.#flags |= FATAL;
    if (ignoreBOM) this.#flags |= IGNORE_BOM;
    this.#isUnicode = unicodeDecoders[encoding] !== undefined;
    // Here rather than at the first use: one that a script makes when it is loaded costs no request anything.
    this.#decode = this.#isUnicode ? unicodeDecoders[encoding] : legacyDecoder(encoding, !!fatal);
  }
  get encoding() {
    return this.#encoding;
  }
  get fatal() {
    return (this.#flags & FATAL) !== 0;
  }
  get ignoreBOM() {
    return (this.#flags & IGNORE_BOM) !== 0;
  }
  decode(input = undefined, options = undefined) {
    this.#encoding; // an own error for other objects
    if (input !== undefined && !isBufferSource(input)) throw new TypeError('TextDecoder.decode: the first argument is neither a buffer nor a view on one');
    return this.#decodePart(input, options !== undefined && !!toDictionary(options, 'TextDecoder.decode: the second argument').stream);
  }

  #decodePart(input, isStream) {
    if (isStream && this.#isUnicode) this.#state ??= new Uint8Array(new ArrayBuffer(8));
    const text = this.#decode(input, isStream ? this.#flags | STREAM : this.#flags, this.#state);
    if (!isStream || text === undefined) this.#state = undefined;
    if (text === undefined) throw new TypeError(`TextDecoder: the bytes are not ${this.#encoding}`);
    return text;
  }
  static {
    decodeText = (decoder, input, isStream) => decoder.#decodePart(input, isStream);
    encodingOf = (decoder) => decoder.#encoding;
    isFatal = (decoder) => (decoder.#flags & FATAL) !== 0;
    ignoresBOM = (decoder) => (decoder.#flags & IGNORE_BOM) !== 0;
  }
}
asInterface(TextDecoder);
showAttributes(TextDecoder, 'encoding', 'fatal', 'ignoreBOM');

const counts = new Uint32Array(new ArrayBuffer(8)); // of the last encodeInto()

export class TextEncoder {
  #is;
  get encoding() {
    this.#is;
    return 'utf-8';
  }
  encode(input = '') {
    this.#is;
    return native.encodeUtf8(typeof input === 'string' ? input : toDOMString(input, 'TextEncoder.encode: the first argument'));
  }
  encodeInto(source, destination) {
    this.#is;
    requireArguments(arguments.length, 2, 'TextEncoder.encodeInto');
    const text = toDOMString(source, 'TextEncoder.encodeInto: the first argument');
    if (!isUint8Array(destination)) throw new TypeError('TextEncoder.encodeInto: the second argument is not a Uint8Array');
    native.encodeUtf8Into(text, destination, counts);
    return { read: counts[0], written: counts[1] };
  }
}
asInterface(TextEncoder);
showAttributes(TextEncoder, 'encoding');
