// SPDX-License-Identifier: Apache-2.0
// JavaScript's values as MessagePack and back, by the table of values in daemon/DESIGN.md; README.md has it for users.
//
// The codec is msgpackr: of those that npm has, the one that reads and writes Maps with keys of any type, and integers of 64 bits
// as BigInt. What it does otherwise than Lethe is put right before it (plain) and after it (settled), and what it would take for
// one of its extensions does not reach it (framing.js). By this path it is JavaScript alone, whatever add-on is installed.
import { types } from 'node:util';

import { addExtension, Packr } from 'msgpackr/pack';

import { InvalidValue } from './errors.js';

export const MAX_DEPTH = 256; // the daemon closes a connection that sends what is nested more deeply, unless it is configured so

const codec = new Packr({
  useRecords: false, // which no other library knows
  mapsAsObjects: false, // settled() makes the objects
  variableMapSize: true, // for more than 65,535 keys
  encodeUndefinedAsNil: true,
  copyBuffers: true, // what is read stays, where it came from is used again
  useToJSON: false, // plain() has called it
});

/** msgpackr writes -0 as 0; what an extension packs it takes as it is. */
class NegativeZero {}
const NEGATIVE_ZERO = new NegativeZero();
addExtension({
  Class: NegativeZero,
  type: 256, // which no extension has that is read
  pack(_, allocate) {
    const { target, position } = allocate(9);
    target.fill(0, position, position + 9).set([0xcb, 0x80], position);
  },
});

/** As MessagePack, of what plain() has seen. */
export function pack(value) {
  return codec.pack(value);
}

export function unpack(bytes, start, end) {
  return codec.unpack(bytes, { start, end });
}

const MARKED = pack(`\ufeff${'x'.repeat(70)}`);

/** Whether a mark of byte order at the beginning of a text gets lost. Where another package has loaded msgpackr's add-on, it stays. */
export function dropsMarks() {
  return unpack(MARKED, 0, MARKED.length).length === 70;
}

/** The value, or a copy of those parts of it that msgpackr would write otherwise than Lethe. Throws InvalidValue. */
export function plain(value, maxDepth = MAX_DEPTH) {
  const walk = new Walk(maxDepth);
  try {
    return walk.plain(value);
  } catch (error) {
    if (error !== walk) throw error;
  }
  throw new InvalidValue(walk.refusal, { path: walk.place });
}

class Walk {
  constructor(maxDepth) {
    this.maxDepth = maxDepth;
    this.refusal = undefined;
    this.path = []; // of keys, to where it is
    this.above = []; // the containers on it
  }

  plain(value) {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? NEGATIVE_ZERO : value;
      case 'bigint':
        if (BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value) {
          this.refuse("a BigInt beyond 64 bits can't be sent: give String(value), and take it as BigInt(text) in the script");
        }
        return value;
      case 'object':
        return value === null ? null : this.object(value);
      case 'function':
        return this.refuse("a function can't be sent: let scripts call it, by host()");
      case 'symbol':
        return this.refuse("a symbol can't be sent: give its description");
      default:
        return value;
    }
  }

  object(value) {
    if (ArrayBuffer.isView(value)) {
      return value instanceof Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    }
    if (types.isDate(value)) {
      if (Number.isNaN(value.getTime())) this.refuse("an invalid Date can't be sent");
      return value instanceof Date ? value : new Date(value.getTime());
    }
    if (typeof value.toJSON === 'function') {
      const json = value.toJSON();
      if (json !== value) return this.plain(json);
    }
    if (Array.isArray(value)) return this.inside(value, this.array);
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.inside(value, this.record);
    if (types.isMap(value)) return this.inside(value, this.map);
    if (types.isSet(value)) return this.inside([...value], this.array, value);
    if (types.isAnyArrayBuffer(value)) return new Uint8Array(value);
    if (types.isBoxedPrimitive(value)) return this.plain(value.valueOf());
    if (types.isNativeError(value)) {
      const { name, message, stack, cause } = value;
      return this.inside({ name, message, stack, cause }, this.record, value);
    }
    if (types.isPromise(value)) this.refuse("a promise can't be sent: await it");
    return this.inside({ ...value }, this.record, value);
  }

  /** `parts` is what is written of the container: mostly itself. */
  inside(parts, write, container = parts) {
    if (this.above.length >= this.maxDepth) {
      const repeated = this.above.indexOf(container);
      if (repeated >= 0) this.path.length = this.above.indexOf(container, repeated + 1) < 0 ? this.path.length : repeated;
      this.refuse(repeated >= 0 ? 'the value contains itself' : `the value is nested deeper than ${this.maxDepth} levels`);
    }
    this.above.push(container);
    const written = write.call(this, parts);
    this.above.pop();
    return written;
  }

  member(key, value) {
    this.path.push(key);
    const written = this.plain(value);
    this.path.pop();
    return written;
  }

  array(items) {
    let copy;
    for (let index = 0; index < items.length; index += 1) {
      const written = this.member(index, items[index]);
      if (!Object.is(written, items[index])) (copy ??= items.slice())[index] = written;
    }
    return copy ?? items;
  }

  /** What is undefined is left out, as scripts' own results have it. */
  record(object) {
    let copy;
    for (const key of Object.keys(object)) {
      const value = object[key];
      const written = this.member(key, value);
      if (written === undefined) delete (copy ??= { ...object })[key];
      else if (!Object.is(written, value)) set((copy ??= { ...object }), key, written);
    }
    return copy ?? object;
  }

  map(map) {
    let same = map.constructor === Map; // as what is derived from it msgpackr takes for an object
    const written = new Map();
    for (const [key, value] of map) {
      const [newKey, newValue] = [this.member(key, key), this.member(key, value)];
      written.set(newKey, newValue);
      same &&= Object.is(newKey, key) && Object.is(newValue, value);
    }
    return same ? map : written;
  }

  refuse(message) {
    this.refusal = message;
    throw this; // the error itself is made where its stack still has the program that sends it
  }

  get place() {
    return ['$', ...this.path.map((key) => (typeof key === 'string' ? `.${key}` : `[${String(key)}]`))].join('');
  }
}

/** What unpack() has given as the values that Lethe means: objects of maps whose keys are all strings, Numbers of what fits. */
export function settled(value) {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item = value[index];
      if (typeof item === 'object' || typeof item === 'bigint') value[index] = settled(item);
    }
    return value;
  }
  return value instanceof Map ? settledMap(value) : value;
}

function settledMap(map) {
  for (const key of map.keys()) {
    if (typeof key !== 'string') return new Map(Array.from(map, ([each, value]) => [settled(each), settled(value)]));
  }
  const object = {};
  for (const [key, value] of map) set(object, key, settled(value));
  return object;
}

/** A script chooses the keys: "__proto__" is one like others. */
function set(object, key, value) {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}
