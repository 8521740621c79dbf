// SPDX-License-Identifier: Apache-2.0
// Headers: https://fetch.spec.whatwg.org/#headers-class. No header's name is forbidden: a request goes to the
// client, which decides what it sends.
import { showFields } from 'lethe:shown';
import { makePairIterable } from '../lib/pair_iterable.js';
import { asInterface, isObject, iterated, requireArguments, toDOMString } from '../lib/webidl.js';

const ours = Symbol('ours');
const token = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;
let listOf, makeImmutable, isHeaders, sorted, append;

function toByteString(value, where) {
  const text = toDOMString(value, where);
  if (/[^\0-\xff]/.test(text)) throw new TypeError(`${where} has a character beyond U+00FF`);
  return text;
}
const normalize = (value) => value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');

function checkName(name, where) {
  if (!token.test(name)) throw new TypeError(`${where}: "${name}" is not a header's name`);
}
function checkValue(value, where) {
  if (/[\0\r\n]/.test(value)) throw new TypeError(`${where}: the value has a NUL or a line break`);
}

// https://webidl.spec.whatwg.org/#js-union of (sequence<sequence<ByteString>> or record<ByteString, ByteString>)
function pairsOf(init, where) {
  if (!isObject(init)) throw new TypeError(`${where}: the argument is neither a sequence nor a record`);
  if (isHeaders(init)) return sorted(init);
  const iterate = init[Symbol.iterator]; // unbound: the script's, so Web IDL has it
  if (iterate === undefined || iterate === null) {
    const pairs = [];
    for (const key of Reflect.ownKeys(init)) {
      const property = Reflect.getOwnPropertyDescriptor(init, key);
      if (!property?.enumerable) continue;
      pairs.push([toByteString(key, `${where}: a name`), toByteString(init[key], `${where}: a value`)]);
    }
    return pairs;
  }
  if (typeof iterate !== 'function') throw new TypeError(`${where}: the argument is not iterable`);
  const pairs = [];
  for (const item of { [Symbol.iterator]: () => Reflect.apply(iterate, init, []) }) {
    const pair = [...iterated(item, `${where}: an item`)].map((part) => toByteString(part, where));
    if (pair.length !== 2) throw new TypeError(`${where}: an item is not a pair`);
    pairs.push(pair);
  }
  return pairs;
}

export class Headers {
  #list = []; // [name, value], the name as it was given
  #immutable = false;
  #sorted = null;

  constructor(init = undefined) {
    if (init === ours) return;
    if (init !== undefined) for (const [name, value] of pairsOf(init, 'Headers')) this.#append(name, value, 'Headers');
  }

  append(name, value) {
    this.#list;
    requireArguments(arguments.length, 2, 'Headers.append');
    this.#append(toByteString(name, 'Headers.append: the name'), toByteString(value, 'Headers.append: the value'), 'Headers.append');
  }
  delete(name) {
    const list = this.#list;
    requireArguments(arguments.length, 1, 'Headers.delete');
    const key = this.#key(name, 'Headers.delete');
    this.#check('Headers.delete');
    this.#change(list.filter(([other]) => other.toLowerCase() !== key));
  }
  get(name) {
    const list = this.#list;
    requireArguments(arguments.length, 1, 'Headers.get');
    const key = this.#key(name, 'Headers.get');
    const values = list.filter(([other]) => other.toLowerCase() === key).map(([, value]) => value);
    return values.length > 0 ? values.join(', ') : null;
  }
  getSetCookie() {
    return this.#list.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value);
  }
  has(name) {
    const list = this.#list;
    requireArguments(arguments.length, 1, 'Headers.has');
    const key = this.#key(name, 'Headers.has');
    return list.some(([other]) => other.toLowerCase() === key);
  }
  set(name, value) {
    const list = this.#list;
    requireArguments(arguments.length, 2, 'Headers.set');
    const text = toByteString(name, 'Headers.set: the name');
    const normalized = normalize(toByteString(value, 'Headers.set: the value'));
    checkName(text, 'Headers.set');
    checkValue(normalized, 'Headers.set');
    this.#check('Headers.set');
    const key = text.toLowerCase();
    const first = list.findIndex(([other]) => other.toLowerCase() === key);
    const kept = list.filter(([other], i) => i === first || other.toLowerCase() !== key);
    if (first < 0) kept.push([text, normalized]);
    else kept[first] = [kept[first][0], normalized];
    this.#change(kept);
  }

  #key(name, where) {
    const text = toByteString(name, `${where}: the name`);
    checkName(text, where);
    return text.toLowerCase();
  }
  #check(where) {
    if (this.#immutable) throw new TypeError(`${where}: these headers are immutable`);
  }
  #change(list) {
    this.#list = list;
    this.#sorted = null;
  }
  #append(name, value, where) {
    const normalized = normalize(value);
    checkName(name, where);
    checkValue(normalized, where);
    this.#check(where);
    this.#change([...this.#list, [name, normalized]]);
  }

  static {
    append = (headers, name, value) => headers.#append(name, value, 'Headers.append');
    isHeaders = (value) => isObject(value) && #list in value;
    listOf = (headers) => headers.#list;
    makeImmutable = (headers) => {
      headers.#immutable = true;
      return headers;
    };
    // https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine
    sorted = (headers) => {
      if (headers.#sorted) return headers.#sorted;
      const combined = new Map();
      for (const [name, value] of headers.#list) {
        const key = name.toLowerCase();
        if (!combined.has(key)) combined.set(key, []);
        combined.get(key).push(value);
      }
      const pairs = [];
      for (const key of [...combined.keys()].sort()) {
        if (key === 'set-cookie') for (const value of combined.get(key)) pairs.push([key, value]);
        else pairs.push([key, combined.get(key).join(', ')]);
      }
      headers.#sorted = pairs;
      return pairs;
    };
  }
}
makePairIterable(Headers, 'Headers', (headers) => sorted(headers));
asInterface(Headers, 'Headers');
showFields(Headers, (headers) => {
  const shown = new Map(); // lower case → [the first name as it was given, value]
  for (const [name, value] of listOf(headers)) {
    const key = name.toLowerCase();
    const entry = shown.get(key);
    if (entry) entry[1] += `, ${value}`;
    else shown.set(key, [name, value]);
  }
  return [...shown.values()];
});
Object.defineProperty(Headers, 'length', { value: 0 });

export const makeHeaders = (list) => {
  const headers = new Headers(ours);
  for (const [name, value] of list) append(headers, toByteString(name, 'Headers: a name'), toByteString(value, 'Headers: a value'));
  return headers;
};
// The combined value of a name in lower case; null if there is none.
export function headerValue(headers, name) {
  const values = listOf(headers).filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}
export { append as appendHeader, isHeaders, listOf as headerList, makeImmutable, token };
