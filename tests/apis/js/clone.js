// SPDX-License-Identifier: Apache-2.0
// structuredClone.
const refused = (value, description) => assert_throws_dom('DataCloneError', () => structuredClone(value), description);

test(() => {
  assert_equals(structuredClone.length, 1);
  assert_equals(structuredClone.name, 'structuredClone');
  assert_throws_js(TypeError, () => structuredClone());
  assert_throws_js(TypeError, () => new structuredClone(1));
  assert_throws_js(TypeError, () => structuredClone(1, 2));
  assert_equals(structuredClone(1, null), 1);
}, 'it is a function of the platform');

test(() => {
  for (const value of [undefined, null, true, false, '', 'a', '\ud800', 'aé€😀', 0, -0, 1.5, NaN, -Infinity, 2 ** 53, 0n, -(2n ** 100n)]) assert_equals(structuredClone(value), value);
  refused(Symbol('s'));
  refused({ a: Symbol.iterator });
}, 'primitive values');

test(() => {
  for (const value of [new Boolean(false), new Number(-0), new String('aé€'), Object(5n)]) {
    value.extra = 1;
    const copy = structuredClone(value);
    assert_not_equals(copy, value);
    assert_equals(Object.getPrototypeOf(copy), Object.getPrototypeOf(value));
    assert_equals(copy.valueOf(), value.valueOf());
    assert_equals(copy.extra, undefined);
  }
  refused(Object(Symbol('s')));
}, 'objects of primitive values');

