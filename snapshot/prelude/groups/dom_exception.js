// SPDX-License-Identifier: Apache-2.0
// DOMException: https://webidl.spec.whatwg.org/#idl-DOMException. Its instances are true errors of V8's, so
// that they have a stack and arrive at the client as errors.
import native from 'lethe:native';
import { asInterface, defineConstants, toDictionary, toDOMString, toDouble } from '../lib/webidl.js';

const { setPrototypeOf, defineProperty } = Object;
const { captureStackTrace } = Error;

const codes = {
  IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5, NoModificationAllowedError: 7,
  NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10, InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13,
  NamespaceError: 14, InvalidAccessError: 15, TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20,
  URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
};

// Private fields on an error that was made elsewhere.
class Given {
  constructor(object) {
    return object;
  }
}
class State extends Given {
  #name;
  #message;
  constructor(error, name, message) {
    super(error);
    error.#name = name;
    error.#message = message;
  }
  static name(error) {
    return error.#name;
  }
  static message(error) {
    return error.#message;
  }
  static is(value) {
    return typeof value === 'object' && value !== null && #name in value;
  }
}

export class DOMException {
  constructor(message = '', options = 'Error') {
    message = toDOMString(message, 'DOMException: the message');
    let name = options;
    let cause;
    let hasCause = false;
    if (typeof options === 'object' && options !== null) {
      const dictionary = toDictionary(options);
      hasCause = 'cause' in dictionary;
      if (hasCause) cause = dictionary.cause;
      name = dictionary.name === undefined ? 'Error' : dictionary.name;
    }
    name = toDOMString(name, 'DOMException: the name');
    const error = new Error();
    delete error.message;
    setPrototypeOf(error, new.target.prototype);
    new State(error, name, message);
    captureStackTrace(error, new.target);
    if (hasCause) defineProperty(error, 'cause', { value: cause, writable: true, enumerable: false, configurable: true });
    return error;
  }
  get name() {
    return State.name(this);
  }
  get message() {
    return State.message(this);
  }
  get code() {
    return codes[State.name(this)] ?? 0;
  }
}
setPrototypeOf(DOMException.prototype, Error.prototype);
setPrototypeOf(codes, null);
asInterface(DOMException, 'DOMException');
defineConstants(DOMException, {
  INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4, INVALID_CHARACTER_ERR: 5,
  NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8, NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10,
  INVALID_STATE_ERR: 11, SYNTAX_ERR: 12, INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15, VALIDATION_ERR: 16,
  TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21, QUOTA_EXCEEDED_ERR: 22,
  TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,
});

const withStackOf = (error, copy) =>
  defineProperty(copy, 'stack', { value: error.stack, writable: true, enumerable: false, configurable: true });

native.setPlatform(DOMException.prototype, (value) =>
  State.is(value) ? withStackOf(value, new DOMException(State.message(value), State.name(value))) : undefined);

function amount(value, member) {
  if (value === undefined) return null;
  const number = toDouble(value, `QuotaExceededError: the member ${member}`);
  if (number < 0) throw new RangeError(`QuotaExceededError: the member ${member} is negative`);
  return number;
}

// https://webidl.spec.whatwg.org/#quotaexceedederror
export class QuotaExceededError extends DOMException {
  #quota;
  #requested;

  constructor(message = '', options = undefined) {
    super(message, 'QuotaExceededError');
    const dictionary = toDictionary(options, 'QuotaExceededError: the second argument');
    this.#quota = amount(dictionary.quota, 'quota');
    this.#requested = amount(dictionary.requested, 'requested');
    if (this.#quota !== null && this.#requested !== null && this.#requested < this.#quota)
      throw new RangeError('QuotaExceededError: less was requested than the quota');
  }
  get quota() {
    return this.#quota;
  }
  get requested() {
    return this.#requested;
  }
  static copy(error) {
    if (!(#quota in error)) return undefined;
    return new QuotaExceededError(State.message(error), { quota: error.#quota ?? undefined, requested: error.#requested ?? undefined });
  }
}
const { copy: copyQuotaExceededError } = QuotaExceededError;
delete QuotaExceededError.copy;
asInterface(QuotaExceededError, 'QuotaExceededError');
native.setPlatform(QuotaExceededError.prototype, (value) => {
  const copy = copyQuotaExceededError(value);
  return copy && withStackOf(value, copy);
});

export const isDOMException = State.is;
