// SPDX-License-Identifier: Apache-2.0
'use strict';
const deepEqual = require('./deep_equal.cjs');
const { inspect } = letheNode;

const operators = {
  strictEqual: 'Expected values to be strictly equal:', deepStrictEqual: 'Expected values to be strictly deep-equal:', equal: 'Expected values to be equal:',
  deepEqual: 'Expected values to be loosely deep-equal:', notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:', notEqual: 'Expected "actual" to be loosely unequal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
};

class AssertionError extends Error {
  constructor({ message, actual, expected, operator, stackStartFn }) {
    const shown = operator?.startsWith('not') ? inspect(expected) : `${inspect(actual)} !== ${inspect(expected)}`;
    super(message ?? (operators[operator] ? `${operators[operator]}\n\n${shown}\n` : `${inspect(actual)} ${operator} ${inspect(expected)}`));
    this.generatedMessage = message === undefined;
    Object.assign(this, { code: 'ERR_ASSERTION', actual, expected, operator });
    Error.captureStackTrace?.(this, stackStartFn);
  }
  get name() {
    return 'AssertionError';
  }
  set name(name) {
    Object.defineProperty(this, 'name', { value: name, writable: true, configurable: true });
  }
}

function check(isRight, message, details) {
  if (isRight) return;
  throw message instanceof Error ? message : new AssertionError({ message, ...details });
}

function ok(...args) {
  const [value, message = args.length === 0 ? 'No value argument passed to `assert.ok()`' : undefined] = args;
  check(value, message, { actual: value, expected: true, operator: '==', stackStartFn: ok });
}
const assert = (...args) => ok(...args);

function compare(operator, isRight) {
  assert[operator] = (actual, expected, message) => check(isRight(actual, expected), message, { actual, expected, operator, stackStartFn: assert[operator] });
}
const looselyEqual = (a, b) => a == b || (a !== a && b !== b);
compare('equal', looselyEqual);
compare('notEqual', (a, b) => !looselyEqual(a, b));
compare('strictEqual', Object.is);
compare('notStrictEqual', (a, b) => !Object.is(a, b));
compare('deepEqual', (a, b) => deepEqual(a, b, false));
compare('notDeepEqual', (a, b) => !deepEqual(a, b, false));
compare('deepStrictEqual', (a, b) => deepEqual(a, b, true));
compare('notDeepStrictEqual', (a, b) => !deepEqual(a, b, true));
compare('match', (text, pattern) => typeof text === 'string' && pattern.test(text));
compare('doesNotMatch', (text, pattern) => typeof text !== 'string' || !pattern.test(text));

// Whether the error is of the expected kind; throws if it is not.
function expectError(error, expected, message, operator) {
  const fits = () => {
    if (expected === undefined) return true;
    if (expected instanceof RegExp) return expected.test(String(error));
    if (typeof expected !== 'function')
      return Object.keys(expected).every((key) => (expected[key] instanceof RegExp && typeof error[key] === 'string' ? expected[key].test(error[key]) : deepEqual(error[key], expected[key], true)));
    if (expected.prototype !== undefined && error instanceof expected) return true;
    if (Error.isPrototypeOf(expected) || expected === Error) throw error;
    return expected.call({}, error) === true;
  };
  check(fits(), message, { actual: error, expected, operator });
}
const split = (expected, message) => (typeof expected === 'string' ? [undefined, expected] : [expected, message]);

Object.assign(assert, {
  ok,
  AssertionError,
  fail(message = 'Failed') {
    throw message instanceof Error ? message : new AssertionError({ message, operator: 'fail', stackStartFn: assert.fail });
  },
  ifError(value) {
    if (value !== null && value !== undefined) throw value instanceof Error ? value : new AssertionError({ message: `ifError got unwanted exception: ${inspect(value)}`, actual: value, expected: null, operator: 'ifError' });
  },
  throws(action, expected, message) {
    [expected, message] = split(expected, message);
    try {
      action();
    } catch (error) {
      return expectError(error, expected, message, 'throws');
    }
    throw new AssertionError({ message: `Missing expected exception${message ? `: ${message}` : '.'}`, expected, operator: 'throws', stackStartFn: assert.throws });
  },
  async rejects(action, expected, message) {
    [expected, message] = split(expected, message);
    try {
      await (typeof action === 'function' ? action() : action);
    } catch (error) {
      return expectError(error, expected, message, 'rejects');
    }
    throw new AssertionError({ message: `Missing expected rejection${message ? `: ${message}` : '.'}`, expected, operator: 'rejects' });
  },
  doesNotThrow(action, expected, message) {
    [, message] = split(expected, message);
    try {
      action();
    } catch (error) {
      throw new AssertionError({ message: `Got unwanted exception${message ? `: ${message}` : '.'}\nActual message: "${error?.message}"`, actual: error, operator: 'doesNotThrow' });
    }
  },
  async doesNotReject(action, expected, message) {
    [, message] = split(expected, message);
    try {
      await (typeof action === 'function' ? action() : action);
    } catch (error) {
      throw new AssertionError({ message: `Got unwanted rejection${message ? `: ${message}` : '.'}\nActual message: "${error?.message}"`, actual: error, operator: 'doesNotReject' });
    }
  },
});

const { strictEqual, notStrictEqual, deepStrictEqual, notDeepStrictEqual } = assert;
assert.strict = Object.assign((...args) => ok(...args), assert, { equal: strictEqual, notEqual: notStrictEqual, deepEqual: deepStrictEqual, notDeepEqual: notDeepStrictEqual });
assert.strict.strict = assert.strict;

module.exports = assert;