test(() => {
  const date = structuredClone(new Date(1234.9));
  assert_true(date instanceof Date);
  assert_equals(date.getTime(), 1234);
  assert_equals(structuredClone(new Date(NaN)).getTime(), NaN);
  for (const expression of [/a(b)/gimsuy, /\//, new RegExp(''), /(?<x>é)/d]) {
    expression.lastIndex = 3;
    const copy = structuredClone(expression);
    assert_equals(String(copy), String(expression));
    assert_equals(copy.flags, expression.flags);
    assert_equals(copy.lastIndex, 0);
  }
  assert_equals(structuredClone(/b+/).exec('abbc')[0], 'bb');
}, 'dates and regular expressions');

test(() => {
  class Point {
    #hidden = 1;
    constructor() {
      this.x = 1;
    }
    get y() {
      return 2;
    }
  }
  const copy = structuredClone(new Point());
  assert_equals(Object.getPrototypeOf(copy), Object.prototype);
  assert_equals(JSON.stringify(copy), '{"x":1}');
  const source = Object.create({ inherited: 1 }, {
    shown: { value: 1, enumerable: true }, concealed: { value: 2 }, computed: { get: () => 3, enumerable: true }, [Symbol('s')]: { value: 4, enumerable: true },
  });
  const { shown, computed } = Object.getOwnPropertyDescriptors(structuredClone(source));
  assert_equals(Reflect.ownKeys(structuredClone(source)).join(), 'shown,computed');
  for (const property of [shown, computed]) assert_true(property.writable && property.enumerable && property.configurable);
  assert_equals(computed.value, 3);
  assert_equals(Object.keys(structuredClone({ b: 1, 2: 1, a: 1, 1: 1 })).join(), '1,2,b,a');
  const proto = structuredClone(JSON.parse('{"__proto__": {"x": 1}}'));
  assert_true(Object.hasOwn(proto, '__proto__'));
  assert_equals(proto.x, undefined);
  assert_equals(Object.getPrototypeOf(structuredClone(Object.create(null))), Object.prototype);
  assert_equals(Object.keys(structuredClone(Object.prototype)).length, 0);
}, 'objects: own enumerable string properties');

test(() => {
  const log = [];
  const source = {
    get a() {
      log.push('a');
      delete this.c;
      this.late = 1;
      return { get inner() { log.push('inner'); return 1; } };
    },
    get b() {
      log.push('b');
      return 1;
    },
    c: 1,
  };
  assert_equals(JSON.stringify(structuredClone(source)), '{"a":{"inner":1},"b":1}');
  assert_equals(log.join(), 'a,inner,b');
  const error = new Error('mine');
  assert_throws_exactly(error, () => structuredClone([1, { get x() { throw error; } }]));
}, 'getters run once, in order, and their errors come through');

test(() => {
  const sparse = [1, , undefined, { x: 1 }];
  sparse.name = 'n';
  const copy = structuredClone(sparse);
  assert_true(Array.isArray(copy));
  assert_equals(copy.length, 4);
  assert_false(1 in copy);
  assert_true(2 in copy);
  assert_equals(copy[3].x, 1);
  assert_equals(copy.name, 'n');
  const ends = structuredClone([, { x: 1 }, , 'a', {}, ,]);
  assert_equals(Object.keys(ends).join() + ends.length, '1,3,46');
  assert_equals(structuredClone([1, , ,]).length, 3);
  assert_equals(Object.keys(structuredClone([1, , ,])).join(), '0');
  let count = 0;
  const counting = Object.defineProperty([0, 0, 0], 1, { get: () => (++count, undefined), enumerable: true });
  assert_equals(Object.keys(structuredClone(counting)).join() + count, '0,1,21');
  Object.defineProperty(counting, 0, { get: () => (counting.length = 2, { n: ++count }), enumerable: true });
  assert_equals(JSON.stringify(structuredClone(counting)), '[{"n":2},null,null]');
  assert_equals(count, 3);
  const long = [];
  long.length = 4294967295;
  long[4294967290] = 'end';
  assert_equals(structuredClone(long).length, 4294967295);
  assert_equals(structuredClone(long)[4294967290], 'end');
  assert_equals(structuredClone(new Array(10)).length, 10);
  assert_equals(structuredClone(Array.from({ length: 5000 }, (_, i) => i)).reduce((a, b) => a + b), 12497500);
  class Mine extends Array {}
  assert_equals(Object.getPrototypeOf(structuredClone(Mine.of(1, 2))), Array.prototype);
}, 'arrays, sparse ones, too');

test(() => {
  const object = { list: [] };
  object.self = object;
  object.list.push(object, object.list);
  object.again = object.list;
  const map = new Map([[object, 1], ['map', null]]);
  map.set('map', map);
  const copy = structuredClone(map);
  const [key] = copy.keys();
  assert_equals(copy.get(key), 1);
  assert_equals(copy.get('map'), copy);
  assert_equals(key.self, key);
  assert_true(key.list[0] === key);
  assert_true(key.list[1] === key.list);
  assert_true(key.again === key.list);
  assert_not_equals(key, object);
  const set = new Set([1, 'x', 1, map]);
  set.add(set);
  const clone = structuredClone(set);
  assert_equals(clone.size, 4);
  assert_true(clone.has(clone));
  const nested = structuredClone(new Map([[{ k: 1 }, { v: new Set([[1]]) }], [[2], 3]]));
  assert_equals(JSON.stringify([...nested].map(([k, v]) => [k, v?.v ? [...v.v] : v])), '[[{"k":1},[[1]]],[[2],3]]');
}, 'maps, sets, cycles and objects that are there twice');

test(() => {
  let nested = {};
  for (let i = 0; i < 100000; ++i) nested = i % 2 ? [nested] : { nested };
  let copy = structuredClone(nested);
  let depth = 0;
  for (; copy; copy = copy.nested ?? copy[0]) ++depth;
  assert_equals(depth, 100001);
}, 'depth is no limit');

test(() => {
  for (const Type of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
    const error = new Type('message', { cause: { why: [1] } });
    error.extra = 1;
    const copy = structuredClone(error);
    assert_equals(Object.getPrototypeOf(copy), Type.prototype);
    assert_equals(copy.name, Type.name);
    assert_equals(copy.message, 'message');
    assert_equals(copy.stack, error.stack);
    assert_equals(copy.cause.why[0], 1);
    assert_equals(Reflect.ownKeys(copy).sort().join(), 'cause,message,stack');
    assert_equals(Object.keys(copy).length, 0);
  }
  class Mine extends RangeError {}
  assert_equals(Object.getPrototypeOf(structuredClone(new Mine('x'))), RangeError.prototype);
  const named = new TypeError();
  named.name = 'Other';
  assert_equals(Object.getPrototypeOf(structuredClone(named)), Error.prototype);
  assert_false(Object.hasOwn(structuredClone(named), 'message'));
  assert_false(Object.hasOwn(structuredClone(named), 'cause'));
  const odd = new Error();
  Object.defineProperty(odd, 'message', { get: () => assert_unreached() });
  assert_false(Object.hasOwn(structuredClone(odd), 'message'));
  odd.cause = odd;
  const cycle = structuredClone(odd);
  assert_equals(cycle.cause, cycle);
  assert_equals(Object.getPrototypeOf(structuredClone(new AggregateError([1], 'm'))), Error.prototype);
  refused(new Error('x', { cause: () => 1 }));
}, 'errors: name, message, cause and stack');

test(() => {
  const error = new DOMException('message', 'AbortError');
  error.extra = 1;
  const copy = structuredClone({ error }).error;
  assert_true(copy instanceof DOMException);
  assert_not_equals(copy, error);
  assert_equals(copy.name, 'AbortError');
  assert_equals(copy.message, 'message');
  assert_equals(copy.code, 20);
  assert_equals(copy.stack, error.stack);
  assert_equals(copy.extra, undefined);
  for (const value of [new Event('x'), new EventTarget(), new TextDecoder(), new (class extends EventTarget {})()]) refused(value, String(value));
  // Not of the platform, but with a prototype of it.
  assert_equals(Object.getPrototypeOf(structuredClone(Object.create(DOMException.prototype, { own: { value: 1, enumerable: true } }))), Object.prototype);
}, 'objects of the platform');

promise_test(async () => {
  const blob = new Blob(['aé'], { type: 'text/x' });
  const file = new File([blob, 'b'], 'name', { type: 'text/y', lastModified: 42 });
  class Mine extends File {}
  const mine = new Mine(['c'], 'mine');
  const copies = structuredClone({ blob, file, mine, again: blob });
  assert_equals(Object.getPrototypeOf(copies.blob), Blob.prototype);
  assert_not_equals(copies.blob, blob);
  assert_equals(copies.again, copies.blob);
  assert_equals(copies.blob.type, 'text/x');
  assert_equals(await copies.blob.text(), 'aé');
  assert_equals(Object.getPrototypeOf(copies.file), File.prototype);
  assert_equals([copies.file.name, copies.file.type, copies.file.lastModified, await copies.file.text()].join(), 'name,text/y,42,aéb');
  assert_equals(Object.getPrototypeOf(copies.mine), File.prototype);
  assert_equals(await copies.mine.text(), 'c');
  for (const value of [new URL('http://x'), new Headers(), new Response(), new FormData(), new AbortController().signal, new ReadableStream(), new TransformStream()]) refused(value, String(value));
}, 'blobs and files');

promise_test(async () => {
  const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  const copy = structuredClone({ key }).key;
  assert_true(copy instanceof CryptoKey);
  assert_not_equals(copy, key);
  assert_false(copy.extractable);
  assert_equals(JSON.stringify([copy.type, copy.algorithm, copy.usages]), JSON.stringify([key.type, key.algorithm, key.usages]));
  const signature = await crypto.subtle.sign('HMAC', copy, new Uint8Array(3));
  assert_true(await crypto.subtle.verify('HMAC', key, signature, new Uint8Array(3)));
  refused(crypto.subtle, 'SubtleCrypto');
}, 'keys of WebCrypto');

test(() => {
  for (const [name, value] of Object.entries({
    function: () => 1, class: class {}, method: { m() {} }, promise: Promise.resolve(), proxy: new Proxy({}, {}), arrayProxy: new Proxy([], {}), weakMap: new WeakMap(),
    weakSet: new WeakSet(), weakRef: new WeakRef({}), registry: new FinalizationRegistry(() => 1), generator: (function* () {})(), asyncGenerator: (async function* () {})(),
    arrayIterator: [][Symbol.iterator](), mapIterator: new Map().entries(), setIterator: new Set().values(), stringIterator: ''[Symbol.iterator](), matches: 'a'.matchAll(/a/g),
    arguments: (function () { return arguments; })(), global: globalThis, host: host, memory: new WebAssembly.Memory({ initial: 0 }), format: new Intl.NumberFormat(),
  })) {
    refused(value, name);
    refused([{ value }], `${name} within`);
  }
}, 'what cannot be cloned is refused');

test(() => {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]).buffer;
  const copy = structuredClone(buffer);
  assert_not_equals(copy, buffer);
  assert_array_equals(new Uint8Array(copy), new Uint8Array(buffer));
  const types = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array];
  const views = structuredClone([...types.map((Type) => new Type(buffer, 8, 1)), new DataView(buffer, 3, 5)]);
  types.forEach((Type, i) => {
    assert_equals(Object.getPrototypeOf(views[i]), Type.prototype);
    assert_equals(views[i].length, 1);
    assert_equals(views[i].byteOffset, 8);
    assert_equals(views[i].buffer, views[0].buffer);
    assert_equals(views[i][0], new Type(buffer, 8, 1)[0]);
  });
  assert_equals(views[11].getUint8(0), 4);
  assert_equals(views[11].byteLength, 5);
  assert_equals(views[0].buffer.byteLength, 16);
  views[1][0] = 99;
  assert_equals(new Uint8Array(buffer)[8], 9);
  const small = new Float32Array([1.5, 2.5]);
  small.extra = 1;
  assert_array_equals(structuredClone(small), [1.5, 2.5]);
  assert_equals(structuredClone(small).extra, undefined);
  const shared = new SharedArrayBuffer(4);
  const same = structuredClone(new Int32Array(shared));
  assert_true(same.buffer instanceof SharedArrayBuffer);
  assert_not_equals(same.buffer, shared);
  same[0] = 7;
  assert_equals(new Int32Array(shared)[0], 7);
}, 'buffers and views of every kind');

