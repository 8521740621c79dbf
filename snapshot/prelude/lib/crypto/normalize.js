// SPDX-License-Identifier: Apache-2.0
// Normalizing an algorithm: https://w3c.github.io/webcrypto/#algorithm-normalization. An algorithm is an
// object {name, OPERATION: {parameters, run}, …}; `parameters` are those of its dictionary: [name, how it is
// converted, whether it must be there], in the order in which Web IDL reads them.
import { isObject, toDOMString, toInteger } from '../webidl.js';
import { copyOf, toBufferSource, typedArrayName } from './bytes.js';
import { notSupportedError } from './errors.js';
import { toCryptoKey } from './key.js';

// --- how members are converted -------------------------------------------------------------------

const integer = (bits) => (value, where) => toInteger(value, bits, { enforce: true, where });
export const octet = integer(8);
export const unsignedShort = integer(16);
export const unsignedLong = integer(32);
export const string = toDOMString;
export const cryptoKey = toCryptoKey;
export const bytes = toBufferSource; // copied once all is converted
export const hash = (value, where) => (isObject(value) ? value : toDOMString(value, where)); // then normalized

export function bigInteger(value, where) {
  if (typedArrayName(value) !== 'Uint8Array') throw new TypeError(`${where} is not a Uint8Array`);
  return copyOf(value);
}

export const required = (name, convert) => [name, convert, true];
export const optional = (name, convert) => [name, convert, false];

// --- the registry --------------------------------------------------------------------------------

const registry = new Map();

export function register(...algorithms) {
  for (const algorithm of algorithms) registry.set(algorithm.name.toUpperCase(), algorithm);
}

const asciiUppercase = (text) => text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
export const operationOf = (name, operation) => registry.get(asciiUppercase(name))?.[operation];

// [the algorithm's parameters with its name, what does the operation]
export function normalize(identifier, operation) {
  const source = isObject(identifier) ? identifier : { name: identifier };
  const given = source.name;
  if (given === undefined) throw new TypeError('The algorithm has no member "name"');
  const wanted = toDOMString(given, 'The member "name" of the algorithm');
  const algorithm = registry.get(asciiUppercase(wanted));
  const found = algorithm?.[operation];
  if (!found) throw notSupportedError(`The algorithm "${wanted}" is not supported for ${operation}`);
  const normalized = { __proto__: null, name: algorithm.name };
  for (const [name, convert, isRequired] of found.parameters) {
    const value = source[name];
    if (value !== undefined) normalized[name] = convert(value, `The member "${name}" of the algorithm`);
    else if (isRequired) throw new TypeError(`The algorithm has no member "${name}", which ${algorithm.name} needs`);
  }
  for (const [name, convert] of found.parameters) {
    if (normalized[name] === undefined) continue;
    if (convert === bytes) normalized[name] = copyOf(normalized[name]);
    else if (convert === hash) normalized[name] = normalize(normalized[name], 'digest')[0].name;
  }
  return [normalized, found.run];
}
