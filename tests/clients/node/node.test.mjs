// SPDX-License-Identifier: Apache-2.0
// What concerns Node.js alone: its values, signals, processes and threads, broken daemons, retries, the private daemon.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';

import { Daemon, inTime, lethe, LIBRARY, PACKAGE, PATIENCE, ROOT, run, until } from './harness.mjs';

const { fromReply } = await import(join(PACKAGE, 'lib', 'errors.js'));
const { Framer } = await import(join(PACKAGE, 'lib', 'framing.js'));
const { Request } = await import(join(PACKAGE, 'lib', 'request.js'));
const { Call, Session } = await import(join(PACKAGE, 'lib', 'session.js'));
const { pack, plain, settled, unpack } = await import(join(PACKAGE, 'lib', 'values.js'));

const SLOW = 60_000; // the longest deadline that the pool gives: it is not what ends the test

let daemon;
let js;
before(async () => {
  daemon = await Daemon.start('pool.default.deadline_ms=20000', 'pool.default.load_deadline_ms=30000'); // be the machine busy
});
after(() => daemon.end());
beforeEach(async () => {
  js = await lethe.connect({ socket: daemon.socket });
});
afterEach(() => js.close());

/** What it rejects with. */
async function failure(promise) {
  return inTime(promise.then((value) => assert.fail(`no error but ${value}`), (error) => error));
}

async function inFlight() {
  return (await js.request('stats')).in_flight;
}

