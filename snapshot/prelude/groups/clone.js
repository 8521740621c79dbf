// SPDX-License-Identifier: Apache-2.0
// structuredClone: https://html.spec.whatwg.org/multipage/structured-data.html#dom-structuredclone
import native from 'lethe:native';
import { DOMException } from 'lethe:dom_exception';
import { isObject, iterated, requireArguments, toDictionary } from '../lib/webidl.js';

const { keys } = Object;
const errorPrototypes = [EvalError.prototype, URIError.prototype];

// Of MessagePort, whose group needs this one: {is(value), transfer(ports, clone)}.
let portFunctions;
export function setPorts(functions) {
  portFunctions = functions;
}

export function refuse(message) {
  throw new DOMException(`structuredClone: ${message}`, 'DataCloneError');
}

export function toTransferList(value) {
  if (value === undefined) return [];
  const list = [...iterated(value, 'structuredClone: transfer')];
  for (let i = 0; i < list.length; ++i) if (!isObject(list[i])) throw new TypeError('structuredClone: transfer has an element that is not an object');
  return list;
}

// [the clone, the ports that were transferred]
export function cloneWith(value, list) {
  const clone = (buffers) => native.clone(value, buffers, refuse, keys, errorPrototypes);
  if (!portFunctions) return [clone(list), []];
  const ports = list.filter(portFunctions.is);
  return portFunctions.transfer(ports, () => clone(ports.length === 0 ? list : list.filter((item) => !portFunctions.is(item))));
}

export const { structuredClone } = {
  structuredClone(value, options = {}) {
    requireArguments(arguments.length, 1, 'structuredClone');
    const list = toTransferList(toDictionary(options, 'structuredClone: the second argument').transfer);
    return cloneWith(value, list)[0];
  },
};
