// SPDX-License-Identifier: Apache-2.0
// Buffer for scripts with node_globals, as Node.js 20 has it: https://nodejs.org/docs/latest-v20.x/api/buffer.html
import native from 'lethe:native';
import { ascii, base64, base64url, encodingOf, hex, latin1, ucs2, utf8, wholeBytes } from '../lib/node/encodings.js';
import { indexOutOfRange, notText, outOfBounds, outOfRange, requireInteger, requireNumber, unknownEncoding, wrongSize, wrongType, wrongValue } from '../lib/node/errors.js';
import { numberMethods } from '../lib/node/numbers.js';

const mostBytes = 2 ** 32;
const bytesClasses = 'an instance of Buffer or Uint8Array';
const { isView } = ArrayBuffer;
const isAnyBuffer = (value) => !isView(value) && native.bufferKind(value) !== 0;
const isBytes = (value) => isView(value) && value instanceof Uint8Array;

const prototype = Object.create(Uint8Array.prototype);
const asBuffer = (bytes) => Object.setPrototypeOf(bytes, prototype);
const empty = () => asBuffer(new Uint8Array(0));

export function Buffer(value, encodingOrOffset, length) {
  if (typeof value !== 'number') return from(value, encodingOrOffset, length);
  if (typeof encodingOrOffset === 'string') throw wrongType('string', 'of type string', value);
  return alloc(value);
}
Object.setPrototypeOf(Buffer, Uint8Array);
Buffer.prototype = prototype;
const hidden = (value) => ({ value, writable: true, enumerable: false, configurable: true });
Object.defineProperty(prototype, 'constructor', hidden(Buffer));

// --- making ---------------------------------------------------------------------------------------------------

function requireEncoding(name) {
  const encoding = encodingOf(name);
  if (!encoding) throw unknownEncoding(name);
  return encoding;
}

const fromText = (text, encoding) => asBuffer((typeof encoding !== 'string' || encoding === '' ? utf8 : requireEncoding(encoding)).encode(text));

function fromArrayBuffer(buffer, byteOffset, length) {
  const offset = byteOffset === undefined || Number.isNaN(+byteOffset) ? 0 : +byteOffset;
  const most = buffer.byteLength - offset;
  if (most < 0) throw outOfBounds('offset');
  if (length === undefined) return asBuffer(new Uint8Array(buffer, offset, most));
  if (+length > most) throw outOfBounds('length');
  return asBuffer(new Uint8Array(buffer, offset, +length > 0 ? +length : 0));
}

function fromArrayLike(list) {
  const length = list.length > 0 ? Math.min(Math.trunc(list.length), mostBytes) : 0;
  const bytes = new Uint8Array(length);
  if (isBytes(list)) bytes.set(list);
  else for (let i = 0; i < length; ++i) bytes[i] = list[i];
  return asBuffer(bytes);
}

function fromObject(object, encodingOrOffset, length) {
  if (isAnyBuffer(object)) return fromArrayBuffer(object, encodingOrOffset, length);
  if (isView(object)) return object instanceof DataView ? empty() : fromArrayLike(object);
  const { valueOf } = object;
  const value = typeof valueOf === 'function' ? Reflect.apply(valueOf, object, []) : undefined;
  if (value !== null && value !== undefined && value !== object && (typeof value === 'string' || typeof value === 'object')) return from(value, encodingOrOffset, length);
  if (object.length !== undefined || isAnyBuffer(object.buffer)) return typeof object.length === 'number' ? fromArrayLike(object) : empty();
  if (object.type === 'Buffer' && Array.isArray(object.data)) return fromArrayLike(object.data);
  const convert = object[Symbol.toPrimitive]; // unbound: of what a script hands over
  const text = typeof convert === 'function' ? Reflect.apply(convert, object, ['string']) : undefined;
  return typeof text === 'string' ? fromText(text, encodingOrOffset) : undefined;
}

function from(value, encodingOrOffset, length) {
  if (typeof value === 'string') return fromText(value, encodingOrOffset);
  const made = typeof value === 'object' && value !== null ? fromObject(value, encodingOrOffset, length) : undefined;
  if (!made) throw wrongType('first argument', 'of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object', value);
  return made;
}

function sized(size) {
  requireNumber(size, 'size');
  if (!(size >= 0 && size <= mostBytes)) throw outOfRange('size', `>= 0 && <= ${mostBytes}`, size);
  return asBuffer(new Uint8Array(size));
}
function alloc(size, value, encoding) {
  const buffer = sized(size);
  return value === undefined || value === 0 || size === 0 ? buffer : fill(buffer, value, 0, buffer.length, encoding);
}

function requireBytes(value, name) {
  if (!isBytes(value)) throw wrongType(name, bytesClasses, value);
}

