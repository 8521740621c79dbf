// SPDX-License-Identifier: Apache-2.0
// The errors of the Web Cryptography API.
import { DOMException } from 'lethe:dom_exception';

const make = (name) => (message) => new DOMException(message, name);

export const dataError = make('DataError');
export const invalidAccessError = make('InvalidAccessError');
export const notSupportedError = make('NotSupportedError');
export const operationError = make('OperationError');
export const syntaxError = make('SyntaxError');
export const typeMismatchError = make('TypeMismatchError');

// What a native function could not compute.
export function computed(result, message) {
  if (result === undefined) throw operationError(message);
  return result;
}
