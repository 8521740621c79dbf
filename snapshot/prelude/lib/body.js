// SPDX-License-Identifier: Apache-2.0
// Bodies of requests and responses: https://fetch.spec.whatwg.org/#bodies. As long as nobody asks for the
// stream, a body is just its bytes.
import { blobBytes, blobType, isBlob, makeBlob } from 'lethe:blob';
import { headerValue } from 'lethe:headers';
import { decodeMultipart, decodeUrlEncoded, encodeMultipart, isFormData } from 'lethe:form_data';
import { concatenate, copyBytes, decodeText, encodeText, isBufferSource } from './bytes.js';
import { extractMimeType, serializeMimeType } from './mime.js';
import { isObject, toUSVString } from './webidl.js';

const streams = () => require('lethe:streams');
const isStream = (value) => isObject(value) && value instanceof streams().ReadableStream;
// Not `instanceof`, which asks for the group of URLs.
const isSearchParams = (value) => isObject(value) && Object.prototype.toString.call(value) === '[object URLSearchParams]';

// Where a body comes from. Once that is aborted, nothing is read from it any more, nor from its clones.
export class Source {
  isAborted = false;
  reason = undefined;
  #actions = [];

  whenAborted(action) {
    if (this.isAborted) action(this.reason);
    else this.#actions.push(action);
  }
  abort(reason) {
    this.isAborted = true;
    this.reason = reason;
    for (const action of this.#actions.splice(0)) action(reason);
  }
}

export class Body {
  source = null; // of a response that fetch has given
  bytes = null; // until they are read; null with a stream
  stream = null;
  isUsed = false;
  isStreamGiven = false; // by the script

  constructor(bytes, stream = null) {
    this.bytes = bytes;
    this.stream = stream;
    this.isStreamGiven = stream !== null;
  }
  get isDisturbed() {
    return this.stream ? this.isUsed || streams().isReadableStreamDisturbed(this.stream) : this.isUsed;
  }
  get isUnusable() {
    return this.isDisturbed || (this.stream !== null && streams().isLocked(this.stream));
  }

  // What the attribute `body` gives.
  asStream() {
    if (this.stream) return this.stream;
    const { bytes, source } = this;
    const { cancelStream, endBytes, enqueueBytes, failBytes, getReader, ReadableStream } = streams();
    this.stream = new ReadableStream({
      type: 'bytes',
      start(controller) {
        if (source && bytes && bytes.length > 0) source.whenAborted((reason) => failBytes(controller, reason));
      },
      pull(controller) {
        if (bytes && bytes.length > 0) enqueueBytes(controller, bytes.slice());
        endBytes(controller);
      },
    });
    if (this.isUsed) {
      // Whoever has read it holds it for ever.
      cancelStream(this.stream);
      getReader(this.stream);
    }
    this.bytes = null;
    return this.stream;
  }

  async readAll() {
    if (!this.stream) {
      const { bytes, source } = this;
      this.isUsed = true;
      this.bytes = null;
      if (source?.isAborted && bytes.length > 0) throw source.reason;
      return bytes;
    }
    this.isUsed = true;
    const { cancelReader, getReader, readFrom } = streams();
    const reader = getReader(this.stream);
    const parts = [];
    for (;;) {
      const { done, value } = await readFrom(reader);
      if (done) return concatenate(parts);
      if (!(value instanceof Uint8Array)) {
        const error = new TypeError('The body\'s stream gave a chunk that is not a Uint8Array');
        await cancelReader(reader, error).catch(() => {});
        throw error;
      }
      parts.push(value);
    }
  }

  clone() {
    if (!this.stream) {
      const body = new Body(this.bytes);
      body.source = this.source;
      return body;
    }
    const [first, second] = streams().teeWithCopies(this.stream);
    this.stream = first;
    return new Body(null, second);
  }

  // All of it goes to a body of another object: this one has been used, and its stream stays what it was.
  handOver() {
    const body = this.stream ? new Body(null, streams().throughIdentity(this.stream)) : new Body(this.bytes);
    this.bytes = null;
    this.isUsed = true;
    return body;
  }
}

// https://fetch.spec.whatwg.org/#concept-bodyinit-extract: {body, type}
export function extractBody(object) {
  if (isBlob(object)) return { body: new Body(blobBytes(object)), type: blobType(object) || null };
  if (isBufferSource(object)) return { body: new Body(copyBytes(object)), type: null };
  if (isFormData(object)) {
    const { bytes, boundary } = encodeMultipart(object);
    return { body: new Body(bytes), type: `multipart/form-data; boundary=${boundary}` };
  }
  if (isSearchParams(object)) return { body: new Body(encodeText(`${object}`)), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  if (isStream(object)) {
    if (streams().isLocked(object) || streams().isReadableStreamDisturbed(object)) throw new TypeError('The body\'s stream is locked, or has been read from');
    return { body: new Body(null, object), type: null };
  }
  return { body: new Body(encodeText(toUSVString(object))), type: 'text/plain;charset=UTF-8' };
}

// Adds what Request and Response have in common. `stateOf(object)` gives {body, headers}, and throws a TypeError
// for an object of another class.
export function mixInBody(Class, stateOf) {
  const consume = async (object, convert) => {
    const { body, headers } = stateOf(object);
    if (body?.isUnusable) throw new TypeError('The body has been read already, or its stream is locked');
    const bytes = body ? await body.readAll() : new Uint8Array(0);
    return convert(bytes, () => extractMimeType(headerValue(headers, 'content-type')));
  };
  const members = {
    get body() {
      return stateOf(this).body?.asStream() ?? null;
    },
    get bodyUsed() {
      return stateOf(this).body?.isDisturbed ?? false;
    },
    arrayBuffer() {
      return consume(this, (bytes) => bytes.slice().buffer);
    },
    blob() {
      return consume(this, (bytes, mimeType) => {
        const type = mimeType();
        return makeBlob(bytes.slice(), type ? serializeMimeType(type) : '');
      });
    },
    bytes() {
      return consume(this, (bytes) => bytes.slice());
    },
    formData() {
      return consume(this, (bytes, mimeType) => {
        const type = mimeType();
        if (type?.essence === 'multipart/form-data') return decodeMultipart(bytes, type.parameters.get('boundary') ?? '');
        if (type?.essence === 'application/x-www-form-urlencoded') return decodeUrlEncoded(bytes);
        throw new TypeError('The Content-Type is not one of a form');
      });
    },
    json() {
      return consume(this, (bytes) => JSON.parse(decodeText(bytes)));
    },
    text() {
      return consume(this, (bytes) => decodeText(bytes));
    },
  };
  Object.defineProperties(Class.prototype, Object.getOwnPropertyDescriptors(members));
}