function compareRanges(one, other) {
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; ++i) if (one[i] !== other[i]) return one[i] < other[i] ? -1 : 1;
  return Math.sign(one.length - other.length);
}

const statics = {
  from,
  of(...values) {
    return fromArrayLike(values);
  },
  alloc,
  allocUnsafe: (size) => sized(size),
  allocUnsafeSlow: (size) => sized(size),
  byteLength(value, encoding) {
    if (typeof value === 'string') return value === '' ? 0 : ((encoding && encodingOf(encoding)) || utf8).lengthOf(value);
    if (isView(value) || isAnyBuffer(value)) return value.byteLength;
    throw wrongType('string', 'of type string or an instance of Buffer or ArrayBuffer', value);
  },
  compare(one, other) {
    requireBytes(one, 'buf1');
    requireBytes(other, 'buf2');
    return compareRanges(one, other);
  },
  concat(list, length) {
    if (!Array.isArray(list)) throw wrongType('list', 'an instance of Array', list);
    if (list.length === 0) return empty();
    let size = length;
    if (size !== undefined) requireInteger(size, 'length', 0, mostBytes);
    else {
      size = 0;
      for (let i = 0; i < list.length; ++i) {
        const part = list[i];
        if (!(part instanceof DataView) && part.length) size += part.length;
      }
    }
    const buffer = sized(size);
    let at = 0;
    for (let i = 0; i < list.length; ++i) {
      requireBytes(list[i], `list[${i}]`);
      at += copyBytes(list[i], buffer, at, 0, list[i].length);
    }
    return buffer;
  },
  copyBytesFrom(view, offset, length) {
    if (!isView(view) || view instanceof DataView) throw wrongType('view', 'an instance of TypedArray', view);
    if (offset !== undefined) requireInteger(offset, 'offset', 0, Number.MAX_SAFE_INTEGER);
    if (length !== undefined) requireInteger(length, 'length', 0, Number.MAX_SAFE_INTEGER);
    const width = view.length === 0 ? 1 : view.byteLength / view.length;
    const begin = Math.min((offset ?? 0) * width, view.byteLength);
    const end = length === undefined ? view.byteLength : Math.min(begin + length * width, view.byteLength);
    return fromArrayLike(new Uint8Array(view.buffer, view.byteOffset + begin, end - begin));
  },
  isBuffer: (value) => value instanceof Buffer, // unbound: what inherits from it, as there
  isEncoding: (encoding) => typeof encoding === 'string' && encoding !== '' && encodingOf(encoding) !== undefined,
};
for (const name of Object.keys(statics)) Object.defineProperty(Buffer, name, { ...hidden(statics[name]), enumerable: true });
Object.defineProperty(Buffer, 'name', { value: 'Buffer' }); // the bundle may call it otherwise
Object.defineProperty(Buffer, 'poolSize', { ...hidden(8192), enumerable: true });

// --- filling, copying, searching --------------------------------------------------------------------------------

function fill(buffer, value, offset, end, encoding) {
  let [begin, limit, name] = [offset, end, undefined];
  if (typeof value === 'string') {
    name = encoding;
    if (begin === undefined || typeof begin === 'string') [begin, limit, name] = [undefined, undefined, begin];
    else if (typeof limit === 'string') [limit, name] = [undefined, limit];
    if (name !== undefined && name !== null && name !== '' && typeof name !== 'string') throw wrongType('encoding', 'of type string', name);
  }
  const how = name ? requireEncoding(name) : utf8;
  if (begin === undefined) [begin, limit] = [0, buffer.length];
  else {
    requireInteger(begin, 'offset', 0, mostBytes);
    if (limit === undefined) limit = buffer.length;
    else requireInteger(limit, 'end', 0, buffer.length);
    if (begin >= limit) return buffer;
  }
  let bytes;
  if (typeof value === 'string') bytes = value === '' ? [0] : how.encode(value);
  else if (isView(value)) bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  else bytes = [+value & 255];
  if (bytes.length === 0) throw wrongValue('value', value);
  if (bytes.length === 1) for (let i = begin, [byte] = bytes; i < limit; ++i) buffer[i] = byte;
  else for (let i = begin; i < limit; ++i) buffer[i] = bytes[(i - begin) % bytes.length];
  return buffer;
}

// As many as there is room for; how many.
function copyBytes(source, target, at, begin, end) {
  const count = Math.min(end - begin, target.length - at, source.length - begin);
  if (count <= 0) return 0;
  bytesOf(target).set(bytesOf(source, begin, begin + count), at);
  return count;
}

function toWhole(value) {
  const number = +value;
  return number >= -Number.MAX_SAFE_INTEGER && number <= Number.MAX_SAFE_INTEGER ? Math.trunc(number) : 0;
}

