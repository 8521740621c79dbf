// SPDX-License-Identifier: Apache-2.0
// CompressionStream and DecompressionStream: https://compression.spec.whatwg.org
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { enqueueIn, readableOf, TransformStream, writableOf } from 'lethe:streams';
import { isUnsharedBufferSource } from '../lib/buffer_source.js';
import { asInterface, requireArguments, toDOMString } from '../lib/webidl.js';

// zlib's windowBits.
const formats = { __proto__: null, deflate: 15, 'deflate-raw': -15, gzip: 31 };

// Of what native.runCodec() says first.
const IS_ENDED = 1;
const IS_BROKEN = 2;
const HAS_MORE_INPUT = 4;

function makeStream(isDecompressor, name, count, format) {
  requireArguments(count, 1, name);
  const windowBits = formats[toDOMString(format, `${name}: the format`)];
  if (windowBits === undefined) throw new TypeError(`${name}: the format '${format}' is none of deflate, deflate-raw and gzip`);
  const codec = native.newCodec(isDecompressor, windowBits);

  // The flags. enqueue() can run a script that takes the bytes away: not before all of them are done with.
  function run(bytes, isLast, controller) {
    const said = native.runCodec(codec, bytes, isLast);
    if (said[0] & IS_BROKEN) throw new TypeError(`${name}: the data is not ${format}`);
    for (let i = 1; i < said.length; ++i) enqueueIn(controller, said[i]);
    return said[0];
  }

  return new TransformStream({
    transform(chunk, controller) {
      if (!isUnsharedBufferSource(chunk)) throw new TypeError(`${name}: a chunk is neither an ArrayBuffer nor a view on one`);
      if (run(chunk, false, controller) & HAS_MORE_INPUT && isDecompressor) throw new TypeError(`${name}: there is more after the end of the compressed data`);
    },
    flush(controller) {
      if (!(run(undefined, true, controller) & IS_ENDED)) throw new TypeError(`${name}: the compressed data is cut off`);
    },
  });
}

export class CompressionStream {
  #stream;
  constructor(format) {
    this.#stream = makeStream(false, 'CompressionStream', arguments.length, format);
  }
  get readable() {
    return readableOf(this.#stream);
  }
  get writable() {
    return writableOf(this.#stream);
  }
}
asInterface(CompressionStream);
showAttributes(CompressionStream, 'readable', 'writable');

export class DecompressionStream {
  #stream;
  constructor(format) {
    this.#stream = makeStream(true, 'DecompressionStream', arguments.length, format);
  }
  get readable() {
    return readableOf(this.#stream);
  }
  get writable() {
    return writableOf(this.#stream);
  }
}
asInterface(DecompressionStream);
showAttributes(DecompressionStream, 'readable', 'writable');