test(() => {
  const view = new Uint8Array([1, 2, 3]);
  const { buffer } = view;
  const other = new ArrayBuffer(8);
  const copy = structuredClone({ view, buffer, kept: 1 }, { transfer: [buffer, other] });
  assert_equals(view.length, 0);
  assert_equals(buffer.byteLength, 0);
  assert_equals(other.byteLength, 0);
  assert_array_equals(copy.view, [1, 2, 3]);
  assert_equals(copy.view.buffer, copy.buffer);
  refused(buffer, 'detached');
  refused(view, 'a view on a detached one');
  assert_throws_dom('DataCloneError', () => structuredClone(1, { transfer: [buffer] }), 'detached');
}, 'buffers are transferred');

test(() => {
  const buffer = new ArrayBuffer(8);
  assert_throws_dom('DataCloneError', () => structuredClone(1, { transfer: [buffer, buffer] }), 'twice');
  assert_throws_dom('DataCloneError', () => structuredClone(1, { transfer: [{}] }), 'an object');
  assert_throws_dom('DataCloneError', () => structuredClone(1, { transfer: [new SharedArrayBuffer(1)] }), 'shared');
  assert_throws_dom('DataCloneError', () => structuredClone(() => 1, { transfer: [buffer] }), 'a value that is refused');
  assert_throws_js(TypeError, () => structuredClone(1, { transfer: [1] }));
  assert_throws_js(TypeError, () => structuredClone(1, { transfer: {} }));
  assert_throws_js(TypeError, () => structuredClone(1, { transfer: [new WebAssembly.Memory({ initial: 1 }).buffer] }));
  assert_equals(buffer.byteLength, 8);
  assert_equals(structuredClone(1, { transfer: new Set([buffer]) }), 1);
  assert_equals(buffer.byteLength, 0);
}, 'a transfer that fails detaches nothing');