function find(buffer, needle, isForward, width) {
  const last = buffer.length - needle.length;
  return (from) => {
    for (let at = isForward ? from : Math.min(from, last - (last % width)); isForward ? at <= last : at >= 0; at += isForward ? width : -width) {
      let i = 0;
      while (i < needle.length && buffer[at + i] === needle[i]) ++i;
      if (i === needle.length) return at;
    }
    return -1;
  };
}

// Where a search begins; -1: nowhere.
function searchedFrom(length, offset, needleLength, isForward) {
  if (offset < 0) return offset + length >= 0 ? offset + length : isForward || needleLength === 0 ? 0 : -1;
  if (offset + needleLength <= length) return offset;
  if (needleLength === 0) return length;
  return isForward ? -1 : length - 1;
}

function search(buffer, value, byteOffset, encoding, isForward) {
  requireBytes(buffer, 'buffer');
  let [offset, name] = typeof byteOffset === 'string' ? [undefined, byteOffset] : [byteOffset, encoding];
  offset = +offset;
  if (Number.isNaN(offset)) offset = isForward ? 0 : buffer.length;
  offset = Math.trunc(Math.max(-0x80000000, Math.min(offset, 0x7fffffff)));
  if (typeof value === 'number') {
    const from = searchedFrom(buffer.length, offset, 1, isForward);
    return from < 0 || buffer.length === 0 ? -1 : find(buffer, [value & 255], isForward, 1)(from);
  }
  const how = name === undefined ? utf8 : encodingOf(name);
  if (typeof value === 'string' && !how) throw unknownEncoding(name);
  if (typeof value !== 'string' && !isBytes(value)) throw wrongType('value', `one of type number or string or ${bytesClasses}`, value);
  const needle = typeof value === 'string' ? how.encode(value) : value;
  const from = searchedFrom(buffer.length, offset, needle.length, isForward);
  if (needle.length === 0) return from;
  if (from < 0 || buffer.length === 0 || needle.length > buffer.length || (isForward && from + needle.length > buffer.length)) return -1;
  const width = how === ucs2 ? 2 : 1;
  if (width === 2 && (buffer.length < 2 || needle.length < 2)) return -1;
  return find(buffer, needle, isForward, width)(from - (from % width));
}

function swap(buffer, width) {
  if (buffer.length % width !== 0) throw wrongSize(8 * width);
  for (let at = 0; at < buffer.length; at += width)
    for (let i = 0; i < width / 2; ++i) {
      const [one, other] = [at + i, at + width - 1 - i];
      [buffer[one], buffer[other]] = [buffer[other], buffer[one]];
    }
  return buffer;
}

// --- texts --------------------------------------------------------------------------------------------------------

function writeText(buffer, text, offset, length, encoding) {
  if (typeof text !== 'string') throw notText();
  const room = Math.min(length, buffer.length - offset);
  const bytes = encoding.encode(text);
  return copyBytes(bytes, buffer, offset, 0, wholeBytes(encoding, bytes, room));
}

function toPlace(value, length) {
  const offset = Math.trunc(+value) || 0;
  return offset < 0 ? Math.max(offset + length, 0) : Math.min(offset, length);
}
// The same memory, without the methods that a script may replace.
function bytesOf(buffer, start, end) {
  if (!isView(buffer)) throw new TypeError('this is not a Buffer');
  const begin = toPlace(start, buffer.length);
  const limit = end === undefined ? buffer.length : toPlace(end, buffer.length);
  return new Uint8Array(buffer.buffer, buffer.byteOffset + begin, Math.max(limit - begin, 0));
}

function toText(buffer, encoding, start, end) {
  const { length } = buffer;
  const begin = start > 0 ? (start >= length ? length : Math.trunc(start)) : 0;
  const limit = end === undefined || end > length ? length : Math.trunc(end) || 0;
  if (limit <= begin) return '';
  return (encoding === undefined ? utf8 : requireEncoding(encoding)).decode(bytesOf(buffer, begin, limit));
}

