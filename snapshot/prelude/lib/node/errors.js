// SPDX-License-Identifier: Apache-2.0
// Errors with the codes of Node.js, by which libraries tell them apart.

function received(value) {
  if (value === null || value === undefined) return `${value}`;
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value !== 'object') return `type ${typeof value} (${typeof value === 'string' ? `'${value}'` : typeof value === 'symbol' ? value.toString() : value})`;
  const Class = value.constructor;
  return typeof Class === 'function' && Class.name ? `an instance of ${Class.name}` : 'an object';
}

function withCode(error, code) {
  Object.defineProperty(error, 'code', { value: code, writable: true, enumerable: true, configurable: true });
  return error;
}

// What it must be: "of type number", "an instance of Buffer or Uint8Array".
export const wrongType = (name, wanted, value) =>
  withCode(new TypeError(`The ${name.endsWith('argument') ? name : `"${name}" argument`} must be ${wanted}. Received ${received(value)}`), 'ERR_INVALID_ARG_TYPE');
export const outOfRange = (name, range, value) =>
  withCode(new RangeError(`The value of "${name}" is out of range. It must be ${range}. Received ${typeof value === 'bigint' ? `${value}n` : value}`), 'ERR_OUT_OF_RANGE');
export const wrongValue = (name, value) => withCode(new TypeError(`The argument '${name}' is invalid. Received ${typeof value === 'string' ? `'${value}'` : 'an empty one'}`), 'ERR_INVALID_ARG_VALUE');
export const unknownEncoding = (encoding) => withCode(new TypeError(`Unknown encoding: ${encoding}`), 'ERR_UNKNOWN_ENCODING');
export const outOfBounds = (name) =>
  withCode(new RangeError(name ? `"${name}" is outside of buffer bounds` : 'Attempt to access memory outside buffer bounds'), 'ERR_BUFFER_OUT_OF_BOUNDS');
export const wrongSize = (bits) => withCode(new RangeError(`Buffer size must be a multiple of ${bits}-bits`), 'ERR_INVALID_BUFFER_SIZE');
export const indexOutOfRange = () => withCode(new RangeError('Index out of range'), 'ERR_OUT_OF_RANGE');
export const notText = () => withCode(new TypeError('argument must be a string'), 'ERR_INVALID_ARG_TYPE');

export function requireNumber(value, name) {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value);
}
export function requireInteger(value, name, least, most) {
  requireNumber(value, name);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < least || value > most) throw outOfRange(name, `>= ${least} && <= ${most}`, value);
}