describe('values', () => {
  /** As JSON.stringify() has it in the script. */
  const seen = (x) => js.eval('JSON.stringify(x)', { globals: { x } });
  const back = (x) => js.eval('x', { globals: { x } });

  test('what is undefined is left out of objects, and null in arrays', async () => {
    assert.equal(await seen({ a: undefined, b: [undefined, , 1], c: { d: undefined } }), '{"b":[null,null,1],"c":{}}');
    assert.equal(await js.eval('JSON.stringify(x)', { globals: { x: 1, y: undefined } }), '1');
  });

  test('sets, classes, boxed values, errors, toJSON and objects without a prototype', async () => {
    class Point {
      x = 1;
      #hidden = 2;
      get area() {
        return this.#hidden;
      }
    }
    const bare = Object.assign(Object.create(null), { a: 1 });
    assert.equal(await seen([new Set([1, [2]]), new Point(), bare, Object('s'), Object(1n), new URL('http://a/b'), { toJSON: () => [1] }]),
      '[[1,[2]],{"x":1},{"a":1},"s",1,"http://a/b",[1]]');
    assert.deepEqual(Object.keys(await back(new TypeError('no', { cause: 1 }))), ['name', 'message', 'stack', 'cause']);
  });

  test('bytes of any kind arrive as a Uint8Array that is their own', async () => {
    const buffer = Buffer.from('abc').subarray(1);
    const words = new Uint16Array([258, 772]);
    const got = await back([buffer, new Uint8Array([1]), words, new DataView(words.buffer, 1, 2), words.buffer, new SharedArrayBuffer(2), buffer.buffer.slice(0, 0)]);
    assert.deepEqual(got, [[98, 99], [1], [2, 1, 4, 3], [1, 4], [2, 1, 4, 3], [0, 0], []].map((each) => new Uint8Array(each)));
    for (const each of got) assert.equal(Object.getPrototypeOf(each), Uint8Array.prototype);
    const copy = got[0].slice();
    for (let n = 0; n < 20; n += 1) await js.eval('x', { globals: { x: new Uint8Array(1000).fill(n) } });
    assert.deepEqual(got[0], copy);
  });

  test('values of another realm', async () => {
    const [date, map, set, array] = vm.runInNewContext('[new Date(5), new Map([[1, 2]]), new Set([1]), [new Uint8Array([7]), {a: -0}]]');
    assert.deepEqual(await back([date, map, set, array]), [new Date(5), new Map([[1, 2]]), [1], [new Uint8Array([7]), { a: -0 }]]);
    class Special extends Map {}
    assert.deepEqual(await back(new Special([[1, 2]])), new Map([[1, 2]]));
  });

  test('numbers', async () => {
    const numbers = [0, -0, 1, -1, 127, 128, -32, -33, 255, 256, 65535, 65536, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, 1 - 2 ** 53, 2 ** 53, -(2 ** 63),
      2 ** 64, 1e308, 5e-324, 0.1, NaN, Infinity, -Infinity];
    assert.deepEqual(await back(numbers), numbers);
    assert.equal(await js.eval('x.every((each) => typeof each === "number")', { globals: { x: numbers } }), true);
    const wide = [2n ** 53n, -(2n ** 53n), 2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n];
    assert.deepEqual(await back(wide), wide);
    assert.deepEqual(await back([5n, 2n ** 53n - 1n, 1n - 2n ** 53n, -0]), [5, 2 ** 53 - 1, 1 - 2 ** 53, -0]);
    assert.deepEqual(await back(new Map([[-0, -0], [2n ** 60n, NaN]])), new Map([[0, -0], [2n ** 60n, NaN]]));
  });

  test('texts that begin with a mark of byte order, of all lengths', async () => {
    const texts = [0, 10, 61, 62, 63, 64, 65, 66, 70, 253, 254, 300, 70_000].flatMap((n) => ['', 'x', '\ufeff', 'ä', '😀', '\0'].map((each) => `\ufeff${each.repeat(n)}`));
    assert.deepEqual(await back(texts), texts);
    assert.deepEqual(await back({ [texts[20]]: texts[21], [texts[30]]: 1 }), { [texts[20]]: texts[21], [texts[30]]: 1 });
  });

  test('dates, every millisecond of a second and the first and last', async () => {
    const dates = Array.from({ length: 1000 }, (_, n) => new Date(1_700_000_000_000 + n));
    dates.push(...Array.from({ length: 1000 }, (_, n) => new Date(-1_700_000_000_000 - n)), new Date(8.64e15), new Date(-8.64e15), new Date(0), new Date(-1));
    assert.deepEqual(await back(dates), dates);
    assert.ok(await js.eval('x.every((date, n) => date.getTime() === y[n])', { globals: { x: dates, y: dates.map(Number) } }));
  });

  test('maps and objects of many keys', async () => {
    const object = Object.fromEntries(Array.from({ length: 70_000 }, (_, n) => [`k${n}`, n]));
    assert.deepEqual(await back(object), object);
    const map = new Map(Array.from({ length: 70_000 }, (_, n) => [n, n]));
    assert.deepEqual(await back(map), map);
  });

  test('what has no counterpart says where it is and what to give', async () => {
    const cycle = { a: [{}] };
    cycle.a[0].b = cycle;
    const deep = Array.from({ length: 257 }).reduce((inner) => [inner], 1);
    for (const [value, advice, path] of [
      [{ f() {} }, 'host()', '$.x.f'], [[Symbol('s')], 'symbol', '$.x[0]'], [{ when: new Date(NaN) }, 'invalid Date', '$.x.when'],
      [[[2n ** 64n]], 'beyond 64 bits', '$.x[0][0]'], [[-(2n ** 63n) - 1n], 'beyond 64 bits', '$.x[0]'], [new Map([['k', [Symbol.iterator]]]), 'symbol', '$.x.k[0]'],
      [{ a: Promise.resolve(1) }, 'await', '$.x.a'], [cycle, 'contains itself', undefined], [deep, 'deeper than', undefined],
    ]) {
      const error = await failure(js.eval('1', { globals: { x: value } }));
      assert.ok(error instanceof lethe.InvalidValue);
      assert.ok(error.message.includes(advice), error.message);
      if (path) assert.equal(error.path, path);
    }
    assert.equal((await failure(js.call('a', 'f', [{ x: [() => {}] }]))).path, '$[0].x[0]');
    assert.equal(await js.eval('1'), 1);
  });

  test('as much nesting as the daemon takes', async () => {
    const nested = (n) => Array.from({ length: n }).reduce((inner) => [inner], 1);
    await js.put('node/nested', 'function f(x) { return x; }');
    assert.deepEqual(await back(nested(256)), nested(256));
    assert.deepEqual(await js.call('node/nested', 'f', [nested(256)]), nested(256));
    js.host('f', (n) => nested(n));
    assert.deepEqual(await js.eval('host.call("f", 256)'), nested(256));
    assert.equal(await js.eval('host.call("f", 257).catch((error) => error.code)'), 'invalid_value');
    assert.ok((await failure(js.call('node/nested', 'f', [nested(257)]))) instanceof lethe.InvalidValue);
  });

  test('a script pollutes no prototype', async () => {
    const result = await js.eval('JSON.parse(`[{"__proto__": {"polluted": 1}}, {"constructor": {"prototype": {"polluted": 1}}}, {"a": {"__proto__": {"polluted": 1}}}]`)');
    assert.equal({}.polluted, undefined);
    assert.equal(result[0].polluted, undefined);
    assert.deepEqual(Object.keys(result[0]), ['__proto__']);
    assert.equal(Object.getPrototypeOf(result[0]), Object.prototype);
    assert.equal(Object.getPrototypeOf(result[2].a), Object.prototype);
    assert.equal(await seen(result), '[{"__proto__":{"polluted":1}},{"constructor":{"prototype":{"polluted":1}}},{"a":{"__proto__":{"polluted":1}}}]');
    const error = await failure(js.eval('throw Object.assign(new Error("x"), JSON.parse(`{"__proto__": {"polluted": 1}, "stack": 5, "code": "not_found"}`))'));
    assert.ok(error instanceof lethe.ScriptError);
    assert.equal(error.polluted, undefined);
    assert.equal(error.properties.polluted, undefined);
    js.host('f', (x) => x.polluted === undefined && Object.keys(x)[0] === '__proto__');
    assert.equal(await js.eval('host.call("f", JSON.parse(`{"__proto__": {"polluted": 1}}`))'), true);
  });

  test('no add-on is loaded', async () => {
    assert.equal((await import(join(PACKAGE, 'node_modules', 'msgpackr', 'index.js'))).isNativeAccelerationEnabled, false);
  });

  test('any value of JavaScript through MessagePack and back', () => {
    let state = 1;
    const chance = (n) => {
      state = (state * 48271) % 0x7fffffff;
      return state % n;
    };
    const any = (depth) => {
      switch (chance(depth > 5 ? 9 : 12)) {
        case 0: return null;
        case 1: return chance(2) === 0;
        case 2: return chance(1 << 20) - (1 << 19);
        case 3: return (chance(1 << 30) - (1 << 29)) * 2 ** (chance(60) - 30);
        case 4: return (2n ** 54n + BigInt(chance(1 << 30)) ** 2n) * [1n, -1n][chance(2)];
        case 5: return String.fromCodePoint(...Array.from({ length: chance(100) }, () => [chance(128), 0xfeff, 0x10000 + chance(1000), 0x80 + chance(0x700)][chance(4)]));
        case 6: return new Uint8Array(chance(300)).fill(chance(256));
        case 7: return new Date((chance(1 << 30) - (1 << 29)) * chance(1 << 22));
        case 8: return ['', -0, NaN, Infinity, '__proto__'][chance(5)];
        case 9: return Array.from({ length: chance(20) }, () => any(depth + 1));
        case 10: return Object.fromEntries(Array.from({ length: chance(20) }, () => [['a', 'b', 'constructor', `k${chance(99)}`][chance(4)], any(depth + 1)]));
        default: return new Map([[chance(9), any(depth + 1)], ...Array.from({ length: chance(5) }, () => [any(depth + 1), any(depth + 1)])]);
      }
    };
    for (let n = 0; n < 3000; n += 1) {
      const value = any(0);
      const bytes = new Uint8Array(pack([1, 1, null, plain(value)]));
      const cut = chance(bytes.length);
      const call = new Call();
      const session = new Session(() => assert.fail(), () => assert.fail());
      session.inFlight.set(1, call);
      session.receive(bytes.slice(0, cut), cut);
      assert.equal(call.done, false);
      session.receive(bytes.slice(cut), bytes.length - cut);
      assert.deepEqual(call.value, value);
    }
  });
});

