// SPDX-License-Identifier: Apache-2.0
// FileReader: https://w3c.github.io/FileAPI/#APIASynch, and ProgressEvent: https://xhr.spec.whatwg.org/#progressevent
import native from 'lethe:native';
import { blobBytes, blobType, isBlob } from 'lethe:blob';
import { DOMException } from 'lethe:dom_exception';
import { defineHandlers, dispatchTrusted, Event, EventTarget } from 'lethe:events';
import { decodeText, TextDecoder } from 'lethe:text';
import { asLatin1 } from '../lib/bytes.js';
import { parseMimeType } from '../lib/mime.js';
import { asInterface, defineConstants, requireArguments, toDictionary, toDOMString, toDouble } from '../lib/webidl.js';

export class ProgressEvent extends Event {
  #lengthComputable;
  #loaded;
  #total;
  constructor(type, eventInitDict = {}) {
    requireArguments(arguments.length, 1, 'ProgressEvent');
    super(type, eventInitDict);
    const { lengthComputable = false, loaded = 0, total = 0 } = toDictionary(eventInitDict);
    this.#lengthComputable = !!lengthComputable;
    this.#loaded = toDouble(loaded, 'ProgressEvent: loaded');
    this.#total = toDouble(total, 'ProgressEvent: total');
  }
  get lengthComputable() {
    return this.#lengthComputable;
  }
  get loaded() {
    return this.#loaded;
  }
  get total() {
    return this.#total;
  }
}
asInterface(ProgressEvent, 'ProgressEvent');

function decoderFor(label) {
  try {
    return label === undefined ? undefined : new TextDecoder(label);
  } catch {
    return undefined; // no such encoding
  }
}

// A byte order mark says more than what was asked for, and that more than the blob's type.
function toText(bytes, label, type) {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 'utf-8'
    : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be'
      : bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : undefined;
  const decoder = decoderFor(marked) ?? decoderFor(label) ?? decoderFor(parseMimeType(type)?.parameters.get('charset')) ?? new TextDecoder();
  return decodeText(decoder, bytes);
}

const [EMPTY, LOADING, DONE] = [0, 1, 2];

export class FileReader extends EventTarget {
  #state = EMPTY;
  #result = null;
  #reading = null; // what distinguishes one reading from a later one

  constructor() {
    super();
  }

  #fire(type, loaded, total) {
    dispatchTrusted(this, new ProgressEvent(type, { lengthComputable: total > 0, loaded, total }));
  }

  // Each event is a task of its own, unless the reading was given up meanwhile.
  #follow(reading, [step, ...others]) {
    native.setImmediateTask(() => {
      if (this.#reading !== reading) return;
      step();
      if (this.#reading === reading && others.length > 0) this.#follow(reading, others);
    }, []);
  }

  #read(name, count, blob, convert) {
    requireArguments(count, 1, `FileReader.${name}`);
    if (!isBlob(blob)) throw new TypeError(`FileReader.${name}: the first argument is not a Blob`);
    if (this.#state === LOADING) throw new DOMException(`FileReader.${name}: something is being read`, 'InvalidStateError');
    this.#state = LOADING;
    this.#result = null;
    const bytes = blobBytes(blob);
    const { length } = bytes;
    const reading = (this.#reading = {});
    const fire = (type, loaded = length) => () => this.#fire(type, loaded, length);
    const load = () => {
      this.#state = DONE;
      this.#result = convert(bytes, blobType(blob));
      this.#fire('load', length, length);
    };
    this.#follow(reading, [fire('loadstart', 0), ...(length > 0 ? [fire('progress')] : []), load, fire('loadend')]);
  }

  get readyState() {
    return this.#state;
  }
  get result() {
    return this.#result;
  }
  get error() {
    this.#state;
    return null; // what is in memory can be read
  }
  readAsArrayBuffer(blob) {
    this.#read('readAsArrayBuffer', arguments.length, blob, (bytes) => bytes.slice().buffer);
  }
  readAsBinaryString(blob) {
    this.#read('readAsBinaryString', arguments.length, blob, asLatin1);
  }
  readAsText(blob, encoding = undefined) {
    const label = encoding === undefined ? undefined : toDOMString(encoding, 'FileReader.readAsText: the encoding');
    this.#read('readAsText', arguments.length, blob, (bytes, type) => toText(bytes, label, type));
  }
  readAsDataURL(blob) {
    this.#read('readAsDataURL', arguments.length, blob, (bytes, type) =>
      `data:${type || 'application/octet-stream'};base64,${native.encodeBase64(asLatin1(bytes))}`);
  }
  abort() {
    const wasLoading = this.#state === LOADING;
    this.#result = null;
    if (!wasLoading) return;
    this.#state = DONE;
    this.#reading = null;
    this.#fire('abort', 0, 0);
    if (this.#state !== LOADING) this.#fire('loadend', 0, 0);
  }
}
defineHandlers(FileReader, 'loadstart', 'progress', 'load', 'abort', 'error', 'loadend');
asInterface(FileReader, 'FileReader');
defineConstants(FileReader, { EMPTY, LOADING, DONE });
