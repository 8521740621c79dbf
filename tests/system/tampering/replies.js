// SPDX-License-Identifier: Apache-2.0
// Values of every kind, errors and answers of the client, returned from a world that has been polluted.
const { Promise: Pledge, RangeError: OutOfRange, Reflect: { apply } } = globalThis;
const { then } = Promise.prototype;
const { call } = host;
const later = setTimeout;

const made = {
  map: new Map([['one', 1], ['two', [2]]]),
  set: new Set([1, 'a']),
  date: new Date(1e12),
  bytes: new Uint8Array([0, 255]),
  view: new DataView(new ArrayBuffer(1)),
  boxed: [new String('s'), new Number(1.5), new Boolean(false)],
  instance: new (class Point { x = 1; #y = 2; get y() { return this.#y; } })(),
};
const values = () => ({ nothing: null, undefined: undefined, list: [1, -0.5, 'é😀', true, undefined, [[]]], big: 2n ** 60n, nested: { a: { b: { 'c d': [{}] } } }, f() {}, __proto__: { inherited: 1 }, ...made });

const ignore = () => {};
const attemptAll = (which) => {
  for (let i = 0; i < attempts.length; ++i)
    if (which === null || which === i) try {
      const result = attempts[i]();
      if (result instanceof Pledge) apply(then, result, [ignore, ignore]);
    } catch {}
};
const { defineProperty: define, ownKeys } = Reflect;
const world = globalThis;
const kept = { console, structuredClone, TextDecoder, TextEncoder, URL, URLPattern, atob, btoa, crypto, ReadableStream, TransformStream, CompressionStream, fetch, Response, AbortController, AbortSignal, dispatchEvent, CustomEvent, reportError, performance, queueMicrotask, setImmediate, setTimeout, host };
const keptNames = ownKeys(kept);

// One is tried, with what was taken before, or all. What the script gets to see then is its own fault.
function attempted(way, which) {
  pollute(way);
  for (let i = 0; i < keptNames.length; ++i) define(world, keptNames[i], { __proto__: null, value: kept[keptNames[i]], configurable: true, writable: true });
  attemptAll(which);
  return new Pledge((resolve) => later(resolve, 5, 'done'));
}
define(world, 'again', { value: () => values() }); // the only function here that cannot be changed
const countAttempts = () => attempts.length;

function returned(way) {
  pollute(way);
  return values();
}
function resolvedLater(way) {
  return new Pledge((resolve) => {
    later(() => resolve(values()), 1);
    pollute(way);
  });
}
function thrown(way) {
  pollute(way);
  throw new OutOfRange('thrown on purpose');
}
function missing(way) {
  pollute(way);
  return null.property;
}
function asked(way) {
  pollute(way);
  return call('echo', values());
}