describe('errors', () => {
  test('every code of the protocol has a class', () => {
    const text = readFileSync(join(ROOT, 'client', 'PROTOCOL.md'), 'utf8');
    const table = text.slice(text.indexOf('| code | further keys')).split('\n\n')[0].split('\n').slice(2);
    const codes = table.flatMap((line) => [...line.split('|')[1].matchAll(/`(.*?)`/g)].map(([, code]) => code));
    assert.ok(codes.length > 15);
    for (const code of codes) assert.notEqual(fromReply({ code, message: '' }).constructor, lethe.LetheError, code);
  });

  test('a code of a later version is a LetheError', () => {
    const error = fromReply({ code: 'brand_new', message: 'so', more: 1 });
    assert.deepEqual([error.constructor, error.code, error.message, error.details.more, error.name], [lethe.LetheError, 'brand_new', 'so', 1, 'LetheError']);
    assert.equal(fromReply('text').message, 'text');
  });

  test('stacks have the script and the program that asked for it', async () => {
    async function theProgram() {
      await js.eval('function inner() { throw new TypeError("boom", {cause: new RangeError("why")}); }\ninner()');
    }
    const error = await failure(theProgram());
    assert.match(error.stack, /^TypeError: boom\n {4}at inner \(eval:1:26\)\n {4}at eval:2:1\n {4}at async theProgram \(/);
    assert.equal(String(error), 'TypeError: boom');
    assert.equal(error.place, 'eval:1:20');
    assert.ok(error.cause instanceof lethe.ScriptError);
    assert.match(error.cause.stack, /^RangeError: why\n {4}at inner \(eval:1:\d+\)/);
    const late = fromReply({ code: 'deadline_exceeded', message: 'late', stack: '    at spin (eval:1:34)' });
    assert.match(late.stack, /^TimeoutError: late\n {4}at spin \(eval:1:34\)\n {4}at .*node\.test\.mjs/);
    const invalid = await failure(theSender());
    async function theSender() {
      await js.eval('1', { globals: { x: () => {} } });
    }
    assert.match(invalid.stack, /theSender/);
  });

  test('wrong options are TypeErrors, and not sent', async () => {
    for (const options of [{ deadline: '100' }, { deadline: NaN }, { signal: 1 }]) {
      assert.ok((await failure(js.eval('1', options))) instanceof TypeError);
    }
    assert.throws(() => js.host('a', 1), TypeError);
    assert.ok((await failure(js.script('a').put())) instanceof TypeError);
    assert.equal((await failure(js.eval('1', { memoryMegabytes: 1 }))).code, 'invalid_request');
    assert.equal(await js.eval('1', { memoryMb: 64, cpu_ms: 1000, deadline: Infinity, trace: undefined }), 1);
  });

  test('forbidden', { skip: process.getuid() !== 0 && 'only root can become somebody else' }, async () => {
    const { chmodSync } = await import('node:fs');
    chmodSync(daemon.socket, 0o666);
    const seen = run(`
      const { connect } = await import(process.argv[1]);
      process.setgid(65534); process.setuid(65534);
      const js = await connect({ socket: process.argv[2] });
      console.log(await js.put('a', '1').catch((error) => error.constructor.name));
      console.log(await js.script('nobody/knows', { source: 'function f() {}' }).f().catch((error) => error.kind));
    `, daemon.socket);
    assert.equal(seen, 'Forbidden\nscript\n');
  });
});

describe('signals', () => {
  test('an aborted request rejects at once, and its script ends', async () => {
    const controller = new AbortController();
    const begun = new Promise((resolve) => js.host('begun', resolve));
    const running = failure(js.eval('host.call("begun").then(() => { while (true); })', { signal: controller.signal }));
    await inTime(begun);
    controller.abort('enough');
    const error = await running;
    assert.deepEqual([error.constructor, error.name, error.code, error.cause], [lethe.Cancelled, 'AbortError', 'cancelled', 'enough']);
    await until(async () => (await inFlight()) <= 1);
  });

  test('AbortSignal.timeout()', async () => {
    const error = await failure(js.eval('while (true);', { signal: AbortSignal.timeout(50) }));
    assert.deepEqual([error.constructor, error.cause.name], [lethe.Cancelled, 'TimeoutError']);
  });

  test('an aborted signal sends nothing', async () => {
    const calls = (await js.request('stats')).requests ?? 0;
    assert.ok((await failure(js.eval('1', { signal: AbortSignal.abort() }))) instanceof lethe.Cancelled);
    assert.ok(((await js.request('stats')).requests ?? 1) <= calls + 1);
  });

  test('requests that are aborted in the turn in which they were sent are not run to their end', async () => {
    const controller = new AbortController();
    const running = failure(js.eval('while (true);', { signal: controller.signal }));
    controller.abort();
    assert.ok((await running) instanceof lethe.Cancelled);
    await until(async () => (await inFlight()) <= 1);
  });

  test('one signal for many requests, without a warning', async () => {
    const warnings = [];
    const warned = (warning) => warnings.push(warning);
    process.on('warning', warned);
    const controller = new AbortController();
    const running = Array.from({ length: 100 }, () => failure(js.eval('new Promise((r) => setTimeout(r, 20000))', { signal: controller.signal, deadline: 25_000 })));
    await sleep(100);
    controller.abort();
    for (const error of await Promise.all(running)) assert.ok(error instanceof lethe.Cancelled);
    await sleep(10);
    process.off('warning', warned);
    assert.deepEqual(warnings, []);
    await until(async () => (await inFlight()) <= 1);
  });

  test('a host function is told that its request has ended', async () => {
    let signal;
    const begun = new Promise((resolve) => {
      js.host('hang', async function hang() {
        signal = this.signal;
        resolve();
        await sleep(PATIENCE, undefined, { signal });
      });
    });
    const controller = new AbortController();
    const running = failure(js.eval('host.call("hang")', { signal: controller.signal }));
    await inTime(begun);
    assert.equal(signal.aborted, false);
    controller.abort();
    await running;
    assert.equal(signal.aborted, true);
  });
});

describe('fetch', () => {
  const source = `export default {
    fetch: async (request, env) => Response.json([request.method, request.url, request.headers.get('content-type'), await request.text(), env],
      { status: 404, headers: [['set-cookie', 'a'], ['set-cookie', 'b']] }),
    wait: () => new Promise(() => setTimeout(() => {}, 1e6)),
  }`;

  test('takes what fetch() takes, and gives a Response', async () => {
    await js.put('node/site', source, { module: true });
    const handle = js.script('node/handle', { source, module: true });
    const form = new URLSearchParams({ a: 'b' });
    const formType = 'application/x-www-form-urlencoded;charset=UTF-8';
    const stream = new Blob(['str', 'eam']).stream();
    for (const [site, input, init, seen] of [
      ['node/site', 'https://a.example/', {}, ['GET', 'https://a.example/', null, '', {}]],
      [handle, new URL('https://a.example/b'), { method: 'PUT', body: form, env: { key: 1 } }, ['PUT', 'https://a.example/b', formType, 'a=b', { key: 1 }]],
      [handle, new globalThis.Request('https://a.example/c', { method: 'POST', body: 'text' }), undefined,
        ['POST', 'https://a.example/c', 'text/plain;charset=UTF-8', 'text', {}]],
      ['node/site', 'https://a.example/d', { method: 'POST', body: stream }, ['POST', 'https://a.example/d', null, 'stream', {}]],
    ]) {
      const response = await js.fetch(site, input, init);
      assert.ok(response instanceof Response);
      assert.equal(response.status, 404);
      assert.deepEqual([...response.headers].filter(([name]) => name === 'set-cookie').map(([, value]) => value), ['a', 'b']);
      assert.deepEqual(await response.json(), seen);
    }
  });

  test('keeps deadlines and signals', async () => {
    const handle = js.script('node/handle', { source, module: true });
    const wait = (options) => failure(js.fetch(handle, 'https://a.example/', { functionName: 'default.wait', ...options }));
    assert.ok((await wait({ deadline: 100 })) instanceof lethe.DeadlineExceeded);
    assert.ok((await wait({ signal: AbortSignal.timeout(50) })) instanceof lethe.Cancelled);
    assert.ok((await failure(js.fetch(handle, '/relative'))) instanceof TypeError);
  });
});

describe('one connection', () => {
  test('thousands of requests at once', async () => {
    const numbers = Array.from({ length: 3000 }, (_, n) => n);
    await js.put('node/twice', 'function twice(x) { return 2 * x; }');
    assert.deepEqual(await Promise.all(numbers.map((n) => js.call('node/twice', 'twice', [n], { deadline: SLOW }))), numbers.map((n) => 2 * n));
    assert.equal((await js.request('stats')).connections, 1);
  });

  test('requests beyond its limit wait, and those of host functions do not', async () => {
    const narrow = await lethe.connect({ socket: daemon.socket, maxInFlight: 2 });
    narrow.host('ask', () => narrow.eval('1'));
    const asked = Array.from({ length: 20 }, () => narrow.eval('host.call("ask")', { deadline: 20_000 }));
    assert.deepEqual(await inTime(Promise.all(asked)), Array(20).fill(1));
    await narrow.close();
  });

  test('those that wait can be aborted, and have deadlines', async () => {
    const narrow = await lethe.connect({ socket: daemon.socket, maxInFlight: 1 });
    let release;
    narrow.host('held', () => new Promise((resolve) => {
      release = () => resolve(null);
    }));
    const holding = narrow.eval('host.call("held")', { deadline: 20_000 });
    await until(() => release);
    const controller = new AbortController();
    const aborted = failure(narrow.eval('1', { signal: controller.signal }));
    const late = failure(narrow.eval('1', { deadline: 50 }));
    const patient = narrow.eval('2');
    controller.abort();
    assert.ok((await aborted) instanceof lethe.Cancelled);
    assert.equal((await late).phase, 'connecting');
    release();
    assert.deepEqual([await holding, await patient], [null, 2]);
    await narrow.close();
  });

  test('a turn that somebody can take no more is the next one\'s', async () => {
    const narrow = await lethe.connect({ socket: daemon.socket, maxInFlight: 1, maxMessageBytes: 1000 });
    let release;
    narrow.host('held', () => new Promise((resolve) => {
      release = () => resolve(null);
    }));
    const controller = new AbortController();
    const holding = narrow.eval('host.call("held")');
    await until(() => release);
    const large = failure(narrow.eval('1', { globals: { x: 'x'.repeat(2000) } }));
    const aborted = failure(narrow.eval('2', { signal: controller.signal }));
    const patient = narrow.eval('3');
    holding.then(() => queueMicrotask(() => controller.abort()));
    release();
    assert.equal(await inTime(patient), 3);
    assert.ok((await large) instanceof lethe.TooLarge);
    assert.ok((await aborted) instanceof lethe.Cancelled);
    await narrow.close();
  });

  test('large values both ways, many at once', async () => {
    const values = Array.from({ length: 4 }, (_, n) => new Uint8Array(5_000_000).fill(n));
    assert.deepEqual(await Promise.all(values.map((x) => js.eval('x', { globals: { x }, deadline: SLOW }))), values);
    const list = await js.eval('Array.from({length: 1_000_000}, (_, n) => n)', { deadline: SLOW });
    assert.deepEqual([list.length, list[999_999]], [1_000_000, 999_999]);
  });

  test('handles: many first calls put once', async () => {
    const handle = js.script('node/once', { source: 'function f(x) { return x; }' });
    assert.deepEqual(await Promise.all(Array.from({ length: 50 }, (_, n) => handle.f(n))), Array.from({ length: 50 }, (_, n) => n));
    assert.equal((await js.request('script.get', ['node/once'])).version, 1);
    assert.equal(await Promise.resolve(handle), handle); // no thenable
    assert.equal((await failure(handle.with({ deadline: 0 }).f(1))).phase, 'connecting');
    assert.deepEqual(await handle.call('f', [[3]], { deadline: 5000 }), [3]);
  });

  test('handles with options: a module that is warmed up is put once', async () => {
    const options = { source: 'export const f = (x) => [x];', module: true, warmUp: [['f', [1]]], deadlineMs: 500, pool: undefined };
    assert.deepEqual(await js.script('node/module', options).f(2), [2]);
    assert.deepEqual(await js.script('node/module', options).f(3), [3]);
    assert.equal((await js.request('script.get', ['node/module'])).version, 1);
    await js.script('node/module', { ...options, deadlineMs: 600 }).f(3);
    assert.equal((await js.request('script.get', ['node/module'])).version, 2);
  });

  test('an open connection keeps no process alive, a request does', () => {
    const program = `
      const { connect } = await import(process.argv[1]);
      const js = await connect({ socket: process.argv[2] });
      js.eval('new Promise((resolve) => setTimeout(() => resolve(7), 200))').then(console.log);
    `;
    assert.equal(run(program, daemon.socket), '7\n');
  });

  test('await using, where there is Symbol.asyncDispose', { skip: !Symbol.asyncDispose }, async () => {
    const own = await lethe.connect({ socket: daemon.socket });
    const running = failure(own.eval('new Promise((resolve) => setTimeout(resolve, 20000))', { deadline: 25_000 }));
    await own[Symbol.asyncDispose]();
    assert.ok((await running) instanceof lethe.Cancelled);
    assert.ok((await failure(own.eval('1'))) instanceof lethe.Cancelled);
  });

  test('threads and processes, each with a connection of its own', async () => {
    const program = `
      import { parentPort } from 'node:worker_threads';
      const { connect } = await import(${JSON.stringify(pathToFileURL(LIBRARY).href)});
      const js = await connect({ socket: ${JSON.stringify(daemon.socket)} });
      const sum = await Promise.all(Array.from({ length: 100 }, (_, n) => js.eval('x', { globals: { x: n } })));
      (parentPort ?? { postMessage: console.log }).postMessage(sum.reduce((a, b) => a + b));
      await js.close();
    `;
    const threads = Array.from({ length: 3 }, () => once(new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`)), 'message'));
    assert.deepEqual((await inTime(Promise.all(threads))).flat(), [4950, 4950, 4950]);
    assert.equal(run(program), '4950\n');
  });

  test('a cluster of processes shares one pool', async () => {
    const program = `
      import cluster from 'node:cluster';
      const { connect } = await import(process.env.LIBRARY);
      if (cluster.isPrimary) {
        for (let n = 0; n < 3; n += 1) cluster.fork();
        cluster.on('message', (_, message) => console.log(message));
      } else {
        const js = await connect({ socket: process.env.SOCKET });
        process.send(await js.eval('6 * 7'), () => process.disconnect());
      }
    `;
    const folder = mkdtempSync(join(tmpdir(), 'lethe-cluster-'));
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(folder, 'program.mjs'), program);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')], { env: { ...process.env, LIBRARY, SOCKET: daemon.socket }, timeout: PATIENCE });
    rmSync(folder, { recursive: true });
    assert.equal(stdout, '42\n42\n42\n');
  });
});

describe('lost connections', () => {
  test('a request that finds the connection lost waits for the next one', async (t) => {
    const own = await Daemon.start();
    t.after(() => own.end());
    const connection = await lethe.connect({ socket: own.socket });
    assert.equal(await connection.eval('1'), 1);
    run(`
      const { Daemon } = await import(${JSON.stringify(new URL('./harness.mjs', import.meta.url).href)});
      process.kill(${own.pid}, 'SIGTERM');
    `);
    const blocked = new Int32Array(new SharedArrayBuffer(4));
    for (const end = performance.now() + PATIENCE; existsSync(`/proc/${own.pid}/exe`) && performance.now() < end;) {
      Atomics.wait(blocked, 0, 0, 50); // this process hears of nothing meanwhile
      if (readFileSync(`/proc/${own.pid}/stat`, 'utf8').includes(') Z ')) break;
    }
    const asked = connection.eval('2', { deadline: 20_000 }); // its write is what finds it
    await own.ended;
    await own.start();
    assert.equal(await inTime(asked), 2);
    await connection.close();
  });

  test('a stopped daemon is not waited for beyond the deadline', async (t) => {
    const own = await Daemon.start();
    t.after(() => own.end());
    const connection = await lethe.connect({ socket: own.socket });
    process.kill(own.pid, 'SIGSTOP');
    const begin = performance.now();
    const error = await failure(connection.eval('1', { deadline: 200 }));
    assert.deepEqual([error.constructor, error.phase], [lethe.DeadlineExceeded, 'waiting']);
    assert.ok(performance.now() - begin > 1100 && performance.now() - begin < 4000);
    process.kill(own.pid, 'SIGCONT');
    assert.equal(await connection.eval('1'), 1);
    await connection.close();
  });

  test('there is none', async () => {
    const begin = performance.now();
    const error = await failure(lethe.connect({ socket: '/nowhere/socket', connectTimeout: 100 }));
    assert.deepEqual([error.constructor, error.sent, error.code], [lethe.ConnectionLost, false, 'unreachable']);
    assert.match(error.message, /is lethed running\?/);
    assert.ok(performance.now() - begin < 2000);
  });
});

describe('what no daemon sends', () => {
  /** Sends each connection that after its first bytes. */
  async function played(t, ...answers) {
    const folder = mkdtempSync(join(tmpdir(), 'lethe-clients-'));
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', async () => {
        for (const answer of answers) {
          socket.write(answer);
          await sleep(5);
        }
        socket.end();
      });
    });
    server.listen(join(folder, 'socket'));
    await once(server, 'listening');
    const connection = await lethe.connect({ socket: join(folder, 'socket') });
    t.after(async () => {
      await connection.close();
      server.close();
      rmSync(folder, { recursive: true });
    });
    return connection;
  }

  test('ends requests and nothing else', async (t) => {
    for (const answer of ['', '\xc1', '\x00', '\x94\x01', '\x80', '\x90', '\x94\x01\xc0\xc0\xc0', '\x93\x01\x01\xc0', '\x94\x05\x01\x01\x01', '\x93\x02\xa7console\x01',
      '\x94\x00\x01\xa9host.call\x90', '\x91'.repeat(3000), '\x94\x01\x01\xc0\xc7\x03\xff123', '\x94\x01\x81\x01\x01\xc0\xc0', 'HTTP/1.1 400 Bad Request\r\n\r\n',
      '\x94\x01\x01\xc0\xd4\x72\x40', '\x94\x01\x01\xc0\xd4\x73\x00\x91\x01', '\x94\x01\x01\xc0\xdd\xff\xff\xff\xff', '\x94\x01\x01\xc0\xc6\xff\xff\xff\xff']) {
      const connection = await played(t, Buffer.from(answer, 'latin1'));
      const error = await connection.eval('1', { deadline: 5000 }).catch((reason) => reason);
      assert.ok(error instanceof lethe.InvalidValue || (error instanceof lethe.ConnectionLost && error.sent) || error instanceof Date, `${JSON.stringify(answer)}: ${error}`);
    }
  });

  test('a value that is none of Lethe\'s fails its own request', async (t) => {
    const definition = '\x94\x01\x01\xc0\xd5\x72\x40\x00'; // by which msgpackr would read the number 64 as an object
    for (const unreadable of [definition, `\x94\x01\x01\xc0${'\x91'.repeat(3000)}\x01`, '\x94\x01\x01\xc0\xc7\x00\x05']) {
      const connection = await played(t, Buffer.from(unreadable, 'latin1'), Buffer.from('\x94\x01\x02\xc0\x40', 'latin1'));
      const [first, second] = [failure(connection.eval('1')), connection.eval('2')];
      assert.ok((await first) instanceof lethe.InvalidValue);
      assert.equal(await inTime(second), 64);
    }
  });

  test('any bytes', () => {
    let state = 7;
    const chance = (n) => {
      state = (state * 48271) % 0x7fffffff;
      return state % n;
    };
    const whole = pack([1, 1, null, { a: [1, new Uint8Array([1]), null, 'text'], when: new Date(1.7e12), n: 2n ** 60n, long: `\ufeff${'x'.repeat(80)}` }]);
    let understood = 0;
    for (let n = 0; n < 20_000; n += 1) {
      const data = new Uint8Array(whole);
      for (let times = chance(3) + 1; times > 0; times -= 1) data[chance(data.length)] = chance(256);
      const session = new Session(() => {}, () => {});
      const call = new Call();
      session.inFlight.set(1, call);
      const cut = chance(data.length);
      try {
        session.receive(data.slice(0, cut), cut);
        session.receive(data.slice(cut), data.length - cut);
        understood += 1;
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }
    assert.ok(understood > 1000);
  });

  test('each cut of a message is the same message', () => {
    const bytes = new Uint8Array(pack([1, 1, null, ['x'.repeat(70), `\ufeff${'y'.repeat(300)}`, new Uint8Array(300), { a: 2n ** 60n }, new Date(5), -1.5, -200, 70_000]]));
    const expected = settled(unpack(bytes, 0, bytes.length));
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const framer = new Framer();
      assert.equal(framer.complete(bytes, cut), false);
      assert.equal(framer.complete(bytes, bytes.length), true);
      assert.equal(framer.position, bytes.length);
    }
    assert.equal(expected[3][0].length, 70);
  });
});

describe('retries', () => {
  test("only idempotent requests are repeated, by the user's policy", async () => {
    const asked = [];
    const retry = { delay: (error, attempt) => void asked.push([error.code, attempt]) ?? (attempt < 3 ? 10 : undefined) };
    const own = await lethe.connect({ socket: daemon.socket, retry });
    await failure(own.eval('1', { pool: 'none' }));
    assert.deepEqual(asked, []);
    assert.ok((await failure(own.eval('1', { pool: 'none', idempotent: true }))) instanceof lethe.NotFound);
    assert.deepEqual(asked, [1, 2, 3].map((n) => ['not_found', n]));
    await own.close();
  });

  test('the usual policy', () => {
    const policy = new lethe.Retry({ attempts: 3, firstDelay: 100, longestDelay: 150 });
    const lost = new lethe.ConnectionLost('');
    for (let n = 0; n < 100; n += 1) {
      assert.ok(policy.delay(lost, 1) >= 50 && policy.delay(lost, 1) <= 100);
      assert.ok(policy.delay(lost, 2) >= 75 && policy.delay(lost, 2) <= 150);
      const busy = policy.delay(fromReply({ code: 'overloaded', message: '', retry_after_ms: 200 }), 1);
      assert.ok(busy >= 200 && busy <= 300);
    }
    assert.equal(policy.delay(lost, 3), undefined);
    assert.equal(policy.delay(fromReply({ code: 'script_error', message: '' }), 1), undefined);
  });

  test('the budget: what is sent is what is left, and there is no repetition beyond it', async () => {
    const request = new Request('eval', ['1'], { deadline: 500, idempotent: true });
    await sleep(200);
    const { deadline_ms: sent } = request.message()[1];
    assert.ok(sent >= 1 && sent <= 301, sent);
    const busy = fromReply({ code: 'overloaded', message: '', retry_after_ms: 400 });
    assert.equal(request.delayAfter(busy, 1, new lethe.Retry()), undefined);
    assert.equal(request.delayAfter(busy, 1, null), undefined);
  });
});

describe('a private daemon', () => {
  test('starts and ends with the connection', async () => {
    const own = await lethe.connect({ private: true });
    assert.equal(await own.eval('6 * 7'), 42);
    const { pid } = await own.ping();
    await own.close();
    assert.equal(existsSync(dirname(own.socket)), false);
    assert.equal(existsSync(`/proc/${pid}`), false);
  });

  test('ends with its process, be it that this is killed, ends, or throws', async () => {
    for (const end of ['process.kill(process.pid, "SIGKILL")', 'process.exit(3)', 'throw new Error("expected")', '']) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', `
        const { connect } = await import(process.argv[1]);
        const js = await connect({ private: true });
        console.log((await js.ping()).pid, js.socket);
        ${end}
      `, LIBRARY], { stdio: ['ignore', 'pipe', 'ignore'] });
      let printed = '';
      child.stdout.on('data', (text) => {
        printed += text;
      });
      await inTime(once(child, 'close'));
      const [pid, socket] = printed.trim().split(' ');
      assert.ok(Number(pid) > 0, printed);
      await until(() => !existsSync(`/proc/${pid}`) && !existsSync(dirname(socket)));
    }
  });

  test('says why it did not start', async () => {
    process.env.LETHED = '/bin/false';
    try {
      const error = await failure(lethe.connect({ private: true }));
      assert.ok(error instanceof lethe.ConnectionLost);
      assert.match(error.message, /did not start/);
    } finally {
      delete process.env.LETHED;
    }
  });
});
