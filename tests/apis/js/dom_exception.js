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
