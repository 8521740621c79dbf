// SPDX-License-Identifier: Apache-2.0
// Buffer's methods that read and write numbers, by name.
import { outOfBounds, outOfRange, requireNumber, wrongType } from './errors.js';

// A place that is not there; `most`: the last one that is.
function refuse(value, most, name = 'offset') {
  requireNumber(value, name);
  if (Math.floor(value) !== value) throw outOfRange(name, 'an integer', value);
  if (most < 0) throw outOfBounds();
  throw outOfRange(name, `>= ${name === 'offset' ? 0 : 1} and <= ${most}`, value);
}
function requirePlace(bytes, offset, width) {
  requireNumber(offset, 'offset');
  if (bytes[offset] === undefined || bytes[offset + width - 1] === undefined) refuse(offset, bytes.length - width);
}
function requireRange(value, width, isSigned) {
  const bits = 8 * width;
  const [least, beyond] = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1)] : [0, 2 ** bits];
  if (value >= beyond || value < least) throw outOfRange('value', width > 4 ? `>= ${isSigned ? `-(2 ** ${bits - 1})` : 0} and < 2 ** ${isSigned ? bits - 1 : bits}` : `>= ${least} and <= ${beyond - 1}`, value);
}

function readInteger(bytes, offset, width, isLittle, isSigned) {
  requirePlace(bytes, offset, width);
  let value = 0;
  for (let i = 0; i < width; ++i) value = value * 256 + bytes[isLittle ? offset + width - 1 - i : offset + i];
  return isSigned && value >= 2 ** (8 * width - 1) ? value - 2 ** (8 * width) : value;
}
function writeInteger(bytes, given, offset, width, isLittle, isSigned) {
  let value = +given;
  if (width === 1) requireNumber(offset, 'offset');
  requireRange(value, width, isSigned);
  requirePlace(bytes, offset, width);
  value = Math.trunc(value);
  for (let i = 0; i < width; ++i) {
    bytes[isLittle ? offset + i : offset + width - 1 - i] = value % 256;
    value = Math.floor(value / 256);
  }
  return offset + width;
}

const low = 0xffffffffn;
function readBig(bytes, offset, isLittle, isSigned) {
  requirePlace(bytes, offset, 8);
  const lower = readInteger(bytes, isLittle ? offset : offset + 4, 4, isLittle, false);
  const upper = readInteger(bytes, isLittle ? offset + 4 : offset, 4, isLittle, isSigned);
  return (BigInt(upper) << 32n) + BigInt(lower);
}
function writeBig(bytes, value, offset, isLittle, isSigned) {
  if (isSigned ? value >= 2n ** 63n || value < -(2n ** 63n) : value >= 2n ** 64n || value < 0n)
    throw outOfRange('value', isSigned ? '>= -(2n ** 63n) and < 2n ** 63n' : '>= 0n and < 2n ** 64n', value);
  requirePlace(bytes, offset, 8);
  writeInteger(bytes, Number(value & low), isLittle ? offset : offset + 4, 4, isLittle, false);
  writeInteger(bytes, Number((value >> 32n) & low), isLittle ? offset + 4 : offset, 4, isLittle, false);
  return offset + 8;
}

const scratch = new DataView(new ArrayBuffer(8));
function readFloat(bytes, offset, width, isLittle) {
  requirePlace(bytes, offset, width);
  for (let i = 0; i < width; ++i) scratch.setUint8(i, bytes[offset + i]);
  return width === 4 ? scratch.getFloat32(0, isLittle) : scratch.getFloat64(0, isLittle);
}
function writeFloat(bytes, given, offset, width, isLittle) {
  const value = +given;
  requirePlace(bytes, offset, width);
  if (width === 4) scratch.setFloat32(0, value, isLittle);
  else scratch.setFloat64(0, value, isLittle);
  for (let i = 0; i < width; ++i) bytes[offset + i] = scratch.getUint8(i);
  return offset + width;
}

// A width that the caller gives, of 1 to 6.
function requireWidth(width) {
  if (!(width === 1 || width === 2 || width === 3 || width === 4 || width === 5 || width === 6)) refuse(width, 6, 'byteLength');
}

export const numberMethods = { __proto__: null };
function add(kind, read, write) {
  numberMethods[`read${kind}`] = {
    read(offset = 0) {
      return read(this, offset);
    },
  }.read;
  numberMethods[`write${kind}`] = {
    write(value, offset = 0) {
      return write(this, value, offset);
    },
  }.write;
}
function addSized(kind, isLittle, isSigned) {
  numberMethods[`read${kind}`] = {
    read(offset, byteLength) {
      if (offset === undefined) throw wrongType('offset', 'of type number', offset);
      requireWidth(byteLength);
      return readInteger(this, offset, byteLength, isLittle, isSigned);
    },
  }.read;
  numberMethods[`write${kind}`] = {
    write(value, offset, byteLength) {
      requireWidth(byteLength);
      return writeInteger(this, value, offset, byteLength, isLittle, isSigned);
    },
  }.write;
}

for (const [order, isLittle] of [['LE', true], ['BE', false]]) {
  for (const [sign, isSigned] of [['Int', true], ['UInt', false]]) {
    for (const width of [2, 4])
      add(`${sign}${8 * width}${order}`, (bytes, offset) => readInteger(bytes, offset, width, isLittle, isSigned),
        (bytes, value, offset) => writeInteger(bytes, value, offset, width, isLittle, isSigned));
    add(`Big${sign}64${order}`, (bytes, offset) => readBig(bytes, offset, isLittle, isSigned), (bytes, value, offset) => writeBig(bytes, value, offset, isLittle, isSigned));
    addSized(`${sign}${order}`, isLittle, isSigned);
  }
  for (const [kind, width] of [['Float', 4], ['Double', 8]])
    add(`${kind}${order}`, (bytes, offset) => readFloat(bytes, offset, width, isLittle), (bytes, value, offset) => writeFloat(bytes, value, offset, width, isLittle));
}
for (const [sign, isSigned] of [['Int', true], ['UInt', false]])
  add(`${sign}8`, (bytes, offset) => readInteger(bytes, offset, 1, true, isSigned), (bytes, value, offset) => writeInteger(bytes, value, offset, 1, true, isSigned));
// Each is there by a second name.
for (const name of Object.keys(numberMethods)) if (name.includes('UInt')) numberMethods[name.replace('UInt', 'Uint')] = numberMethods[name];
