// SPDX-License-Identifier: Apache-2.0
// Messages come unframed, in pieces or several at once: this finds where each of them ends, and reads each head once.
//
// It also keeps from msgpackr what that doesn't read as Lethe means it: extensions other than dates, some of which change how it
// reads later messages; nesting that would exhaust its stack; and texts that begin with U+FEFF, which a TextDecoder drops as a
// mark of byte order.

const MAX_NESTING = 2000; // the daemon's is 256 unless it is configured so
const TIMESTAMP = 0xff;
const DECODED_FROM = 65; // bytes; shorter texts msgpackr reads without a TextDecoder

// Bytes of a head, by its first byte from 0xc0 on; 0: there is no such value.
const HEADS = [
  1, 0, 1, 1, 2, 3, 5, 3, 4, 6, 5, 9, 2, 3, 5, 9, // nil, -, false, true, bin, ext, float, uint
  2, 3, 5, 9, 2, 2, 2, 2, 2, 2, 3, 5, 3, 5, 3, 5, // int, fixext, str, array, map
];

/** What is not MessagePack; after it nothing can be understood. */
export class NotMessagePack extends Error {}

export class Framer {
  constructor() {
    this.begin(0);
  }

  /** Of the next message, which begins there. */
  begin(position) {
    this.position = position; // of the next head
    this.left = [1]; // values to come in each container that it is in
    this.unreadable = undefined; // why msgpackr is not to read the message
    this.marked = []; // positions of texts that begin with U+FEFF
  }

  /** What was at `distance` is at 0 from now on. */
  move(distance) {
    this.position -= distance;
    this.marked = this.marked.map((position) => position - distance);
  }

  /** Whether the message is there as a whole: then it ends at `position`. Of `bytes` only those before `end` have come. */
  complete(bytes, end) {
    const { left } = this;
    while (left.length > 0) {
      if (this.position >= end) return false;
      const items = this.head(bytes, end);
      if (items < 0) return false;
      left[left.length - 1] -= 1;
      if (items > 0) left.push(items);
      while (left.length > 0 && left[left.length - 1] === 0) left.pop();
      if (left.length > MAX_NESTING) this.unreadable = `it is nested deeper than ${MAX_NESTING} levels`;
    }
    return this.position <= end;
  }

  /** Goes past one head, and what belongs to it but the values of a container, whose number it returns. -1: it has not come. */
  head(bytes, end) {
    const at = this.position;
    const first = bytes[at];
    if (first < 0x80 || first >= 0xe0) return this.pass(1, 0);
    if (first < 0x90) return this.pass(1, 2 * (first - 0x80));
    if (first < 0xa0) return this.pass(1, first - 0x90);
    if (first < 0xc0) return this.pass(1 + first - 0xa0, 0);
    const size = HEADS[first - 0xc0];
    if (size === 0) throw new NotMessagePack(`a byte ${first}`);
    if (at + size > end) return -1;
    switch (first) {
      case 0xc4: case 0xc5: case 0xc6: // bin
        return this.pass(size + uint(bytes, at + 1, size - 1), 0);
      case 0xc7: case 0xc8: case 0xc9: // ext
        return this.extension(bytes[at + size - 1], size + uint(bytes, at + 1, size - 2));
      case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: // fixext
        return this.extension(bytes[at + 1], size + 2 ** (first - 0xd4));
      case 0xd9: case 0xda: case 0xdb: // str
        return this.text(bytes, end, size, uint(bytes, at + 1, size - 1));
      case 0xdc: case 0xdd: // array
        return this.pass(size, uint(bytes, at + 1, size - 1));
      case 0xde: case 0xdf: // map
        return this.pass(size, 2 * uint(bytes, at + 1, size - 1));
      default:
        return this.pass(size, 0);
    }
  }

  pass(size, items) {
    this.position += size;
    return items;
  }

  extension(type, size) {
    if (type !== TIMESTAMP) this.unreadable = `it has an extension of type ${(type << 24) >> 24}`;
    return this.pass(size, 0);
  }

  text(bytes, end, size, length) {
    if (length >= DECODED_FROM) {
      const begin = this.position + size;
      if (begin + 3 > end) return -1;
      if (bytes[begin] === 0xef && bytes[begin + 1] === 0xbb && bytes[begin + 2] === 0xbf) this.marked.push(this.position);
    }
    return this.pass(size + length, 0);
  }
}

function uint(bytes, at, size) {
  if (size === 1) return bytes[at];
  if (size === 2) return bytes[at] * 0x100 + bytes[at + 1];
  return bytes[at] * 0x1000000 + bytes[at + 1] * 0x10000 + bytes[at + 2] * 0x100 + bytes[at + 3];
}

/** The message with each marked text's mark twice, so that one of them stays. */
export function doubleMarks(bytes, start, end, marked) {
  const parts = [];
  let taken = start;
  for (const position of marked) {
    const size = HEADS[bytes[position] - 0xc0];
    const length = 3 + uint(bytes, position + 1, size - 1);
    parts.push(bytes.subarray(taken, position), [0xdb, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff]);
    parts.push([0xef, 0xbb, 0xbf]);
    taken = position + size;
  }
  parts.push(bytes.subarray(taken, end));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
