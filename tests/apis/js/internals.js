// SPDX-License-Identifier: Apache-2.0
// What the prelude is made of cannot be had by a script: no native function, no function or object of a group.
{
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
  const source = (value) => Function.prototype.toString.call(value);
  // Of V8: what `arguments.callee` throws by, and, from 12 on, what `stack` of an error asks.
  const throwTypeError = (function () { 'use strict'; return Object.getOwnPropertyDescriptor(arguments, 'callee').get; })();
  const stack = Object.getOwnPropertyDescriptor(new Error(), 'stack');
  const namelessOfV8 = new Set([Function.prototype, throwTypeError, stack.get, stack.set]);

  const made = () => {
    const stream = new ReadableStream({ type: 'bytes' });
    const transform = new TransformStream();
    return [
      console, performance, navigator, crypto, crypto.subtle, host, new EventTarget(), new Event('x'), new AbortController(), new URL('x:y'),
      new URLSearchParams('a=b').entries(), new Headers({ a: 'b' }).entries(), new FormData(), new Blob(['x']), new File([], 'x'),
      new Request('http://a/', { method: 'POST', body: 'x' }), new Response('x'), new Response('x').body, stream, stream.getReader({ mode: 'byob' }), new ReadableStream().values(),
      new WritableStream().getWriter(), transform, new TextDecoder(), new TextDecoder('big5'), new TextEncoder(), new CompressionStream('gzip'), new DecompressionStream('gzip'),
      new TextDecoderStream(), new DOMException('x'), new URLPattern({}).exec('x:y'), performance.mark('a'), new PerformanceObserver(() => {}),
      [].values().map((x) => x), Iterator.from({ next() {} }), AbortSignal.timeout(1), new ByteLengthQueuingStrategy({ highWaterMark: 1 }),
    ];
  };
  const reachable = (roots) => {
    const paths = new Map(roots.map((root, i) => [root, i === 0 ? 'globalThis' : Object.prototype.toString.call(root)]));
    for (const [object, path] of paths) {
      const add = (value, how) => isObject(value) && !paths.has(value) && paths.set(value, path + how);
      add(Object.getPrototypeOf(object), '.__proto__');
      for (const key of Reflect.ownKeys(object)) {
        const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key);
        const name = `.${String(key)}`;
        add(value, name), add(get, `${name} (get)`), add(set, `${name} (set)`);
      }
    }
    return paths;
  };
  const paths = reachable([globalThis, ...made()]);

  test(() => {
    assert_true(paths.size > 1000, `only ${paths.size} objects are reached`);
    // Native functions have neither a name nor a length.
    for (const [object, path] of paths)
      if (typeof object === 'function' && !namelessOfV8.has(object) && object.name === '' && object.length === 0)
        assert_false(/\[native code\]/.test(source(object)), path);
  }, 'no native function can be reached');

  test(() => {
    for (const [object, path] of paths)
      for (const name of ['decodeUtf8', 'newCodec', 'warmUp', 'setPlatform', 'dispatchTrusted', 'makeBlob']) assert_false(Object.hasOwn(object, name), `${path}.${name}`);
    assert_equals(typeof require, 'undefined');
    assert_equals(typeof module, 'undefined');
    assert_equals(typeof exports, 'undefined');
  }, 'no exports of a group can be reached');

  // Functions of the script that are called by the prelude.
  const calledBy = (look) => {
    const seen = [];
    function f() {
      seen.push(look(f));
      return 'x:y';
    }
    new ReadableStream({ start: f });
    new URL({ toString: f });
    new TextEncoder().encode({ toString: f });
    console.debug({ get [Symbol.toStringTag]() { return f(); } });
    const target = new EventTarget();
    target.addEventListener('x', f);
    target.dispatchEvent(new Event('x'));
    new Headers({ get a() { return f(); } });
    structuredClone({ get a() { return f(); } });
    new Set([1]).union({ size: 1, has() {}, keys() { f(); return [].values(); } });
    Object.groupBy([1], f);
    [1].values().map(f).toArray();
    return seen;
  };
  const isOurs = (value) => value === null || value === undefined || source(calledBy).includes(source(value));

  test(() => {
    for (const caller of calledBy((f) => f.caller)) assert_true(isOurs(caller), String(caller).slice(0, 100));
  }, 'the caller of a callback is not told');

  test(() => {
    const { prepareStackTrace } = Error;
    Error.prepareStackTrace = (error, sites) => sites.map((site) => [site.getFileName(), site.getFunction(), site.getThis()]);
    const stacks = calledBy(() => new Error('x').stack);
    Error.prepareStackTrace = prepareStackTrace;
    assert_equals(stacks.length, 10);
    for (const stack of stacks)
      for (const [file] of stack) assert_false(/^lethe:|^node:/.test(String(file)), String(file));
  }, 'stacks have no frames of the prelude');

  test(() => {
    assert_true(Object.isFrozen(host));
    assert_throws_js(TypeError, () => { 'use strict'; host.call = () => {}; });
  }, 'host is frozen');
}

test(() => {
  const without = (prototype) => Object.assign(function () {}, { prototype });
  const sources = {
    AbortController: [], Blob: [], BroadcastChannel: ['x'], ByteLengthQueuingStrategy: [{ highWaterMark: 1 }], CompressionStream: ['gzip'],
    CountQueuingStrategy: [{ highWaterMark: 1 }], CustomEvent: ['x'], DecompressionStream: ['gzip'], DOMException: [], ErrorEvent: ['x'],
    DisposableStack: [], AsyncDisposableStack: [], Event: ['x'], EventTarget: [], File: [[], 'x'], FileReader: [], FormData: [], Headers: [],
    MessageChannel: [], MessageEvent: ['x'], ReadableStream: [], Request: ['http://a/'], Response: [], TextDecoder: [], TextDecoderStream: [],
    TextEncoder: [], TextEncoderStream: [], TransformStream: [], URL: ['http://a/'], URLPattern: [{}], URLSearchParams: [], WritableStream: [],
  };
  for (const [name, args] of Object.entries(sources)) {
    const Interface = globalThis[name];
    if (Interface === undefined) continue;
    for (const prototype of [null, undefined, 5, 'text'])
      assert_equals(Object.getPrototypeOf(Reflect.construct(Interface, args, without(prototype))), Interface.prototype, name);
    const own = Object.create(Interface.prototype);
    assert_equals(Object.getPrototypeOf(Reflect.construct(Interface, args, without(own))), own, name);
    assert_equals(Object.getPrototypeOf(Reflect.construct(Interface, args, without(Object.prototype))), Object.prototype, name);
    assert_equals(Object.getPrototypeOf(new (class extends Interface {})(...args)).constructor.prototype instanceof Interface, true, name);
  }
}, 'where new.target has no prototype, an object has that of its interface');
