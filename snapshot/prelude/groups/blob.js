// SPDX-License-Identifier: Apache-2.0
// Blob and File: https://w3c.github.io/FileAPI/
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { concatenate, copyBytes, decodeText, encodeText, isBufferSource } from '../lib/bytes.js';
import { asInterface, isObject, iterated, requireArguments, toDictionary, toDOMString, toInteger, toUSVString } from '../lib/webidl.js';

const chunkBytes = 65536;
const ours = Symbol('ours');
let bytesOf, typeOf, namesOf, isBlob, isFile;

const toType = (value) => {
  const type = value === undefined ? '' : `${value}`;
  return /[^ -~]/.test(type) ? '' : type.toLowerCase();
};

// sequence<BlobPart>, still as given
function toParts(parts) {
  const list = [];
  for (const part of iterated(parts, 'Blob: the first argument')) list.push(isBufferSource(part) || isBlob(part) ? part : toUSVString(part));
  return list;
}

function toBytes(part, endings) {
  if (typeof part === 'string') return encodeText(endings === 'native' ? part.replace(/\r\n?/g, '\n') : part);
  return isBlob(part) ? bytesOf(part) : copyBytes(part);
}

// The members in the order in which Web IDL reads them.
function toOptions(options, where) {
  const dictionary = toDictionary(options, where);
  const { endings: given } = dictionary;
  const endings = given === undefined ? 'transparent' : toDOMString(given, `${where}: endings`);
  if (endings !== 'transparent' && endings !== 'native') throw new TypeError(`${where}: endings is neither "transparent" nor "native"`);
  return { endings, type: toType(dictionary.type) };
}

export class Blob {
  #bytes;
  #type;

  constructor(blobParts = [], options = {}) {
    if (blobParts === ours) {
      this.#bytes = options.bytes;
      this.#type = options.type;
      return;
    }
    const parts = toParts(blobParts);
    const { endings, type } = toOptions(options, 'Blob: the options');
    this.#bytes = concatenate(parts.map((part) => toBytes(part, endings)));
    this.#type = type;
  }

  get size() {
    return this.#bytes.length;
  }
  get type() {
    return this.#type;
  }
  slice(start = 0, end = this.#bytes.length, contentType = '') {
    const size = this.#bytes.length;
    const clamp = (value) => toInteger(value, 64, { signed: true, clamp: true });
    const [from, to] = [clamp(start), end === undefined ? size : clamp(end)];
    const at = (offset) => (offset < 0 ? Math.max(size + offset, 0) : Math.min(offset, size));
    const begin = at(from);
    return new Blob(ours, { bytes: this.#bytes.subarray(begin, Math.max(at(to), begin)), type: toType(contentType) });
  }
  stream() {
    const bytes = this.#bytes;
    const { endBytes, enqueueBytes, ReadableStream } = require('lethe:streams');
    let at = 0;
    return new ReadableStream({
      type: 'bytes',
      pull(controller) {
        if (at < bytes.length) {
          enqueueBytes(controller, bytes.slice(at, at + chunkBytes));
          at += chunkBytes;
        }
        if (at >= bytes.length) endBytes(controller);
      },
    });
  }
  async text() {
    return decodeText(this.#bytes);
  }
  async arrayBuffer() {
    return this.#bytes.slice().buffer;
  }
  async bytes() {
    return this.#bytes.slice();
  }

  static {
    isBlob = (value) => isObject(value) && #bytes in value;
    bytesOf = (blob) => blob.#bytes;
    typeOf = (blob) => blob.#type;
  }
}
asInterface(Blob, 'Blob');
showAttributes(Blob, 'size', 'type');

export class File extends Blob {
  #name;
  #lastModified;
  constructor(fileBits, fileName, options = {}) {
    requireArguments(arguments.length, 2, 'File');
    if (fileBits === ours) {
      super(ours, options);
      this.#name = fileName;
      this.#lastModified = options.lastModified;
      return;
    }
    const name = isObject(fileBits) ? toUSVString(fileName, 'File: the name') : '';
    super(fileBits, options);
    this.#name = name;
    const { lastModified } = toDictionary(options);
    this.#lastModified = lastModified === undefined ? Date.now() : toInteger(lastModified, 64, { signed: true });
  }
  get name() {
    return this.#name;
  }
  get lastModified() {
    return this.#lastModified;
  }
  get webkitRelativePath() {
    this.#name;
    return '';
  }
  static {
    isFile = (value) => isObject(value) && #name in value;
    namesOf = (file) => [file.#name, file.#lastModified];
  }
}
asInterface(File, 'File');
showAttributes(File, 'size', 'type', 'name', 'lastModified');

// Bytes become the blob's own.
export const makeBlob = (bytes, type) => new Blob(ours, { bytes, type });
export const makeFile = (bytes, name, type, lastModified = Date.now()) => new File(ours, name, { bytes, type, lastModified });
// structuredClone: the bytes never change.
native.setPlatform(Blob.prototype, (value) => (isBlob(value) ? makeBlob(bytesOf(value), typeOf(value)) : undefined));
native.setPlatform(File.prototype, (value) => {
  if (!isFile(value)) return undefined;
  const [name, lastModified] = namesOf(value);
  return makeFile(bytesOf(value), name, typeOf(value), lastModified);
});
export { bytesOf as blobBytes, typeOf as blobType, isBlob, isFile, namesOf as fileNames };
