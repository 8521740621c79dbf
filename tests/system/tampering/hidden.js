// SPDX-License-Identifier: Apache-2.0
// What a script's function that the prelude calls finds out about who called it: a sloppy one, as these have a caller; the
// others here are strict, so that they are nobody's.
'use strict';
const found = new Set(); // texts
let count = 0;
const mine = new Set();
const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
const look = (value, how) => {
  if (isObject(value) && !mine.has(value)) found.add(`${how}: ${typeof value === 'function' ? `function ${value.name}` : Object.prototype.toString.call(value)}`);
};
const attempt = (action, how) => {
  try {
    look(action(), how);
  } catch {}
};

// Returned by each probe; an object with all that somebody may ask it for.
let lookAround;
const probe = new Function('look', 'attempt', 'lookAround', `return function probe() {
  lookAround(probe, arguments);
  return '';
}
//# sourceURL=probe`)(look, attempt, (self, list) => lookAround(self, list));
lookAround = (self, list) => {
  ++count;
  attempt(() => self.caller, 'caller');
  attempt(() => list.callee.caller, 'callee.caller');
  // The prelude's own functions that are further up.
  for (let caller = self.caller, i = 0; caller && i < 10; ++i) {
    look(caller, `caller ${i}`);
    attempt(() => caller.arguments, `arguments of caller ${i}`);
    try {
      caller = caller.caller;
    } catch {
      break;
    }
  }
  const sites = new Error().stack;
  for (const site of sites) {
    const where = `${site.getScriptNameOrSourceURL()}`;
    if (where === 's' || where === 'probe') continue;
    for (const how of ['getFunction', 'getThis', 'getEvalOrigin']) {
      const value = site[how]();
      if (isObject(value) && value !== globalThis) found.add(`${how} in ${where}: ${typeof value === 'function' ? `function ${value.name}` : Object.prototype.toString.call(value)}`);
    }
  }
};
for (const value of [globalThis, probe, look, attempt, lookAround]) mine.add(value);

const texted = { toString: probe };
const getters = (...names) => Object.defineProperties({}, Object.fromEntries(names.map((name) => [name, { get: probe, enumerable: true }])));
const traps = new Proxy({}, { get: probe, has: probe, ownKeys: () => (probe(), []), getOwnPropertyDescriptor: () => void probe(), getPrototypeOf: () => (probe(), null) });

