// SPDX-License-Identifier: Apache-2.0
// What the cases in js/ are written with, in the manner of the web platform's testharness.js. A file runs,
// and then outcome() gives a promise of [[case, what failed], …].
var outcome = (() => {
  const failures = [];
  const waiting = [];
  let count = 0;

  class AssertionError extends Error {}
  const show = (value) => {
    if (typeof value === 'string') return JSON.stringify(value);
    if (Object.is(value, -0)) return '-0';
    if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
    try {
      return String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  };
  const check = (truth, text, description) => {
    if (!truth) throw new AssertionError(description ? `${description}: ${text}` : text);
  };
  const fail = (name, error) => failures.push([name, error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : show(error)]);
  const isError = (error, constructor, description) =>
    check(error instanceof constructor, `threw ${show(error)} instead of a ${constructor.name}`, description);
  const isDOMException = (error, name, description) => {
    check(error instanceof DOMException, `threw ${show(error)} instead of a DOMException`, description);
    check(error.name === name, `threw ${error.name} instead of ${name}`, description);
  };
  const thrownBy = (action, description) => {
    try {
      action();
    } catch (error) {
      return error;
    }
    return check(false, 'did not throw', description);
  };
  const rejectionOf = (promise, description) =>
    Promise.resolve(promise).then((value) => check(false, `was fulfilled with ${show(value)}`, description), (error) => error);

  Object.assign(globalThis, {
    // A case whose outcome is known when `body` returns. Clean-up functions run after it.
    test(body, name = `case ${count + 1}`) {
      ++count;
      const cleanups = [];
      try {
        body({ add_cleanup: (cleanup) => cleanups.push(cleanup), name });
      } catch (error) {
        fail(name, error);
      }
      for (const cleanup of cleanups) cleanup();
    },
    // One that ends with the promise it returns. They run one after the other.
    promise_test(body, name = `case ${count + 1}`) {
      ++count;
      waiting.push(async () => {
        const cleanups = [];
        const context = {
          name,
          add_cleanup: (cleanup) => cleanups.push(cleanup),
          step_timeout: (action, ms, ...args) => setTimeout(action, ms, ...args),
          step_func: (action) => action,
          unreached_func: (text) => () => check(false, text ?? 'was reached'),
        };
        try {
          await body(context);
        } catch (error) {
          fail(name, error);
        }
        for (const cleanup of cleanups) await cleanup();
      });
    },
    assert_true: (value, description) => check(value === true, `got ${show(value)}, wanted true`, description),
    assert_false: (value, description) => check(value === false, `got ${show(value)}, wanted false`, description),
    assert_equals: (value, wanted, description) => check(Object.is(value, wanted), `got ${show(value)}, wanted ${show(wanted)}`, description),
    assert_not_equals: (value, unwanted, description) => check(!Object.is(value, unwanted), `got ${show(value)}`, description),
    assert_array_equals(value, wanted, description) {
      check(typeof value === 'object' && value !== null && 'length' in value, `${show(value)} is not an array`, description);
      const [got, want] = [[...value], [...wanted]];
      check(got.length === want.length && got.every((item, i) => Object.is(item, want[i])), `got ${show(got)}, wanted ${show(want)}`, description);
    },
    assert_object_equals: (value, wanted, description) =>
      check(JSON.stringify(value) === JSON.stringify(wanted), `got ${JSON.stringify(value)}, wanted ${JSON.stringify(wanted)}`, description),
    assert_in_array: (value, list, description) => check(list.includes(value), `${show(value)} is not one of ${show(list)}`, description),
    assert_regexp_match: (value, pattern, description) => check(pattern.test(value), `${show(value)} does not match ${pattern}`, description),
    assert_less_than: (value, limit, description) => check(value < limit, `${show(value)} is not below ${show(limit)}`, description),
    assert_less_than_equal: (value, limit, description) => check(value <= limit, `${show(value)} is above ${show(limit)}`, description),
    assert_greater_than: (value, limit, description) => check(value > limit, `${show(value)} is not above ${show(limit)}`, description),
    assert_greater_than_equal: (value, limit, description) => check(value >= limit, `${show(value)} is below ${show(limit)}`, description),
    assert_approx_equals: (value, wanted, most, description) =>
      check(Math.abs(value - wanted) <= most, `got ${show(value)}, wanted ${show(wanted)} ± ${most}`, description),
    assert_own_property: (object, name, description) => check(Object.hasOwn(object, name), `no own property ${show(name)}`, description),
    assert_throws_js: (constructor, action, description) => isError(thrownBy(action, description), constructor, description),
    assert_throws_dom: (name, action, description) => isDOMException(thrownBy(action, description), name, description),
    assert_throws_exactly: (error, action, description) =>
      check(Object.is(thrownBy(action, description), error), `did not throw ${show(error)}`, description),
    assert_unreached: (description) => check(false, 'was reached', description),
    promise_rejects_js: async (context, constructor, promise, description) =>
      isError(await rejectionOf(promise, description), constructor, description),
    promise_rejects_dom: async (context, name, promise, description) =>
      isDOMException(await rejectionOf(promise, description), name, description),
    // The same where the name says it all.
    rejects: (context, name, promise) => promise_rejects_dom(context, name, promise, name),
    promise_rejects_exactly: async (context, error, promise, description) =>
      check(Object.is(await rejectionOf(promise, description), error), `was not rejected with ${show(error)}`, description),
    // Bytes and the texts that vectors of the standards are written in.
    hex: (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    unhex: (text) => Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16)),
    ascii: (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0)),
    base64url(text) {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      let bits = '';
      for (const letter of text) bits += alphabet.indexOf(letter).toString(2).padStart(6, '0');
      return Uint8Array.from(bits.match(/.{8}/g), (byte) => parseInt(byte, 2));
    },
    // An interface as Web IDL has it: {constructor's length, attributes, methods: {name: length}, statics: {name: length}}.
    assert_interface(name, { length = 0, attributes = [], methods = {}, statics = {} }) {
      const property = Object.getOwnPropertyDescriptor(globalThis, name);
      check(property && property.writable && property.configurable && !property.enumerable, `${name} is not exposed as interfaces are`);
      const { value: Interface } = property;
      check(Interface.name === name && Interface.length === length, `${name}: its name or its length ${Interface.length} is wrong`);
      const { writable } = Object.getOwnPropertyDescriptor(Interface, 'prototype');
      check(!writable, `${name}.prototype is writable`);
      check(Interface.prototype[Symbol.toStringTag] === name, `${name}: wrong class string`);
      for (const attribute of attributes) {
        const accessor = Object.getOwnPropertyDescriptor(Interface.prototype, attribute);
        check(accessor?.get && accessor.enumerable && accessor.configurable, `${name}.${attribute} is not an attribute`);
        check(accessor.get.name === `get ${attribute}`, `${name}.${attribute}: its getter is named ${accessor.get.name}`);
        check(thrownBy(() => accessor.get.call({})) instanceof TypeError, `${name}.${attribute} accepts any object`);
      }
      for (const [holder, functions] of [[Interface.prototype, methods], [Interface, statics]]) {
        for (const [method, methodLength] of Object.entries(functions)) {
          const member = Object.getOwnPropertyDescriptor(holder, method);
          check(member && typeof member.value === 'function' && member.enumerable && member.writable && member.configurable, `${name}.${method} is not a method`);
          check(member.value.length === methodLength && member.value.name === method, `${name}.${method}: its name or its length ${member.value.length} is wrong`);
        }
      }
    },
  });

  return async () => {
    for (const run of waiting.splice(0)) await run();
    if (count === 0) fail('the file', new Error('it has no cases'));
    return failures;
  };
})();
