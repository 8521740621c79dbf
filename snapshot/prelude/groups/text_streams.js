// SPDX-License-Identifier: Apache-2.0
// TextEncoderStream and TextDecoderStream: https://encoding.spec.whatwg.org/#interface-textencoderstream
import native from 'lethe:native';
import { TransformStream } from 'lethe:streams';
import { TextDecoder, decodeText } from 'lethe:text';
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
        if (text !== '') controller.enqueue(text);
      },
      flush(controller) {
        const text = decodeText(decoder, undefined, false);
        if (text !== '') controller.enqueue(text);
      },
    });
  }
  get encoding() {
    return this.#decoder.encoding;
  }
  get fatal() {
    return this.#decoder.fatal;
  }
  get ignoreBOM() {
    return this.#decoder.ignoreBOM;
  }
  get readable() {
    return this.#stream.readable;
  }
  get writable() {
    return this.#stream.writable;
  }
}
asInterface(TextDecoderStream);

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
        if (text !== '') controller.enqueue(native.encodeUtf8(text));
      },
      flush(controller) {
        if (lead !== '') controller.enqueue(native.encodeUtf8(lead));
      },
    });
  }
  get encoding() {
    this.#stream;
    return 'utf-8';
  }
  get readable() {
    return this.#stream.readable;
  }
  get writable() {
    return this.#stream.writable;
  }
}
asInterface(TextEncoderStream);
