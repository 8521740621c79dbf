// SPDX-License-Identifier: Apache-2.0
// TextEncoderStream and TextDecoderStream: https://encoding.spec.whatwg.org/#interface-textencoderstream
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { enqueueIn, readableOf, TransformStream, writableOf } from 'lethe:streams';
import { TextDecoder, decodeText, encodingOf, ignoresBOM, isFatal } from 'lethe:text';
import { asInterface, toDOMString } from '../lib/webidl.js';
import { isBufferSource } from '../lib/buffer_source.js';

export class TextDecoderStream {
  #decoder;
  #stream;
  constructor(label = 'utf-8', options = {}) {
    const decoder = new TextDecoder(label, options);
    this.#decoder = decoder;
    this.#stream = new TransformStream({
      transform(chunk, controller) {
        if (!isBufferSource(chunk)) throw new TypeError('TextDecoderStream: a chunk is neither a buffer nor a view on one');
        const text = decodeText(decoder, chunk, true);
        if (text !== '') enqueueIn(controller, text);
      },
      flush(controller) {
        const text = decodeText(decoder, undefined, false);
        if (text !== '') enqueueIn(controller, text);
      },
    });
  }
  get encoding() {
    return encodingOf(this.#decoder);
  }
  get fatal() {
    return isFatal(this.#decoder);
  }
  get ignoreBOM() {
    return ignoresBOM(this.#decoder);
  }
  get readable() {
    return readableOf(this.#stream);
  }
  get writable() {
    return writableOf(this.#stream);
  }
}
asInterface(TextDecoderStream);
showAttributes(TextDecoderStream, 'encoding', 'fatal', 'ignoreBOM', 'readable', 'writable');

export class TextEncoderStream {
  #stream;
  constructor() {
    let lead = ''; // a surrogate whose other half may come with the next chunk
    this.#stream = new TransformStream({
      transform(chunk, controller) {
        let text = lead + toDOMString(chunk, 'TextEncoderStream: a chunk');
        const last = text.charCodeAt(text.length - 1);
        lead = last >= 0xd800 && last <= 0xdbff ? text[text.length - 1] : '';
        if (lead !== '') text = text.slice(0, -1);
        if (text !== '') enqueueIn(controller, native.encodeUtf8(text));
      },
      flush(controller) {
        if (lead !== '') enqueueIn(controller, native.encodeUtf8(lead));
      },
    });
  }
  get encoding() {
    this.#stream;
    return 'utf-8';
  }
  get readable() {
    return readableOf(this.#stream);
  }
  get writable() {
    return writableOf(this.#stream);
  }
}
asInterface(TextEncoderStream);
showAttributes(TextEncoderStream, 'encoding', 'readable', 'writable');
