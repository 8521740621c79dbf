// SPDX-License-Identifier: Apache-2.0
// `lethe bundle`, and the plugin: what is bundled does in Lethe what it does in Node.js.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { BUILD, Daemon, lethe as client, PACKAGE, PATIENCE } from './harness.mjs';

const { lethe } = await import(pathToFileURL(join(PACKAGE, 'lib', 'bundle', 'plugin.js')));
const ESBUILD = join(BUILD, 'npm', 'source', 'node_modules');
const { build } = createRequire(join(ESBUILD, 'x.js'))('esbuild');
const COMMAND = join(BUILD, 'bin', 'lethe');
const environment = { ...process.env, NODE_PATH: ESBUILD, PATH: `${join(ESBUILD, '.bin')}:${process.env.PATH}` };

let folder;
let daemon;
let js;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-bundle-'));
  daemon = await Daemon.start();
  js = await client.connect({ socket: daemon.socket });
});
after(async () => {
  await js.close();
  await daemon.end();
  rmSync(folder, { recursive: true });
});

function saved(name, text) {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const run = (...words) =>
  new Promise((resolve) => execFile(COMMAND, words, { cwd: folder, env: environment, timeout: PATIENCE }, (error, output, errors) => resolve({ status: error?.code ?? 0, output, errors })));

async function bundled(text, options = {}) {
  let report;
  const { outputFiles } = await build({ entryPoints: [saved('entry.js', text)], write: false, logLevel: 'silent', absWorkingDir: folder, plugins: [lethe({ report: (each) => (report = each) })], ...options });
  return { text: outputFiles[0].text, report };
}

/** Both give the same as JSON. */
async function same(name, text) {
  const file = saved(`${name}.mjs`, text);
  const expected = JSON.parse(JSON.stringify(await (await import(pathToFileURL(file))).run()));
  await js.put(name, (await bundled(text)).text, { module: true });
  for (let turn = 0; turn < 2; ++turn) assert.deepEqual(JSON.parse(JSON.stringify(await js.call(name, 'run', [], { deadline: 20_000 }))), expected);
}

describe('modules of Node.js', () => {
  test('crypto: digests, codes, derivations', () => same('digests', `
    import crypto from 'node:crypto';
    const names = ['md5', 'sha1', 'RSA-SHA256', 'SHA-384', 'sha512', 'ripemd160', 'sha224', 'sha512-256', 'sha3-256'];
    export const run = () => [
      names.map((name) => crypto.createHash(name).update('ab').update(Buffer.from('c')).digest('hex')),
      names.slice(0, 5).map((name) => crypto.createHmac(name, '').update('x').digest('base64')),
      crypto.createHash('sha256').update('a').copy().update('b').digest('hex'),
      crypto.pbkdf2Sync('p', 's', 10, 20, 'sha512').toString('hex'), crypto.scryptSync('p', 's', 16, { N: 64 }).toString('hex'),
      Buffer.from(crypto.hkdfSync('sha256', 'k', 's', 'i', 16)).toString('hex'), crypto.randomBytes(70_000).length,
      crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('b')), crypto.randomInt(3, 4), crypto.randomUUID().length,
    ];`));

  test('crypto: keys, signatures and ciphers are those of Node.js', async () => {
    const crypto = await import('node:crypto');
    const pem = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };
    const keys = {
      rsa: crypto.generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'pkcs1', format: 'pem' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } }),
      ec: crypto.generateKeyPairSync('ec', { namedCurve: 'P-521', ...pem, privateKeyEncoding: { type: 'sec1', format: 'pem' } }),
      ed25519: crypto.generateKeyPairSync('ed25519', pem),
    };
    const algorithms = { rsa: 'sha256', ec: 'sha512', ed25519: null };
    await js.put('keys', (await bundled(`
      import crypto from 'crypto';
      const algorithms = ${JSON.stringify(algorithms)};
      export function run(keys, signatures) {
        const results = {};
        for (const [kind, { publicKey, privateKey }] of Object.entries(keys)) {
          const key = crypto.createPrivateKey(privateKey);
          const data = Buffer.from('data');
          results[kind] = {
            verified: crypto.verify(algorithms[kind], data, publicKey, signatures[kind]), refused: crypto.verify(algorithms[kind], Buffer.from('other'), publicKey, signatures[kind]),
            signature: crypto.sign(algorithms[kind], data, privateKey), kind: key.asymmetricKeyType, details: key.asymmetricKeyDetails.namedCurve ?? key.asymmetricKeyDetails.modulusLength ?? null,
            exported: key.export({ type: kind === 'rsa' ? 'pkcs1' : kind === 'ec' ? 'sec1' : 'pkcs8', format: 'pem' }) === privateKey,
            derived: crypto.createPublicKey(privateKey).equals(crypto.createPublicKey(publicKey)),
          };
        }
        const cipher = crypto.createCipheriv('aes-128-gcm', Buffer.alloc(16, 1), Buffer.alloc(12, 2)).setAAD(Buffer.from('more'));
        results.cipher = [cipher.update('text', 'utf8', 'hex') + cipher.final('hex'), cipher.getAuthTag().toString('hex')];
        const block = crypto.createCipheriv('aes-256-cbc', Buffer.alloc(32, 1), Buffer.alloc(16, 2));
        results.block = Buffer.concat([block.update('text'), block.final()]).toString('hex');
        return results;
      }`)).text, { module: true });
    const data = Buffer.from('data');
    const signatures = Object.fromEntries(Object.entries(keys).map(([kind, { privateKey }]) => [kind, crypto.sign(algorithms[kind], data, privateKey)]));
    const results = await js.call('keys', 'run', [keys, signatures], { deadline: 20_000 });
    for (const [kind, { publicKey }] of Object.entries(keys)) {
      const { signature, ...rest } = results[kind];
      assert.deepEqual(rest, { verified: true, refused: false, kind, details: { rsa: 2048, ec: 'secp521r1', ed25519: null }[kind], exported: true, derived: true });
      assert.ok(crypto.verify(algorithms[kind], data, publicKey, signature), kind);
    }
    const cipher = crypto.createCipheriv('aes-128-gcm', Buffer.alloc(16, 1), Buffer.alloc(12, 2)).setAAD(Buffer.from('more'));
    assert.deepEqual(results.cipher, [cipher.update('text', 'utf8', 'hex') + cipher.final('hex'), cipher.getAuthTag().toString('hex')]);
    const block = crypto.createCipheriv('aes-256-cbc', Buffer.alloc(32, 1), Buffer.alloc(16, 2));
    assert.equal(results.block, Buffer.concat([block.update('text'), block.final()]).toString('hex'));
  });

  test('streams, events, zlib', () => same('streams', `
    import { EventEmitter, on, once } from 'events';
    import { Readable, Transform } from 'node:stream';
    import { pipeline } from 'stream/promises';
    import { text } from 'stream/consumers';
    import { promisify } from 'util';
    import zlib from 'zlib';
    export async function run() {
      const emitter = new EventEmitter();
      setTimeout(() => { emitter.emit('a', 1); emitter.emit('a', 2); emitter.emit('b', 3); });
      const seen = [];
      const one = once(emitter, 'b');
      for await (const [value] of on(emitter, 'a')) if (seen.push(value) === 2) break;
      const upper = new Transform({ transform(chunk, _, callback) { callback(null, chunk.toString().toUpperCase()); } });
      await pipeline(Readable.from(['a', 'b']), upper, async function* (source) { for await (const chunk of source) seen.push(chunk.toString()); });
      const zipped = await promisify(zlib.gzip)('hello'.repeat(100));
      return [seen, await one, zlib.gunzipSync(new Uint8Array(zipped)).length, await text(Readable.from([zipped]).pipe(zlib.createGunzip())), zlib.crc32?.('hello') ?? 907060870];
    }`));

  test('util, assert, path, url, querystring, os', () => same('utilities', `
    import assert from 'assert/strict';
    import util from 'util';
    import path from 'path';
    import url from 'url';
    import querystring from 'querystring';
    import { StringDecoder } from 'string_decoder';
    class Old { constructor() { this.a = 1; } }
    function New() { Old.prototype.b.call(this); }
    Old.prototype.b = function () { this.c = 2; };
    util.inherits(New, Old);
    const failure = (action) => { try { action(); } catch (error) { return [error.name, error.code]; } };
    export async function run() {
      const decoder = new StringDecoder('utf8');
      return [
        util.inspect({ a: [1, new Map([[1, { b: { c: {} } }]])], d: new Date(0) }), util.format('%s %d %j %%', 'a', '1', { x: 1 }), new New() instanceof Old,
        await util.promisify((a, callback) => callback(null, a + 1))(1), util.types.isProxy(new Proxy({}, {})), util.isDeepStrictEqual([new Set([{ a: 1 }])], [new Set([{ a: 1 }])]),
        util.isDeepStrictEqual({ a: undefined }, {}), util.stripVTControlCharacters('\\x1b[31ma\\x1b[0m'),
        failure(() => assert.deepEqual({ a: [1] }, { a: ['1'] })), failure(() => assert(0)), failure(() => assert.throws(() => {})), await assert.rejects(Promise.reject(new TypeError('x')), TypeError) ?? null,
        path.join('/a', '../b', './c.txt'), path.relative('/a/b', '/a/c/d'), path.parse('/a/b.tar.gz'),
        ...['http://u:p@a.example:80/p/q?x=1&y#h', '//a/b', 'mailto:a@b', '/x?y', 'HTTP://ü.example/'].map((each) => ({ ...url.parse(each) })),
        url.resolve('http://a/b/c', '../d'), url.format({ protocol: 'http', host: 'a', pathname: '/x', query: { a: [1, 2] } }), url.fileURLToPath('file:///a%20b'), url.pathToFileURL('/a b#').href,
        querystring.parse('a=1&a=2&b=%20x+y&c'), querystring.stringify({ a: [1, 'ü'], b: true, c: null }), decoder.write(Buffer.from([0xc3])) + decoder.write(Buffer.from([0xa9])),
      ];
    }`));

  test('AsyncLocalStorage keeps to its own across awaits, timers and events', () => same('storage', `
    import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
    const user = new AsyncLocalStorage();
    const trace = new AsyncLocalStorage();
    async function request(name) {
      const seen = [];
      const note = () => seen.push([user.getStore(), trace.getStore()]);
      await null;
      note();
      await new Promise((resolve) => setTimeout(() => (note(), resolve()), name === 'ada' ? 5 : 1));
      await trace.run(name.length, async () => { await 0; note(); });
      note();
      await new Promise((resolve) => queueMicrotask(() => (note(), resolve())));
      await new Promise((resolve) => process.nextTick(() => (note(), resolve())));
      await Promise.reject(new Error('x')).catch(note);
      for await (const each of (async function* () { yield 1; await 0; note(); yield 2; })()) note();
      user.exit(note);
      return seen;
    }
    export async function run() {
      const bound = user.run('bound', () => AsyncResource.bind(() => user.getStore()));
      const snapshot = user.run('snapshot', () => AsyncLocalStorage.snapshot());
      return [await Promise.all(['ada', 'eve', 'grace'].map((name) => user.run(name, request, name))), bound(), snapshot(() => user.getStore()), user.getStore() === undefined];
    }`));

  test('every module of Node.js can be imported', async () => {
    const names = builtinModules.filter((name) => !name.startsWith('_'));
    const text = names.map((name, n) => `import * as m${n} from 'node:${name}';`).join('\n') + `\nexport const run = () => [${names.map((_, n) => `typeof m${n}`)}].every((type) => type === 'object');`;
    await js.put('all', (await bundled(text)).text, { module: true });
    assert.equal(await js.call('all', 'run'), true);
  });

  test('what there is not throws when it is called, and says what it is', async () => {
    await js.put('throws', (await bundled(`
      import fs, { constants } from 'fs';
      import { connect } from 'node:net';
      import * as http from 'http';
      import { Worker } from 'worker_threads';
      import { exec } from 'child_process';
      import { createDiffieHellman } from 'crypto';
      class Server extends http.Server {}
      const message = (action) => { try { return action(); } catch (error) { return error.message; } };
      export const run = () => [() => fs.readFileSync('/x'), () => fs.promises.readFile('/x'), () => connect(1), () => http.request('http://a/'), () => new Server(), () => new Worker('x'), () => exec('x'),
        () => createDiffieHellman(8), () => fs.existsSync('/x'), () => constants.O_CREAT].map(message);`)).text, { module: true });
    assert.deepEqual(await js.call('throws', 'run'), [
      'fs.readFileSync() is of Node.js: a script has no files', 'fs.promises.readFile() is of Node.js: a script has no files', 'net.connect() is of Node.js: a script has no network',
      'http.request() is of Node.js: a script has no network', 'http.Server() is of Node.js: a script has no network', 'worker_threads.Worker() is of Node.js: a script has no threads',
      'child_process.exec() is of Node.js: a script has no processes', 'crypto.createDiffieHellman() is of Node.js: Lethe has nothing for it', false, 64,
    ]);
  });
});

