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

// --- the protocol of iteration ------------------------------------------------------------------------------
{
  const endless = () => ({ __proto__: Iterator.prototype, next: () => ({ value: 1, done: false }), return: () => ({}) });
  const helpers = {
    map: (s) => s.map((x) => x), filter: (s) => s.filter(() => true), take: (s) => s.take(9), drop: (s) => s.drop(0), flatMap: (s) => s.flatMap((x) => [x]),
    chunks: (s) => s.chunks(1), windows: (s) => s.windows(1), concat: (s) => Iterator.concat({ [Symbol.iterator]: () => s }), zip: (s) => Iterator.zip([s]), zipKeyed: (s) => Iterator.zipKeyed({ s }),
  };
  // V8 13 has these, and lets what its own helpers close resume them.
  const ofV8 = ['map', 'filter', 'take', 'drop', 'flatMap'];
  const isOurs = (make) => Object.getPrototypeOf(make(endless())) === Object.getPrototypeOf(helpers.concat(endless()));
  for (const [name, make] of Object.entries(helpers)) {
    test(() => {
      if (ofV8.includes(name) && !isOurs(make)) return;
      for (const during of ['next', 'return'])
        for (const again of ['next', 'return']) {
          let [helper, tried] = [null, []];
          const source = endless();
          const original = source[during];
          let isFirst = true;
          source[during] = () => {
            if (during === 'return' || !isFirst) assert_throws_js(TypeError, () => helper[again](), `${again} during ${during}`), tried.push(again);
            isFirst = false;
            return original();
          };
          helper = make(source);
          helper.next();
          if (during === 'next') helper.next();
          assert_object_equals(helper.return(), { value: undefined, done: true });
          assert_true(tried.length > 0);
          assert_object_equals(helper.next(), { value: undefined, done: true });
          assert_object_equals(helper.return(), { value: undefined, done: true });
        }
    }, `a helper that runs refuses to be resumed: ${name}`);

    test(() => {
      for (const wrong of [5, undefined, null, 'text', true]) assert_throws_js(TypeError, () => make({ __proto__: Iterator.prototype, next: () => wrong }).next(), String(wrong));
      const helper = make({ __proto__: Iterator.prototype, next() { throw new RangeError('next'); } });
      assert_throws_js(RangeError, () => helper.next());
      assert_object_equals(helper.next(), { value: undefined, done: true });
    }, `an iterator that gives no object is an error, after which the helper is over: ${name}`);

    test(() => {
      let closed = 0;
      const begun = make({ ...endless(), __proto__: Iterator.prototype, return: () => (++closed, {}) });
      begun.next();
      begun.return();
      assert_equals(closed, 1);
      const helper = make({ ...endless(), __proto__: Iterator.prototype, return: () => 5 });
      helper.next();
      assert_throws_js(TypeError, () => helper.return());
      assert_object_equals(helper.return(), { value: undefined, done: true });
      for (const key of ['next', 'return']) assert_throws_js(TypeError, () => helper[key].call({}), 'this is none');
    }, `closing a helper closes what it takes from: ${name}`);
  }

  const noObjects = () => ({ [Symbol.iterator]: () => ({ next: () => 5 }) });
  test(() => {
    const uses = {
      objectGroupBy: () => Object.groupBy(noObjects(), (x) => x),
      mapGroupBy: () => Map.groupBy(noObjects(), (x) => x),
      sumPrecise: () => Math.sumPrecise(noObjects()),
      zip: () => Iterator.zip(noObjects()),
      padding: () => Iterator.zip([[1]], { mode: 'longest', padding: noObjects() }),
    };
    for (const name of ['toArray', 'forEach', 'some', 'every', 'find', 'reduce', 'includes', 'join'])
      uses[name] = () => Iterator.prototype[name].call({ next: () => 5 }, () => false);
    for (const [name, use] of Object.entries(uses)) assert_throws_js(TypeError, use, name);
    const other = { size: 9, has: () => false, keys: () => ({ next: () => 5 }) };
    for (const name of ['union', 'symmetricDifference']) assert_throws_js(TypeError, () => new Set([1])[name](other), name);
    for (const name of ['intersection', 'difference', 'isSupersetOf', 'isDisjointFrom']) assert_throws_js(TypeError, () => new Set([1, 2])[name]({ ...other, size: 1 }), name);
    for (const name of ['union', 'intersection', 'difference', 'symmetricDifference', 'isSupersetOf', 'isDisjointFrom'])
      assert_throws_js(TypeError, () => new Set([1, 2])[name]({ size: 1, has: () => false, keys: () => 5 }), `${name}: no iterator`);
  }, 'what iterates refuses an iterator that gives no object, and does not go on for ever');

  test(() => {
    const seen = [];
    const watched = (target) => new Proxy(target, { get: (of, key) => (seen.push(String(key)), of[key]) });
    Iterator.from(watched({ next() {} }));
    assert_array_equals(seen.splice(0), ['Symbol(Symbol.iterator)', 'next']);
    Iterator.zip([watched({ next() {} })]);
    assert_array_equals(seen.splice(0), ['Symbol(Symbol.iterator)', 'next']);
    Iterator.zipKeyed({ a: watched({ next() {} }) });
    assert_array_equals(seen.splice(0), ['Symbol(Symbol.iterator)', 'next']);
    Iterator.concat(watched([]));
    assert_array_equals(seen.splice(0), ['Symbol(Symbol.iterator)']);
    [1].values().flatMap(() => watched({ next: () => ({ done: true }) })).next();
    assert_array_equals(seen.splice(0), ['Symbol(Symbol.iterator)', 'next']);
    new Set([1]).union(watched({ size: 0, has() {}, keys: () => watched({ next: () => watched({ done: true }) }) }));
    assert_array_equals(seen, ['size', 'has', 'keys', 'next', 'done']);
  }, 'only what the language reads is read');

  test(() => {
    for (const zip of [(a, b, mode) => Iterator.zip([a, b], { mode }), (a, b, mode) => Iterator.zipKeyed({ a, b }, { mode })])
      for (const [mode, second] of [['longest', 'a.next a.done b.next b.done'], ['shortest', 'a.next a.done b.return'], ['strict', 'a.next a.done b.next b.done']]) {
        const log = [];
        const source = (name) => {
          let left = 1;
          return {
            next() {
              log.push(`${name}.next`);
              const done = left-- <= 0;
              return { get done() { log.push(`${name}.done`); return done; }, get value() { log.push(`${name}.value`); return 1; } };
            },
            return() { log.push(`${name}.return`); return {}; },
          };
        };
        const helper = zip(source('a'), source('b'), mode);
        helper.next();
        assert_equals(log.splice(0).join(' '), 'a.next a.done a.value b.next b.done b.value', mode);
        assert_true(helper.next().done);
        assert_equals(log.join(' '), second, mode);
      }
  }, 'the value of a result that is done is not read by zip');

  test(() => {
    const log = [];
    const source = (name, end) => ({ __proto__: Iterator.prototype, next: () => ({ value: 1, done: end }), return() { log.push(name); if (name === 'b') throw new RangeError(name); return {}; } });
    const helper = Iterator.zip([source('a'), source('b'), source('c')]);
    assert_throws_js(RangeError, () => helper.return());
    assert_array_equals(log.splice(0), ['c', 'b', 'a']);
    assert_throws_js(TypeError, () => Iterator.zip([source('a'), source('c'), source('d', true)], { mode: 'strict' }).next());
    assert_array_equals(log.splice(0), ['c', 'a']);
    assert_throws_js(TypeError, () => Iterator.zip([source('a'), 5]));
    assert_array_equals(log.splice(0), ['a']);
    for (const act of [(s) => s.map(), (s) => s.reduce(5), (s) => s.take(NaN), (s) => s.drop(-1), (s) => s.chunks(0), (s) => s.windows(1, 'x'), (s) => s.join(Symbol()), (s) => s.includes(1, -1), (s) => s.take({ valueOf() { throw new TypeError(); } })]) {
      assert_throws_js(Error, () => act(source('x')).x.y);
      assert_array_equals(log.splice(0), ['x'], String(act));
    }
    assert_throws_js(TypeError, () => source('s').flatMap(() => 5).next());
    assert_throws_js(TypeError, () => source('s').flatMap(() => 'text').next());
    assert_array_equals(log, ['s', 's']);
  }, 'iterators are closed where something is refused, the last one first');

  test(() => {
    const thrower = () => { throw new RangeError('callback'); };
    let closed = 0;
    const items = { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }), return: () => (++closed, {}) }) };
    for (const act of [() => Object.groupBy(items, thrower), () => Map.groupBy(items, thrower), () => Object.groupBy(items, () => ({ toString: thrower }))]) assert_throws_js(RangeError, act);
    assert_equals(closed, 3);
    const symbol = Symbol('key');
    const groups = Object.groupBy([1, 2, 3], (x) => (x === 1 ? symbol : x === 2 ? '__proto__' : { [Symbol.toPrimitive]: () => symbol }));
    assert_equals(Object.getPrototypeOf(groups), null);
    assert_array_equals(groups[symbol], [1, 3]);
    assert_array_equals(groups.__proto__, [2]);
    assert_object_equals([...Map.groupBy(['a', 'b', 'a'], (x) => (x === 'a' ? -0 : 1))], [[0, ['a', 'a']], [1, ['b']]]);
    for (const use of [() => Object.groupBy(null, thrower), () => Object.groupBy([], 5), () => Map.groupBy(5, thrower)]) assert_throws_js(TypeError, use);
  }, 'groups');

  test(() => {
    const ofKeys = (...values) => ({ size: values.length, has: (x) => values.includes(x), keys: () => values.values() });
    const set = new Set([3, 1, 2]);
    assert_array_equals([...set.union(ofKeys(4, -0, 1))], [3, 1, 2, 4, 0]);
    assert_true(Object.is([...new Set().union(ofKeys(-0))][0], 0));
    assert_array_equals([...set.intersection(ofKeys(1, 3))], [1, 3]);
    assert_array_equals([...set.difference(ofKeys(1, 5, 6, 7))], [3, 2]);
    assert_array_equals([...set.symmetricDifference(ofKeys(1, 5))], [3, 2, 5]);
    assert_array_equals([set.isSubsetOf(ofKeys(1, 2, 3, 4)), set.isSupersetOf(ofKeys(1, 2)), set.isDisjointFrom(ofKeys(7)), set.isSubsetOf(ofKeys(1))], [true, true, true, false]);
    let closed = 0;
    const closing = (value) => ({ size: 1, has: () => true, keys: () => ({ next: () => ({ value, done: false }), return: () => (++closed, {}) }) });
    assert_array_equals([set.isSupersetOf(closing(9)), set.isDisjointFrom(closing(1)), closed], [false, false, 2]);
    for (const other of [[], null, { size: NaN }, { size: 1 }, { size: 1, has() {} }, { size: 1, has() {}, keys: 1 }]) assert_throws_js(TypeError, () => set.union(other));
    assert_throws_js(RangeError, () => set.union({ size: -1, has() {}, keys() {} }));
    assert_throws_js(TypeError, () => Set.prototype.union.call(new Map(), set));
  }, 'sets');
}
