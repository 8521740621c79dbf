// SPDX-License-Identifier: Apache-2.0
// The little of ASN.1's DER that keys are made of: SubjectPublicKeyInfo (RFC 5280) and PrivateKeyInfo
// (RFC 5208). Object identifiers are the hexadecimal digits of their contents.
import { dataError } from './errors.js';

export const INTEGER = 0x02;
const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;
const CONTEXT = 0xa0; // [n] EXPLICIT, constructed

export class DerReader {
  #bytes;
  #at = 0;
  #what;

  constructor(bytes, what) {
    this.#bytes = bytes;
    this.#what = what;
  }
  #fail() {
    return dataError(`The key data are not a ${this.#what} in DER`);
  }
  get atEnd() {
    return this.#at === this.#bytes.length;
  }
  end() {
    if (!this.atEnd) throw this.#fail();
  }
  is(tag) {
    return this.#bytes[this.#at] === tag;
  }
  // The contents of the next element, which must have this tag.
  take(tag) {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== tag) throw this.#fail();
    let length = bytes[this.#at + 1];
    let start = this.#at + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      const least = count === 1 ? 0x80 : 2 ** (8 * (count - 1));
      length = 0;
      if (count === 0 || count > 4) throw this.#fail();
      for (let i = 0; i < count; ++i) length = length * 256 + bytes[start++];
      if (!(length >= least)) throw this.#fail();
    }
    if (!(start + length <= bytes.length)) throw this.#fail();
    this.#at = start + length;
    return bytes.subarray(start, this.#at);
  }
  takeAny() {
    return this.take(this.#bytes[this.#at]);
  }
  sequence() {
    return new DerReader(this.take(SEQUENCE), this.#what);
  }
  // An element within [n], or undefined if there is none.
  optional(n) {
    return this.is(CONTEXT + n) ? new DerReader(this.take(CONTEXT + n), this.#what) : undefined;
  }
  // Of a number that is not negative.
  unsigned() {
    const bytes = this.take(INTEGER);
    if (bytes.length === 0 || bytes[0] >= 0x80 || (bytes.length > 1 && bytes[0] === 0 && bytes[1] < 0x80)) throw this.#fail();
    return bytes.length > 1 && bytes[0] === 0 ? bytes.slice(1) : bytes.slice();
  }
  version(most) {
    const bytes = this.unsigned();
    if (bytes.length !== 1 || bytes[0] > most) throw this.#fail();
    return bytes[0];
  }
  identifier() {
    return Array.from(this.take(OBJECT_IDENTIFIER), (byte) => (byte < 16 ? '0' : '') + byte.toString(16)).join('');
  }
  octets() {
    return this.take(OCTET_STRING).slice();
  }
  // Of whole bytes.
  bits() {
    const bytes = this.take(BIT_STRING);
    if (bytes.length === 0 || bytes[0] !== 0) throw this.#fail();
    return bytes.slice(1);
  }
}

// AlgorithmIdentifier; `curve` is the identifier that its parameters are, if they are one.
function readAlgorithm(reader) {
  const sequence = reader.sequence();
  const identifier = sequence.identifier();
  const hasParameters = !sequence.atEnd;
  let curve;
  if (sequence.is(OBJECT_IDENTIFIER)) curve = sequence.identifier();
  else if (hasParameters) sequence.takeAny();
  sequence.end();
  return { identifier, curve, hasParameters };
}

// {identifier, curve, hasParameters, key}
export function readSpki(bytes) {
  const outer = new DerReader(bytes, 'SubjectPublicKeyInfo');
  const info = outer.sequence();
  outer.end();
  const algorithm = readAlgorithm(info);
  const key = info.bits();
  info.end();
  return { ...algorithm, key };
}

export function readPkcs8(bytes) {
  const outer = new DerReader(bytes, 'PrivateKeyInfo');
  const info = outer.sequence();
  outer.end();
  info.version(1);
  const algorithm = readAlgorithm(info);
  const key = info.octets();
  if (info.is(CONTEXT)) info.take(CONTEXT); // attributes
  if (info.is(0x81)) info.take(0x81); // the public key, which RFC 5958 adds
  info.end();
  return { ...algorithm, key };
}

export function element(tag, ...parts) {
  let length = 0;
  for (const part of parts) length += part.length;
  const head = [tag];
  if (length < 0x80) head.push(length);
  else if (length < 0x100) head.push(0x81, length);
  else if (length < 0x10000) head.push(0x82, length >> 8, length & 255);
  else head.push(0x83, length >> 16, (length >> 8) & 255, length & 255);
  const result = new Uint8Array(head.length + length);
  result.set(head);
  let at = head.length;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

export const sequence = (...parts) => element(SEQUENCE, ...parts);
export const explicit = (n, ...parts) => element(CONTEXT + n, ...parts);
export const bits = (bytes) => element(BIT_STRING, [0], bytes);
export const octets = (bytes) => element(OCTET_STRING, bytes);
export const nothing = () => element(NULL);
export const unsigned = (bytes) => (bytes[0] >= 0x80 ? element(INTEGER, [0], bytes) : element(INTEGER, bytes));

function identifier(digits) {
  const bytes = [];
  for (let i = 0; i < digits.length; i += 2) bytes.push(parseInt(digits.slice(i, i + 2), 16));
  return element(OBJECT_IDENTIFIER, bytes);
}

// `parameters`: an identifier, null for NULL, undefined for none.
function writeAlgorithm(name, parameters) {
  if (parameters === undefined) return sequence(identifier(name));
  return sequence(identifier(name), parameters === null ? nothing() : identifier(parameters));
}

export const writeSpki = (name, parameters, key) => sequence(writeAlgorithm(name, parameters), bits(key));
export const writePkcs8 = (name, parameters, key) => sequence(unsigned([0]), writeAlgorithm(name, parameters), octets(key));