describe('the plugin', () => {
  test('regular expressions with the flag v', () => same('flag_v', `
    const texts = ['A', 'a', '1', 'ß', '👨‍👩‍👧', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '𝒳', 'bc', '\\n', 'É'];
    const patterns = [/^[\\p{Letter}--[a-z]]$/v, /^[[a-c]&&[b-z]]+$/v, /^\\p{RGI_Emoji}$/v, /^[\\q{bc|x}\\d]$/v, /^[^\\p{Ll}]$/vi, new RegExp('^\\\\p{L}$', 'v'), RegExp(\`^[\\\\w--\\\\d]$\`, 'iv'), /^.$/vs, /(?<year>\\d)/dgv];
    export const run = () => [patterns.map((pattern) => texts.map((text) => (pattern.lastIndex = 0, pattern.test(text)))), 'a1b2'.replace(/(?<n>\\d)/gv, '[$<n>]'), 8 / 2 / 1, \`/x/v\`];`));

  test('those of TypeScript', async () => {
    saved('typed.ts', 'const pattern: RegExp = /^[\\p{L}--[a-z]]$/v;\nexport const run = (text: string): boolean => pattern.test(text);\n');
    const { text, report } = await bundled(`export { run } from './typed.ts';`);
    await js.put('typed', text, { module: true });
    assert.deepEqual([await js.call('typed', 'run', ['A']), await js.call('typed', 'run', ['a'])], [true, false]);
    assert.deepEqual([...report.regexps.keys()], ['typed.ts']);
  });

  test('it reports what it replaced, what throws and what is not there, with who wants it', async () => {
    saved('node_modules/wants/package.json', '{"name": "wants", "main": "index.js"}');
    saved('node_modules/wants/index.js', `let native; try { native = require('not-installed'); } catch { native = null; } exports.native = native; exports.net = require('net').connect;`);
    const { text, report } = await bundled(`import { native } from 'wants'; import path from 'path'; import 'node:tls'; export const run = () => [native, path.sep];`);
    assert.deepEqual(Object.fromEntries(Object.entries(report).map(([key, map]) => [key, Object.fromEntries(map)])), {
      replaced: { path: ['entry.js'] }, throwing: { net: ['node_modules/wants/index.js'] }, missing: { 'not-installed': ['node_modules/wants/index.js'] }, substituted: {}, regexps: {},
    });
    await js.put('wants', text, { module: true });
    assert.deepEqual(await js.call('wants', 'run'), [null, '/']);
  });

  test('what a module requires by a `require` that it made is in the bundle', async () => {
    saved('node_modules/makes/package.json', '{"name": "makes", "type": "module", "main": "index.js"}');
    saved('node_modules/makes/part.cjs', 'module.exports = 42;');
    saved('node_modules/makes/index.js', `import { createRequire } from 'module'; const require = createRequire(import.meta.url); export const part = require('./part.cjs'); export const other = (name) => require(name);`);
    await js.put('makes', (await bundled(`import { part, other } from 'makes'; export const run = () => { try { return [part, other('./none.js')]; } catch (error) { return [part, error.code]; } };`)).text, { module: true });
    assert.deepEqual(await js.call('makes', 'run'), [42, 'MODULE_NOT_FOUND']);
  });

  test('an import that is nowhere is an error', async () => {
    await assert.rejects(bundled(`import 'nowhere-at-all';`), /Could not resolve "nowhere-at-all"/);
  });

  test('the options of the build stay', async () => {
    const { text } = await bundled(`export const run = () => [process.env.NODE_ENV, WORD, /[a--b]/v.source];`, { define: { WORD: '"x"', 'process.env.NODE_ENV': '"test"' }, target: 'es2024', sourcemap: false });
    assert.match(text, /"test", "x", \/\[a--b\]\/v/);
    assert.doesNotMatch(text, /sourceMappingURL/);
  });

  test('places are those of the sources', async () => {
    saved('lib/fails.js', '// first\nexport function fail() {\n  throw new Error("here");\n}\n');
    await js.put('places', (await bundled(`import { fail } from './lib/fails.js';\nexport const run = () => fail();`)).text, { module: true });
    await assert.rejects(js.call('places', 'run'), (error) => (assert.match(`${error.place} ${error.stack}`, /lib\/fails\.js:3:9/), true));
  });
});

