// SPDX-License-Identifier: Apache-2.0
// Built-ins of ECMAScript 2023 to 2027: they are there on every V8, and look and act as the language's own.
{
  const typedArray = Object.getPrototypeOf(Uint8Array);
  // [object, what it is called, {method: length}]
  const methods = [
    [Array, 'Array', { fromAsync: 1 }],
    [Array.prototype, 'Array.prototype', { findLast: 1, findLastIndex: 1, toReversed: 0, toSorted: 1, toSpliced: 2, with: 2 }],
    [ArrayBuffer.prototype, 'ArrayBuffer.prototype', { transfer: 0, transferToFixedLength: 0 }],
    [DataView.prototype, 'DataView.prototype', { getFloat16: 1, setFloat16: 2 }],
    [Error, 'Error', { isError: 1 }],
    [Iterator, 'Iterator', { concat: 0, from: 1, zip: 1, zipKeyed: 1 }],
    [Iterator.prototype, 'Iterator.prototype', { chunks: 1, drop: 1, every: 1, filter: 1, find: 1, flatMap: 1, forEach: 1, includes: 1, join: 1, map: 1, reduce: 1, some: 1, take: 1, toArray: 0, windows: 1 }],
    [Map, 'Map', { groupBy: 2 }],
    [Map.prototype, 'Map.prototype', { getOrInsert: 2, getOrInsertComputed: 2 }],
    [Math, 'Math', { f16round: 1, sumPrecise: 1 }],
    [Object, 'Object', { groupBy: 2, hasOwn: 2 }],
    [Promise, 'Promise', { try: 1, withResolvers: 0 }],
    [RegExp, 'RegExp', { escape: 1 }],
    [Set.prototype, 'Set.prototype', { difference: 1, intersection: 1, isDisjointFrom: 1, isSubsetOf: 1, isSupersetOf: 1, symmetricDifference: 1, union: 1 }],
    [String.prototype, 'String.prototype', { isWellFormed: 0, toWellFormed: 0, at: 1 }],
    [typedArray.prototype, '%TypedArray%.prototype', { findLast: 1, toReversed: 0, toSorted: 1, with: 2 }],
    [Uint8Array, 'Uint8Array', { fromBase64: 1, fromHex: 1 }],
    [Uint8Array.prototype, 'Uint8Array.prototype', { setFromBase64: 1, setFromHex: 1, toBase64: 0, toHex: 0 }],
    [WeakMap.prototype, 'WeakMap.prototype', { getOrInsert: 2, getOrInsertComputed: 2 }],
  ];
  for (const [object, path, names] of methods)
    for (const [name, length] of Object.entries(names))
      test(() => {
        const { value: method, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(object, name);
        assert_equals(typeof method, 'function');
        assert_array_equals([writable, enumerable, configurable], [true, false, true]);
        assert_equals(method.name, name);
        assert_equals(method.length, length);
        for (const key of ['name', 'length']) {
          const own = Object.getOwnPropertyDescriptor(method, key);
          assert_array_equals([own.writable, own.enumerable, own.configurable], [false, false, true], key);
        }
        assert_array_equals(Reflect.ownKeys(method), ['length', 'name']);
        assert_equals(Object.getPrototypeOf(method), Function.prototype);
        assert_throws_js(TypeError, () => Reflect.construct(Object, [], method), 'it can be constructed');
      }, `${path}.${name} is a property and a function as built-ins are`);

  test(() => {
    const objects = Object.getOwnPropertyNames(globalThis).flatMap((name) => [globalThis[name], globalThis[name]?.prototype]);
    for (const object of [globalThis, typedArray.prototype, Array.prototype[Symbol.unscopables], ...objects])
      if (Object(object) === object) {
        const keys = Reflect.ownKeys(object);
        assert_equals(new Set(keys).size, keys.length, keys.map(String).join());
      }
  }, 'nothing is there twice');

  test(() => {
    for (const name of ['toReversed', 'toSorted', 'toSpliced', 'findLast']) assert_true(Array.prototype[Symbol.unscopables][name], name);
    for (const name of Object.getOwnPropertyNames(globalThis)) assert_false(/core-js/.test(name), name);
    assert_equals(String(Function.prototype.toString), 'function toString() { [native code] }');
    assert_equals(Function.prototype.toString.name, 'toString');
    assert_equals(String(Array.prototype.map), 'function map() { [native code] }');
    assert_equals(String(JSON.stringify), 'function stringify() { [native code] }');
  }, 'nothing else is left or changed');

  test(() => {
    const [a, b] = [new Set([1, 2, 3]), new Set([3, 4])];
    assert_array_equals([...a.union(b)], [1, 2, 3, 4]);
    assert_array_equals([...a.intersection(b)], [3]);
    assert_array_equals([...a.difference(b)], [1, 2]);
    assert_array_equals([...a.symmetricDifference(b)], [1, 2, 4]);
    assert_true(new Set([3]).isSubsetOf(a));
    assert_true(a.isSupersetOf(new Set([3])));
    assert_true(a.isDisjointFrom(new Set([9])));
    assert_array_equals([...a.union(new Map([[7, 0]]))], [1, 2, 3, 7]);
    assert_throws_js(TypeError, () => a.union([1]));
    assert_throws_js(TypeError, () => Set.prototype.union.call(new Map(), a));
  }, 'Set methods');

  test(() => {
    function* numbers() {
      for (let i = 0; ; ++i) yield i;
    }
    assert_array_equals(numbers().filter((n) => n % 2).map((n) => n * n).drop(1).take(3).toArray(), [9, 25, 49]);
    assert_array_equals(numbers().take(2).flatMap((n) => [n, n]).toArray(), [0, 0, 1, 1]);
    assert_equals(numbers().take(4).reduce((sum, n) => sum + n), 6);
    assert_true(numbers().some((n) => n > 5));
    assert_equals(numbers().find((n) => n > 5), 6);
    assert_array_equals(Iterator.concat([1], new Set([2])).toArray(), [1, 2]);
    assert_array_equals(Iterator.from({ i: 0, next() { return { done: this.i > 1, value: this.i++ }; } }).toArray(), [0, 1]);
    assert_true([].values() instanceof Iterator);
    assert_throws_js(TypeError, () => new Iterator());
    assert_throws_js(TypeError, () => Iterator());
    assert_true(new (class extends Iterator {})() instanceof Iterator);
    assert_throws_js(RangeError, () => numbers().take(-1));
    assert_throws_js(TypeError, () => numbers().map(1));
    assert_equals(Object.prototype.toString.call(numbers().map((n) => n)), '[object Iterator Helper]');
    let closed = false;
    const closing = { __proto__: Iterator.prototype, next: () => ({ done: false, value: 1 }), return() { closed = true; return {}; } };
    assert_array_equals(closing.take(1).toArray(), [1]);
    assert_true(closed);
  }, 'iterator helpers');

  test(() => {
    let helper;
    for (const method of ['map', 'filter', 'flatMap']) {
      let refused = 0;
      helper = [1].values()[method](() => {
        assert_throws_js(TypeError, () => helper.next(), method);
        assert_throws_js(TypeError, () => helper.return(), method);
        ++refused;
        return [];
      });
      helper.next();
      assert_equals(refused, 1, method);
      assert_true(helper.next().done, method);
    }
    const once = { __proto__: Iterator.prototype, next: () => helper.next() };
    for (const method of ['take', 'drop']) {
      helper = once[method](1);
      assert_throws_js(TypeError, () => helper.next(), method);
    }
  }, 'an iterator helper that is called out of its own call throws');

  test(() => {
    assert_array_equals(Iterator.zip([[1, 2], new Set([3, 4, 5])]).map(String).toArray(), ['1,3', '2,4']);
    assert_array_equals(Iterator.zip([[1], [2, 3]], { mode: 'longest', padding: [0] }).map(String).toArray(), ['1,2', '0,3']);
    assert_throws_js(TypeError, () => Iterator.zip([[1], [2, 3]], { mode: 'strict' }).toArray());
    assert_array_equals(Iterator.zipKeyed({ a: [1], b: [2] }).map(({ a, b }) => a + b).toArray(), [3]);
    assert_array_equals([1, 2, 3].values().chunks(2).map(String).toArray(), ['1,2', '3']);
    assert_array_equals([1, 2, 3].values().windows(2).map(String).toArray(), ['1,2', '2,3']);
    assert_throws_js(RangeError, () => [1].values().chunks(0));
    assert_equals([1, 2].values().join('-'), '1-2');
    assert_array_equals([[1, NaN].values().includes(NaN), [1].values().includes(2)], [true, false]);
  }, 'zipping and chunking iterators');

  test(() => {
    Object.defineProperty(String.prototype, Symbol.iterator, {
      ...Object.getOwnPropertyDescriptor(String.prototype, Symbol.iterator),
      value() {
        'use strict';
        return [typeof this].values();
      },
    });
    assert_array_equals(Iterator.from('abc').toArray(), ['string']);
  }, 'Iterator.from asks a string for its iterator, not a String object');

  test(() => {
    const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(Iterator.prototype, Symbol.toStringTag);
    assert_array_equals([typeof get, typeof set, enumerable, configurable], ['function', 'function', false, true]);
    assert_array_equals([Iterator.length, Iterator.name, Object.getOwnPropertyDescriptor(Iterator, 'prototype').writable], [0, 'Iterator', false]);
    assert_equals(Iterator.prototype[Symbol.toStringTag], 'Iterator');
    assert_throws_js(TypeError, () => { 'use strict'; Iterator.prototype.constructor = 1; });
  }, 'the Iterator constructor');

  test(() => {
    const groups = Object.groupBy([1, 2, 3], (n) => (n % 2 ? 'odd' : 'even'));
    assert_equals(Object.getPrototypeOf(groups), null);
    assert_array_equals(groups.odd, [1, 3]);
    assert_array_equals(Map.groupBy([1, 2, 3], (n) => n % 2).get(1), [1, 3]);
    const map = new Map([['a', 1]]);
    assert_array_equals([map.getOrInsert('a', 2), map.getOrInsert('b', 2), map.getOrInsertComputed('c', (key) => key + key)], [1, 2, 'cc']);
  }, 'grouping and getOrInsert');

  test(() => {
    const list = [3, 1, 2];
    assert_array_equals(list.toSorted(), [1, 2, 3]);
    assert_array_equals(list.toReversed(), [2, 1, 3]);
    assert_array_equals(list.toSpliced(1, 1, 7, 8), [3, 7, 8, 2]);
    assert_array_equals(list.with(-1, 9), [3, 1, 9]);
    assert_array_equals(list, [3, 1, 2]);
    assert_throws_js(RangeError, () => list.with(3, 0));
    assert_array_equals(new Uint8Array(list).toSorted(), [1, 2, 3]);
    assert_true(new Int16Array(list).with(0, 5) instanceof Int16Array);
    assert_equals(list.findLast((n) => n > 1), 2);
  }, 'changing arrays by copy');

  test(() => {
    for (const Kind of [Int8Array, Uint8ClampedArray, Float64Array, BigInt64Array]) {
      const number = Kind === BigInt64Array ? BigInt : Number;
      const list = new Kind([3, 1, 2].map(number));
      Object.defineProperty(list, 'length', { get: () => assert_unreached('length was asked for') });
      Object.defineProperty(list, 'constructor', { get: () => assert_unreached('constructor was asked for') });
      assert_equals(list.toReversed().join(), '2,1,3');
      assert_equals(list.toSorted((a, b) => (a < b ? 1 : -1)).join(), '3,2,1');
      assert_equals(list.with(-1, number(7)).join(), '3,1,7');
      assert_equals(Object.getPrototypeOf(list.with('1', number(7))), Kind.prototype);
      assert_throws_js(RangeError, () => list.with(3, number(0)));
      assert_throws_js(RangeError, () => list.with(-4, number(0)));
      structuredClone(list.buffer, { transfer: [list.buffer] });
      for (const [name, ...args] of [['toReversed'], ['toSorted'], ['with', 0, number(0)]])
        assert_throws_js(TypeError, () => list[name](...args), `${name} of a detached array`);
    }
    const list = new Uint8Array(2);
    const detach = { valueOf: () => (structuredClone(list.buffer, { transfer: [list.buffer] }), 1) };
    assert_throws_js(RangeError, () => list.with(0, detach), 'detached by the conversion of the value');
    assert_throws_js(TypeError, () => new BigInt64Array(1).with(0, 1));
    assert_throws_js(TypeError, () => new Uint8Array(1).toSorted(null));
    assert_throws_js(TypeError, () => typedArray.prototype.toReversed.call([1]));
  }, 'changing typed arrays by copy asks nothing of the array, and refuses a detached one');

  test(() => {
    const bytes = new Uint8Array([0, 1, 250, 255]);
    assert_equals(bytes.toBase64(), 'AAH6/w==');
    assert_equals(bytes.toBase64({ alphabet: 'base64url', omitPadding: true }), 'AAH6_w');
    assert_equals(bytes.toHex(), '0001faff');
    assert_array_equals(Uint8Array.fromBase64('AAH6/w=='), bytes);
    assert_array_equals(Uint8Array.fromHex('0001FAff'), bytes);
    assert_throws_js(SyntaxError, () => Uint8Array.fromHex('0'));
    assert_throws_js(SyntaxError, () => Uint8Array.fromBase64('A'));
    const target = new Uint8Array(3);
    const { read, written } = target.setFromHex('aabb');
    assert_array_equals([read, written, ...target], [4, 2, 0xaa, 0xbb, 0]);
  }, 'base64 and hexadecimal');

  test(() => {
    const buffer = new ArrayBuffer(8);
    const view = new Uint8Array(buffer);
    view.set([1, 2, 3, 4, 5, 6, 7, 8]);
    const shorter = buffer.transfer(3);
    assert_array_equals([buffer.detached, buffer.byteLength, view.length], [true, 0, 0]);
    assert_array_equals(new Uint8Array(shorter), [1, 2, 3]);
    assert_array_equals(new Uint8Array(shorter.transferToFixedLength(4)), [1, 2, 3, 0]);
    assert_throws_js(TypeError, () => buffer.transfer());
    assert_false(new ArrayBuffer(1).detached);
  }, 'ArrayBuffer.prototype.transfer');

  test(() => {
    assert_array_equals(['a\ud800'.isWellFormed(), 'ab'.isWellFormed()], [false, true]);
    assert_equals('a\ud800'.toWellFormed(), 'a\ufffd');
    assert_equals(RegExp.escape('(a.b)'), '\\(a\\.b\\)'.replace('a', '\\x61').replace('\\(\\x61', '\\(a'));
    assert_true(new RegExp(`^${RegExp.escape('[x]*')}$`).test('[x]*'));
    assert_array_equals([Error.isError(new RangeError()), Error.isError({ __proto__: Error.prototype })], [true, false]);
    const tagged = Object.defineProperty(new TypeError(), Symbol.toStringTag, { value: 'Other' });
    assert_array_equals([tagged, { [Symbol.toStringTag]: 'Error' }, new Proxy(tagged, {}), new DOMException(), 'Error', null].map(Error.isError), [true, false, false, true, false, false]);
    assert_equals(Math.sumPrecise([1e20, 0.1, -1e20]), 0.1);
    assert_equals(Math.f16round(1.337), 1.3369140625);
    const data = new DataView(new ArrayBuffer(2));
    data.setFloat16(0, 1.5);
    assert_array_equals([data.getUint16(0), data.getFloat16(0)], [0x3e00, 1.5]);
  }, 'strings, regular expressions, errors, numbers');

  promise_test(async () => {
    const asked = [];
    const watched = (object) => new Proxy(object, { get: (target, key) => (asked.push(String(key)), Reflect.get(target, key)) });
    assert_array_equals(await Array.fromAsync(watched({ length: 2, 0: Promise.resolve('a'), 1: 'b' })), ['a', 'b']);
    assert_array_equals(asked, ['Symbol(Symbol.asyncIterator)', 'Symbol(Symbol.iterator)', 'length', '0', '1']);
    const made = [];
    class List {
      constructor(...args) {
        made.push(args);
      }
    }
    assert_true((await Array.fromAsync.call(List, { length: 2 })) instanceof List);
    assert_equals((await Array.fromAsync.call(List, [7, 8])).length, 2);
    assert_equals(JSON.stringify(made), '[[2],[]]');
    assert_array_equals(await Array.fromAsync([1, 2], async function (n, i) { return n * this.by + i; }, { by: 10 }), [10, 21]);
    assert_true(Array.isArray(await Array.fromAsync.call(Math.max, [1])));
    await promise_rejects_js(undefined, TypeError, Array.fromAsync([1], {}));
    await promise_rejects_js(undefined, TypeError, Array.fromAsync(null));
    await promise_rejects_js(undefined, RangeError, Array.fromAsync({ length: 2 ** 32 }));
    let closed = false;
    const endless = { [Symbol.asyncIterator]: () => ({ next: async () => ({ value: 1 }), return: async () => ((closed = true), {}) }) };
    const failure = new Error('mapper');
    await promise_rejects_exactly(undefined, failure, Array.fromAsync(endless, () => { throw failure; }));
    assert_true(closed);
  }, 'Array.fromAsync asks what is like an array for its elements, one after the other');

  promise_test(async () => {
    async function* later() {
      yield 1;
      yield Promise.resolve(2);
    }
    assert_array_equals(await Array.fromAsync(later(), (n) => n * 2), [2, 4]);
    assert_array_equals(await Array.fromAsync([Promise.resolve(3), 4]), [3, 4]);
    const { promise, resolve } = Promise.withResolvers();
    resolve(5);
    assert_equals(await promise, 5);
    assert_equals(await Promise.try((a, b) => a + b, 1, 2), 3);
    assert_equals(await Promise.try(() => { throw 'no'; }).catch((reason) => reason), 'no');
  }, 'promises and asynchronous iteration');
}
