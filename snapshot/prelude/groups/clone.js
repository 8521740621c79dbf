// SPDX-License-Identifier: Apache-2.0
// structuredClone: https://html.spec.whatwg.org/multipage/structured-data.html#dom-structuredclone
import native from 'lethe:native';
import { DOMException } from 'lethe:dom_exception';
import { isObject, requireArguments, toDictionary } from '../lib/webidl.js';

const { keys } = Object;
const errorPrototypes = [EvalError.prototype, URIError.prototype];

function refuse(message) {
  throw new DOMException(`structuredClone: ${message}`, 'DataCloneError');
}

function toTransferList(value) {
  if (value === undefined) return [];
  if (!isObject(value) || typeof value[Symbol.iterator] !== 'function') throw new TypeError('structuredClone: transfer is not iterable');
  const list = [...value];
  for (let i = 0; i < list.length; ++i) if (!isObject(list[i])) throw new TypeError('structuredClone: transfer has an element that is not an object');
  return list;
}

export const { structuredClone } = {
  structuredClone(value, options = {}) {
    requireArguments(arguments.length, 1, 'structuredClone');
    const list = toTransferList(toDictionary(options, 'structuredClone: the second argument').transfer);
    return native.clone(value, list, refuse, keys, errorPrototypes);
  },
};