describe('the command', () => {
  test('a module or a classic script, which `lethe run` runs', async () => {
    saved('app.js', `import { createHash } from 'crypto';\nimport fs from 'fs';\nexport const hash = (text) => createHash('md5').update(text).digest('hex');\nexport const read = () => fs.readFileSync('/x');\n`);
    for (const form of [[], ['--classic']]) {
      const { status, errors } = await run('bundle', 'app.js', '-o', form.length > 0 ? 'app.out.js' : 'app.out.mjs', ...form);
      assert.equal(status, 0, errors);
      assert.match(errors, /Replaced.*:\n {2}crypto: app\.js\n[^]*Throw.*:\n {2}fs: app\.js\n/);
    }
    for (const file of ['app.out.js', 'app.out.mjs']) assert.equal((await run('run', file, 'hash', '"abc"')).output, '"900150983cd24fb0d6963f7d28e17f72"\n');
    const quiet = await run('bundle', '--quiet', '--minify', 'app.js');
    assert.equal(quiet.errors, '');
    assert.ok(quiet.output.length < readFileSync(join(folder, 'app.out.mjs')).length);
  });

  test('it says what is wrong', async () => {
    assert.deepEqual(await run('bundle', 'nowhere.js'), { status: 2, output: '', errors: 'lethe bundle: nowhere.js: no such file\n' });
    saved('broken.js', 'export const = 1;');
    const { status, errors } = await run('bundle', 'broken.js');
    assert.equal(status, 1);
    assert.match(errors, /broken\.js:1:13/);
    saved('path/esbuild', '#!/bin/sh\n');
    const alone = await new Promise((resolve) =>
      execFile(COMMAND, ['bundle', 'broken.js'], { cwd: folder, env: { PATH: `${join(folder, 'path')}:${join(process.execPath, '..')}` } }, (error, output, text) => resolve([error?.code, text])));
    assert.deepEqual(alone, [5, `lethe bundle: ${join(folder, 'path/esbuild')} is a program without JavaScript, which plugins need; npm install --save-dev esbuild brings it\n`]);
  });
});
