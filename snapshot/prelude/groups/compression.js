// SPDX-License-Identifier: Apache-2.0
// CompressionStream and DecompressionStream: https://compression.spec.whatwg.org
import native from 'lethe:native';
import { TransformStream } from 'lethe:streams';
import { isUnsharedBufferSource } from '../lib/buffer_source.js';
import { asInterface, requireArguments, toDOMString } from '../lib/webidl.js';

// zlib's windowBits.
const formats = { __proto__: null, deflate: 15, 'deflate-raw': -15, gzip: 31 };

// What native.runCodec() says in the first numbers of a codec.
const CONSUMED = 0;
const IS_ENDED = 1;
const IS_BROKEN = 2;
const HAS_MORE_INPUT = 3;

const nothing = new Uint8Array(0);

function makeStream(isDecompressor, name, count, format) {
  requireArguments(count, 1, name);
  const windowBits = formats[toDOMString(format, `${name}: the format`)];
  if (windowBits === undefined) throw new TypeError(`${name}: the format '${format}' is none of deflate, deflate-raw and gzip`);
  let codec = native.newCodec(isDecompressor, windowBits);
  let said = new Uint32Array(codec, 0, 4);

  function run(bytes, isLast, controller) {
    const pieces = []; // enqueue() can run a script that takes the chunk away: not before the chunk is done with
    let piece;
    let offset = 0;
    do {
      piece = native.runCodec(codec, bytes, offset, isLast);
      offset += said[CONSUMED];
      if (piece) pieces[pieces.length] = piece;
      if (said[IS_BROKEN]) throw new TypeError(`${name}: the data is not ${format}`);
    } while (!said[IS_ENDED] && (piece || said[HAS_MORE_INPUT]));
    const hasMoreInput = said[HAS_MORE_INPUT];
    for (let i = 0; i < pieces.length; ++i) controller.enqueue(pieces[i]);
    return hasMoreInput;
  }

  return new TransformStream({
    transform(chunk, controller) {
      if (!isUnsharedBufferSource(chunk)) throw new TypeError(`${name}: a chunk is neither an ArrayBuffer nor a view on one`);
      if (run(chunk, false, controller) && isDecompressor) throw new TypeError(`${name}: there is more after the end of the compressed data`);
    },
    flush(controller) {
      run(nothing, true, controller);
      const isComplete = said[IS_ENDED];
      codec = said = undefined; // its memory need not wait for the stream's end
      if (!isComplete) throw new TypeError(`${name}: the compressed data is cut off`);
    },
  });
}

export class CompressionStream {
  #stream;
  constructor(format) {
    this.#stream = makeStream(false, 'CompressionStream', arguments.length, format);
  }
  get readable() {
    return this.#stream.readable;
  }
  get writable() {
    return this.#stream.writable;
  }
}
asInterface(CompressionStream);

export class DecompressionStream {
  #stream;
  constructor(format) {
    this.#stream = makeStream(true, 'DecompressionStream', arguments.length, format);
  }
  get readable() {
    return this.#stream.readable;
  }
  get writable() {
    return this.#stream.writable;
  }
}
asInterface(DecompressionStream);
