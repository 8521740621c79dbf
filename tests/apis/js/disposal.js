// SPDX-License-Identifier: Apache-2.0
// Explicit resource management, of ECMAScript 2027: its symbols, its stacks, SuppressedError.
{
  const own = Object.getOwnPropertyDescriptor;

  test(() => {
    for (const name of ['dispose', 'asyncDispose']) {
      const { value, writable, enumerable, configurable } = own(Symbol, name);
      assert_array_equals([typeof value, writable, enumerable, configurable], ['symbol', false, false, false], name);
      assert_equals(value.description, `Symbol.${name}`);
      assert_equals(Symbol.keyFor(value), undefined);
    }
  }, 'the symbols are well-known ones');

  test(() => {
    const shared = { adopt: 2, defer: 1, move: 0, use: 1 };
    for (const [Stack, symbol, methods] of [
      [DisposableStack, Symbol.dispose, { dispose: 0, ...shared }],
      [AsyncDisposableStack, Symbol.asyncDispose, { disposeAsync: 0, ...shared }],
    ]) {
      const { name, prototype } = Stack;
      const exposed = own(globalThis, name);
      assert_array_equals([exposed.writable, exposed.enumerable, exposed.configurable], [true, false, true], name);
      assert_array_equals([Stack.length, own(Stack, 'prototype').writable, Object.getPrototypeOf(Stack)], [0, false, Function.prototype], name);
      assert_throws_js(TypeError, () => Stack());
      for (const [method, length] of Object.entries(methods)) {
        const { value, writable, enumerable, configurable } = own(prototype, method);
        assert_array_equals([writable, enumerable, configurable, value.name, value.length], [true, false, true, method, length], `${name}.${method}`);
        assert_equals(Object.getPrototypeOf(value), Function.prototype, `${name}.${method}`);
        assert_throws_js(TypeError, () => Reflect.construct(Object, [], value), `${name}.${method} can be constructed`);
      }
      assert_equals(prototype[symbol], prototype[Object.keys(methods)[0]]);
      const disposed = own(prototype, 'disposed');
      assert_array_equals([disposed.get.name, disposed.set, disposed.enumerable, disposed.configurable], ['get disposed', undefined, false, true], name);
      const tag = own(prototype, Symbol.toStringTag);
      assert_array_equals([tag.value, tag.writable, tag.enumerable, tag.configurable], [name, false, false, true]);
      for (const method of ['use', 'adopt', 'defer', 'move']) assert_throws_js(TypeError, () => prototype[method].call({}, null, () => {}), `${name}.${method}`);
      assert_throws_js(TypeError, () => disposed.get.call({}));
      class Derived extends Stack {}
      assert_true(new Derived() instanceof Derived);
      assert_false(new Derived().move() instanceof Derived, 'move gives a plain stack');
    }
  }, 'the stacks look as built-ins do');

  test(() => {
    const log = [];
    const stack = new DisposableStack();
    const resource = { [Symbol.dispose]() { log.push(this === resource); } };
    assert_equals(stack.use(resource), resource);
    assert_equals(stack.use(null), null);
    assert_equals(stack.use(undefined), undefined);
    assert_equals(stack.adopt('value', (...args) => log.push(args.join())), 'value');
    assert_equals(stack.defer(function (...args) { log.push(this, args.length); }), undefined);
    assert_false(stack.disposed);
    assert_equals(stack.dispose(), undefined);
    assert_equals(stack.dispose(), undefined);
    assert_true(stack.disposed);
    assert_array_equals(log, [globalThis, 0, 'value', true]);
    for (const action of [() => stack.use(null), () => stack.adopt(1, () => {}), () => stack.defer(() => {}), () => stack.move()])
      assert_throws_js(ReferenceError, action);
  }, 'what a stack holds is disposed of once, the last first');

  test(() => {
    const stack = new DisposableStack();
    for (const value of [1, 'text', {}, { [Symbol.dispose]: 1 }, { [Symbol.asyncDispose]() {} }]) assert_throws_js(TypeError, () => stack.use(value), typeof value);
    assert_throws_js(TypeError, () => stack.adopt(1));
    assert_throws_js(TypeError, () => stack.defer({}));
    let changed = 0;
    const resource = { [Symbol.dispose]: () => ++changed };
    stack.use(resource);
    resource[Symbol.dispose] = () => assert_unreached('the method is that of the time of use()');
    const moved = stack.move();
    assert_array_equals([stack.disposed, moved.disposed], [true, false]);
    stack.dispose();
    assert_equals(changed, 0);
    moved[Symbol.dispose]();
    assert_equals(changed, 1);
  }, 'what can be disposed of, and moving it to another stack');

  test(() => {
    const stack = new DisposableStack();
    const failures = ['first', 'second', 'third'].map((text) => new Error(text));
    for (const failure of failures) stack.defer(() => { throw failure; });
    let thrown;
    try {
      stack.dispose();
    } catch (error) {
      thrown = error;
    }
    assert_true(thrown instanceof SuppressedError);
    assert_equals(thrown.error, failures[0]);
    assert_equals(thrown.suppressed.error, failures[1]);
    assert_equals(thrown.suppressed.suppressed, failures[2]);
    assert_true(stack.disposed);
    const single = new DisposableStack();
    single.defer(() => { throw undefined; });
    let caught = 'nothing';
    try {
      single.dispose();
    } catch (error) {
      caught = error;
    }
    assert_equals(caught, undefined);
  }, 'all is disposed of although some of it throws, and nothing thrown is lost');

  test(() => {
    assert_array_equals([SuppressedError.length, SuppressedError.name, own(SuppressedError, 'prototype').writable], [3, 'SuppressedError', false]);
    assert_equals(Object.getPrototypeOf(SuppressedError), Error);
    assert_array_equals([SuppressedError.prototype.name, SuppressedError.prototype.message], ['SuppressedError', '']);
    class Mine extends SuppressedError {}
    for (const error of [SuppressedError(1, 2, 'text'), new SuppressedError(1, 2, 'text'), new Mine(1, 2, 'text')]) {
      assert_array_equals([error.error, error.suppressed, error.message], [1, 2, 'text']);
      assert_true(error instanceof SuppressedError && Error.isError(error));
      for (const key of ['error', 'suppressed', 'message']) {
        const { writable, enumerable, configurable } = own(error, key);
        assert_array_equals([writable, enumerable, configurable], [true, false, true], key);
      }
    }
    assert_true(new Mine() instanceof Mine);
    const bare = new SuppressedError();
    assert_array_equals([Object.hasOwn(bare, 'message'), Object.hasOwn(bare, 'error'), String(bare)], [false, true, 'SuppressedError']);
    assert_false(/lethe:/.test(bare.stack), bare.stack);
  }, 'SuppressedError is an error of its own kind');

  promise_test(async () => {
    const log = [];
    const stack = new AsyncDisposableStack();
    stack.use({ [Symbol.asyncDispose]: async () => { await undefined; log.push('async'); } });
    stack.use({ [Symbol.dispose]: () => (log.push('sync'), new Promise(() => {})) });
    stack.adopt(1, async (value) => { await undefined; log.push(value); });
    stack.defer(() => log.push('deferred'));
    assert_equals(stack.use(null), null);
    assert_throws_js(TypeError, () => stack.use({}));
    const promise = stack.disposeAsync();
    assert_true(stack.disposed);
    assert_array_equals(log, ['deferred']);
    assert_equals(await promise, undefined);
    assert_array_equals(log, ['deferred', 1, 'sync', 'async']);
    assert_equals(await stack[Symbol.asyncDispose](), undefined);
    assert_throws_js(ReferenceError, () => stack.defer(() => {}));
  }, 'an asynchronous stack awaits one disposal before the next');

  promise_test(async () => {
    const stack = new AsyncDisposableStack();
    stack.defer(() => { throw 1; });
    stack.defer(async () => { throw 2; });
    const error = await stack.disposeAsync().then(() => assert_unreached(), (reason) => reason);
    assert_true(error instanceof SuppressedError);
    assert_array_equals([error.error, error.suppressed], [1, 2]);
    await promise_rejects_js(undefined, TypeError, AsyncDisposableStack.prototype.disposeAsync.call({}));
    const empty = new AsyncDisposableStack();
    empty.use(undefined);
    let later = false;
    Promise.resolve().then(() => (later = true));
    await empty.disposeAsync();
    assert_true(later, 'one that was asked to hold nothing awaits, too');
  }, 'an asynchronous stack rejects with all that was thrown');

  promise_test(async () => {
    let ends = 0;
    function* numbers() {
      try {
        yield 1;
      } finally {
        ++ends;
      }
    }
    async function* later() {
      try {
        yield 1;
      } finally {
        await undefined;
        ++ends;
      }
    }
    const [iterator, asyncIterator] = [numbers(), later()];
    iterator.next();
    assert_equals(iterator[Symbol.dispose](), undefined);
    assert_equals(ends, 1);
    await asyncIterator.next();
    assert_equals(await asyncIterator[Symbol.asyncDispose](), undefined);
    assert_equals(ends, 2);
    assert_equals([].values()[Symbol.dispose](), undefined, 'without return()');
    const asyncPrototype = Object.getPrototypeOf(Object.getPrototypeOf(later.prototype));
    for (const [method, name] of [[Iterator.prototype[Symbol.dispose], '[Symbol.dispose]'], [asyncPrototype[Symbol.asyncDispose], '[Symbol.asyncDispose]']])
      assert_array_equals([method.name, method.length, Object.getPrototypeOf(method)], [name, 0, Function.prototype]);
    await promise_rejects_js(undefined, TypeError, asyncPrototype[Symbol.asyncDispose].call({ return: 1 }));
  }, 'disposing of an iterator ends it');
}