test(() => {
  const buffer = new ArrayBuffer(65536);
  function Module(stdlib, foreign, heap) {
    'use asm';
    var view = new stdlib.Int32Array(heap);
    function first() {
      return view[0] | 0;
    }
    return { first: first };
  }
  let instance;
  const value = { get a() { return (instance = Module(globalThis, {}, buffer)) && 1; } };
  // V8 takes it for asm.js, or for a function as any other.
  try {
    structuredClone(value, { transfer: [buffer] });
    assert_equals(buffer.byteLength, 0);
  } catch (error) {
    assert_equals(error.name, 'DataCloneError');
    assert_equals(instance.first(), 0);
  }
}, 'a buffer that becomes memory of asm.js on the way');

test(() => {
  if (!('resizable' in ArrayBuffer.prototype)) return;
  const buffer = new ArrayBuffer(8192, { maxByteLength: 65536 });
  const value = { get a() { buffer.resize(0); return new Uint8Array(buffer); } };
  assert_throws_dom('DataCloneError', () => structuredClone(value, { transfer: [buffer] }));
}, 'a buffer that is resized on the way');

test(() => {
  const module = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  const copy = structuredClone(module);
  assert_true(copy instanceof WebAssembly.Module);
  assert_not_equals(copy, module);
  new WebAssembly.Instance(copy);
}, 'modules of WebAssembly');

test(() => {
  const error = Object.defineProperty(new Error('m'), 'message', { get: () => 1 });
  const results = [];
  Object.defineProperty(Object.prototype, 'own', { set: () => assert_unreached(), configurable: true });
  Object.prototype.value = 1;
  try {
    results.push(structuredClone({ own: 5 }), structuredClone([1, { own: 6 }]), structuredClone(error));
  } finally {
    for (const name of ['value', 'own']) delete Object.prototype[name];
  }
  assert_equals(results[0].own, 5);
  assert_equals(results[1][1].own, 6);
  assert_equals(results[2].message, '');
}, 'changed prototypes change nothing');