const calls = {
  async events() {
    const target = new EventTarget();
    target.addEventListener('x', probe);
    target.addEventListener('x', { get handleEvent() { return probe; } });
    target.dispatchEvent(new Event('x'));
    new AbortController().signal.addEventListener('abort', probe);
    const controller = new AbortController();
    controller.signal.onabort = probe;
    controller.abort();
    addEventListener('error', function (event) { probe(); event.preventDefault(); });
    reportError(new Error('x'));
  },
  async 'forEach'() {
    new Headers({ a: 'b' }).forEach(probe);
    new URLSearchParams('a=b').forEach(probe);
    const form = new FormData();
    form.append('a', texted);
    form.forEach(probe);
  },
  async conversions() {
    for (const call of [() => atob(texted), () => btoa(texted), () => new URL(texted), () => new URLPattern(texted), () => new TextEncoder().encode(texted), () => new TextDecoder(texted), () => new Headers({ a: texted }), () => new Request(texted), () => new Blob([texted]), () => new DOMException(texted), () => performance.mark(texted),
      () => new TextDecoder('utf-8', getters('fatal')), () => new Request('http://a/', getters('method', 'body', 'headers')), () => new Response('', getters('status')), () => new Event('x', getters('bubbles')), () => structuredClone(getters('a', 'b')), () => structuredClone(traps), () => new Blob({ [Symbol.iterator]: probe }), () => new URLSearchParams(traps), () => new Headers(traps),
      () => new Blob([new Uint8Array(1)], getters('type', 'endings')), () => Buffer.from({ valueOf: probe }), () => AbortSignal.timeout({ valueOf: probe }), () => new FormData().append('a', texted)]) try {
      call();
    } catch {}
  },
  async console() {
    console.log('%s %d %o', texted, { valueOf: probe }, getters('a'), traps, { [Symbol.for('nodejs.util.inspect.custom')]: probe }, { get constructor() { return probe(); } });
    console.table([getters('a')]);
    console.log({ get [Symbol.toStringTag]() { return probe(); } });
  },
  async streams() {
    const source = { start: probe, pull(controller) { probe(); controller.enqueue(1); controller.close(); }, cancel: probe };
    const reader = new ReadableStream(source, { size: probe, highWaterMark: 0 }).getReader();
    await reader.read().catch(() => {});
    const transform = new TransformStream({ start: probe, transform: probe, flush: probe });
    const writer = transform.writable.getWriter();
    writer.write(1).catch(() => {});
    writer.close().catch(() => {});
    await transform.readable.getReader().read();
    await new ReadableStream({ type: 'bytes', pull(controller) { probe(); controller.close(); controller.byobRequest?.respond(0); } }).getReader({ mode: 'byob' }).read(new Uint8Array(1));
    await new WritableStream({ start: probe, write: probe, close: probe, abort: probe }).getWriter().write(1);
  },
  async crypto() {
    await crypto.subtle.digest({ get name() { probe(); return 'SHA-1'; } }, new Uint8Array(1));
    await crypto.subtle.importKey('jwk', getters('kty', 'k'), 'HMAC', true, []).catch(() => {});
    await crypto.subtle.importKey('raw', new Uint8Array(16), { name: 'HMAC', get hash() { probe(); return 'SHA-1'; } }, true, { *[Symbol.iterator]() { probe(); yield 'sign'; } });
  },
  async tasks() {
    await new Promise((resolve) => {
      setTimeout(probe, 0);
      setImmediate(probe);
      queueMicrotask(probe);
      process.nextTick(probe);
      setTimeout(resolve, 2);
    });
  },
  async messages() {
    const { port1, port2 } = new MessageChannel();
    await new Promise((resolve) => {
      port2.onmessage = function () { probe(); resolve(); };
      port1.postMessage(getters('a'));
    });
    await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = probe;
      reader.onloadend = function () { probe(); resolve(); };
      reader.readAsText(new Blob(['x']));
    });
    await new Promise((resolve) => {
      new PerformanceObserver(function () { probe(); resolve(); }).observe({ entryTypes: ['mark'] });
      performance.mark('x');
    });
  },
  async 'host calls'() {
    await host.call('echo', getters('a'), { toJSON: probe });
    await fetch('http://a.example/', getters('method', 'headers')).catch(() => {});
  },
  async language() {
    [1].values().map(probe).toArray();
    Object.groupBy([1], probe);
    new Set([1]).union({ size: 1, has: probe, keys: () => [].values() });
    await Array.fromAsync([1], probe);
    new Map().getOrInsertComputed(1, probe);
  },
};

// What the functions themselves give away.
function askFunctions() {
  for (const f of [atob, URL, structuredClone, setTimeout, host.call, console.log, ReadableStream.prototype.getReader, Buffer.from, queueMicrotask, fetch])
    for (const name of ['caller', 'arguments', 'prototype', 'native', 'require', 'exports', 'intrinsics']) attempt(() => (name === 'prototype' ? undefined : f[name]), `${f.name}.${name}`);
  for (const name of ['native', 'require', 'module', 'exports', 'intrinsics', '$$push_1']) attempt(() => (0, eval)(name), `the name ${name}`);
  attempt(() => (0, eval)('%DebugGetLoadedScriptIds()'), 'syntax of natives');
}

// [how often a probe was called, what it found]
async function lookForHidden() {
  Error.prepareStackTrace = (error, sites) => sites;
  Error.stackTraceLimit = 100;
  for (const name in calls) await calls[name]();
  askFunctions();
  Error.prepareStackTrace = undefined;
  return [count, [...found]];
}