const methods = {
  ...numberMethods,
  toString(encoding = undefined, start = undefined, end = undefined) {
    return toText(this, encoding, start, end);
  },
  toLocaleString(encoding = undefined, start = undefined, end = undefined) {
    return toText(this, encoding, start, end);
  },
  toJSON() {
    const data = [];
    for (let i = 0; i < this.length; ++i) data.push(this[i]);
    return { type: 'Buffer', data };
  },
  equals(other) {
    requireBytes(other, 'otherBuffer');
    return this === other || (this.length === other.length && compareRanges(this, other) === 0);
  },
  compare(target, targetStart = undefined, targetEnd = undefined, sourceStart = undefined, sourceEnd = undefined) {
    requireBytes(target, 'target');
    const place = (value, name, most, otherwise) => {
      if (value === undefined) return otherwise;
      requireInteger(value, name, 0, most);
      return value;
    };
    const [from, to] = [place(targetStart, 'targetStart', mostBytes, 0), place(targetEnd, 'targetEnd', target.length, target.length)];
    const [begin, end] = [place(sourceStart, 'sourceStart', mostBytes, 0), place(sourceEnd, 'sourceEnd', this.length, this.length)];
    if (begin >= end) return from >= to ? 0 : -1;
    return from >= to ? 1 : compareRanges(bytesOf(this, begin, end), bytesOf(target, from, to));
  },
  indexOf(value, byteOffset = undefined, encoding = undefined) {
    return search(this, value, byteOffset, encoding, true);
  },
  lastIndexOf(value, byteOffset = undefined, encoding = undefined) {
    return search(this, value, byteOffset, encoding, false);
  },
  includes(value, byteOffset = undefined, encoding = undefined) {
    return search(this, value, byteOffset, encoding, true) !== -1;
  },
  fill(value, offset = undefined, end = undefined, encoding = undefined) {
    return fill(this, value, offset, end, encoding);
  },
  copy(target, targetStart = undefined, sourceStart = undefined, sourceEnd = undefined) {
    requireBytes(target, 'target');
    const at = targetStart === undefined ? 0 : toWhole(targetStart);
    if (at < 0) throw outOfRange('targetStart', '>= 0', at);
    const begin = sourceStart === undefined ? 0 : toWhole(sourceStart);
    if (begin < 0 || begin > this.length) throw outOfRange('sourceStart', `>= 0 && <= ${this.length}`, begin);
    const end = sourceEnd === undefined ? this.length : toWhole(sourceEnd);
    if (end < 0) throw outOfRange('sourceEnd', '>= 0', end);
    return at >= target.length || begin >= end ? 0 : copyBytes(this, target, at, begin, end);
  },
  write(text, offset = undefined, length = undefined, encoding = undefined) {
    if (offset === undefined) return writeText(this, text, 0, this.length, utf8);
    if (length === undefined && typeof offset === 'string') return writeText(this, text, 0, this.length, requireEncoding(offset || 'utf8'));
    requireInteger(offset, 'offset', 0, this.length);
    let [count, name] = typeof length === 'string' ? [undefined, length] : [length, encoding];
    if (count === undefined) count = this.length - offset;
    else requireInteger(count, 'length', 0, this.length);
    return writeText(this, text, offset, count, name ? requireEncoding(name) : utf8);
  },
  slice(start = undefined, end = undefined) {
    return asBuffer(bytesOf(this, start, end));
  },
  subarray(start = undefined, end = undefined) {
    return asBuffer(bytesOf(this, start, end));
  },
  swap16() {
    return swap(this, 2);
  },
  swap32() {
    return swap(this, 4);
  },
  swap64() {
    return swap(this, 8);
  },
  inspect() {
    const most = 50;
    let text = hex.decode(bytesOf(this, 0, most)).replace(/(..)(?!$)/g, '$1 ');
    const left = this.length - most;
    if (left > 0) text += ` ... ${left} more byte${left > 1 ? 's' : ''}`;
    return `<Buffer ${text}>`;
  },
};

// Those of Node.js's own, which some libraries call.
for (const [name, encoding] of [['ascii', ascii], ['base64', base64], ['base64url', base64url], ['hex', hex], ['latin1', latin1], ['ucs2', ucs2], ['utf8', utf8]]) {
  methods[`${name}Slice`] = {
    slice(start = 0, end = this.length) {
      const [begin, limit] = [Math.trunc(start) || 0, Math.trunc(end) || 0];
      if (begin < 0 || limit < 0 || Math.max(begin, limit) > this.length) throw indexOutOfRange();
      return encoding.decode(bytesOf(this, begin, Math.max(begin, limit)));
    },
  }.slice;
  methods[`${name}Write`] = {
    write(text, offset = 0, length = this.length - offset) {
      return writeText(this, text, offset, length, encoding);
    },
  }.write;
}

for (const name of Object.keys(methods)) {
  Object.defineProperty(methods[name], 'name', { value: name });
  Object.defineProperty(prototype, name, hidden(methods[name]));
}
Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), hidden(methods.inspect));
Object.defineProperty(prototype, 'parent', { get() { return isBytes(this) ? this.buffer : undefined; }, enumerable: true, configurable: true });
Object.defineProperty(prototype, 'offset', { get() { return isBytes(this) ? this.byteOffset : undefined; }, enumerable: true, configurable: true });
