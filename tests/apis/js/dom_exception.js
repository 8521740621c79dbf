// SPDX-License-Identifier: Apache-2.0
// https://webidl.spec.whatwg.org/#idl-DOMException
test(() => {
  assert_interface('DOMException', { attributes: ['name', 'message', 'code'] });
  assert_equals(Object.getPrototypeOf(DOMException), Function.prototype);
  assert_equals(Object.getPrototypeOf(DOMException.prototype), Error.prototype);
}, 'the interface');

test(() => {
  const error = new DOMException();
  assert_equals(error.message, '');
  assert_equals(error.name, 'Error');
  assert_equals(error.code, 0);
  assert_false(Object.hasOwn(error, 'message'));
  assert_false(Object.hasOwn(error, 'name'));
}, 'without arguments');

test(() => {
  const error = new DOMException('bar', 'NotSupportedError');
  assert_equals(`${error.name}|${error.message}|${error.code}`, 'NotSupportedError|bar|9');
  assert_equals(String(error), 'NotSupportedError: bar');
  assert_true(error instanceof Error);
  assert_equals(Object.prototype.toString.call(error), '[object DOMException]');
  assert_equals(new DOMException(null, undefined).message, 'null');
  assert_equals(new DOMException('m', 'no such name').code, 0);
  assert_throws_js(TypeError, () => new DOMException(Symbol()));
  assert_throws_js(TypeError, () => DOMException());
}, 'message, name and code');

test(() => {
  const cause = {};
  const error = new DOMException('m', { name: 'DataError', cause });
  assert_equals(error.name, 'DataError');
  assert_equals(error.cause, cause);
  assert_false(Object.hasOwn(new DOMException('m', {}), 'cause'));
}, 'a cause');

test(() => {
  const constants = { INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, SYNTAX_ERR: 12, ABORT_ERR: 20, QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, DATA_CLONE_ERR: 25 };
  for (const [name, value] of Object.entries(constants)) {
    for (const holder of [DOMException, DOMException.prototype]) {
      const { value: found, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(holder, name);
      assert_array_equals([found, writable, enumerable, configurable], [value, false, true, false], name);
    }
  }
  assert_equals(Object.keys(DOMException).length, 25);
}, 'constants');

test(() => {
  function whoMadeIt() {
    return new DOMException('m', 'AbortError');
  }
  const { stack } = whoMadeIt();
  assert_true(stack.startsWith('AbortError: m\n'), stack);
  assert_true(stack.split('\n')[1].includes('whoMadeIt'), stack);
}, 'its stack begins where it was made');

test(() => {
  class Mine extends DOMException {}
  const error = new Mine('m', 'AbortError');
  assert_true(error instanceof Mine && error instanceof DOMException);
  assert_equals(error.code, 20);
}, 'a derived class');

test(() => {
  assert_interface('QuotaExceededError', { attributes: ['quota', 'requested'] });
  assert_equals(Object.getPrototypeOf(QuotaExceededError), DOMException);
  const error = new QuotaExceededError();
  assert_array_equals([error.name, error.message, error.code, error.quota, error.requested], ['QuotaExceededError', '', 22, null, null]);
  assert_true(error instanceof DOMException && error instanceof QuotaExceededError && Error.isError(error));
  assert_false(Object.hasOwn(error, 'quota'));
  const full = new QuotaExceededError('full', { quota: 1, requested: '2.5' });
  assert_array_equals([String(full), full.quota, full.requested], ['QuotaExceededError: full', 1, 2.5]);
  assert_equals(new QuotaExceededError('m', { requested: 0 }).requested, 0);
  for (const options of [{ quota: -1 }, { requested: -0.1 }, { quota: 2, requested: 1 }])
    assert_throws_js(RangeError, () => new QuotaExceededError('m', options), JSON.stringify(options));
  for (const options of [1, { quota: NaN }, { quota: 'x' }, { requested: Infinity }]) assert_throws_js(TypeError, () => new QuotaExceededError('m', options));
  const copy = structuredClone(full);
  assert_true(copy instanceof QuotaExceededError);
  assert_array_equals([copy.message, copy.quota, copy.requested, copy.stack], ['full', 1, 2.5, full.stack]);
  let thrown;
  try {
    crypto.getRandomValues(new Uint8Array(65537));
  } catch (reason) {
    thrown = reason;
  }
  assert_true(thrown instanceof QuotaExceededError);
  assert_array_equals([thrown.quota, thrown.requested], [null, null]);
}, 'QuotaExceededError is an exception of its own kind');
