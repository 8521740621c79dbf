// SPDX-License-Identifier: Apache-2.0
// client/examples/mcp, by the SDK's own client.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { Daemon, ROOT } from './harness.mjs';

const EXAMPLE = join(ROOT, 'client', 'examples', 'mcp');
const SECRET = 'what-no-script-may-know';
const require = createRequire(join(EXAMPLE, 'server.js'));
const sdk = (part) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/client/${part}.js`)).href);
const { Client } = await sdk('index');
const { StdioClientTransport } = await sdk('stdio');

describe('an MCP server', () => {
  let daemon;
  let client;
  before(async () => {
    daemon = await Daemon.start();
    client = new Client({ name: 'test', version: '0.1.0' });
    await client.connect(new StdioClientTransport({
      command: process.execPath, args: [join(EXAMPLE, 'server.js')],
      env: { ...process.env, LETHE_SOCKET: daemon.socket, SHOP_TOKEN: SECRET },
    }));
  });
  after(async () => {
    await client.close();
    await daemon.end();
  });

  const run = async (code) => {
    const { isError = false, content } = await client.callTool({ name: 'run_script', arguments: { code } });
    return { isError, texts: content.map(({ text }) => text) };
  };
  const result = async (code) => {
    const { isError, texts } = await run(code);
    assert.equal(isError, false, texts[0]);
    return JSON.parse(texts[0]);
  };
  const failure = async (code) => {
    const { isError, texts } = await run(code);
    assert.equal(isError, true, texts[0]);
    return texts[0];
  };

  test('its one tool declares the functions', async () => {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name), ['run_script']);
    assert.match(tools[0].description, /customers\(filter: \{ city\?: string \}\): Promise</);
  });

  test('a script with five host calls', async () => {
    const { texts } = await run(`
      const people = await tools.customers({});
      const sums = [];
      for (const { id } of people) sums.push((await tools.orders({ customer: id })).length);
      console.log(people[0].name);
      return [sums, (await tools.customers({ city: 'London' })).length];
    `);
    assert.deepEqual(JSON.parse(texts[0]), [[10, 10, 10], 2]);
    assert.equal(texts[1], 'console:\nlog: Ada');
  });

  test('arguments are checked', async () => {
    assert.match(await failure('await tools.orders({ customer: "1 or 1=1" })'), /^script_error: .*expected number/s);
    assert.equal(await result('return tools.orders({ customer: 1, more: 2 }).catch((error) => error.code)'), 'host_error');
    assert.match(await failure('await host.call("rm")'), /no host function "rm"/);
  });

  test('a fresh world each time', async () => {
    assert.equal(await result('globalThis.seen = 1; Array.prototype.map = null; return 1'), 1);
    assert.deepEqual(await result('return [typeof seen, [1].map((n) => n + 1)]'), ['undefined', [2]]);
  });

  test('no credential inside', async () => {
    const seen = await run(`
      const names = (object) => object === null ? [] : [...Object.getOwnPropertyNames(object), ...names(Object.getPrototypeOf(object))];
      console.log(names(globalThis).join(), String(tools.customers), typeof process, typeof require);
      return [await tools.customers({}), await tools.customers({ token: 1 }).catch((error) => [error.message, error.stack])];
    `);
    assert.equal(seen.isError, false, seen.texts[0]);
    assert.ok(seen.texts[1].includes('undefined undefined'));
    assert.ok(!seen.texts.join().includes(SECRET));
  });

  test('limits', async () => {
    assert.match(await failure('while (true);'), /^deadline_exceeded/);
    assert.match(await failure('const all = []; while (true) all.push(new Array(1000).fill({}));'), /^(memory_limit|deadline_exceeded)/);
    assert.match(await failure('return "x".repeat(30_000)'), /30002 characters, more than 20000/);
    assert.ok((await failure('throw new Error("x".repeat(1_000_000))')).length <= 20_000);
    const { texts } = await run('for (let n = 0; n < 50_000; n += 1) console.log("line", n); return 1');
    assert.ok(texts[1].length <= 20_000);
    assert.equal(await result('return 1'), 1);
  });

  test('errors have their place in the script', async () => {
    assert.match(await failure('const n = 1;\nnull.x;'), /^script_error: .*\(line 2, column \d+\)$/);
    assert.match(await failure('const n = 1;\nlet = ;'), /^compile_error: .*\(line 2, column \d+\)$/);
    assert.deepEqual(await result('return [5n, new Map([[1, 2]]), new Uint8Array([1]), undefined]// a comment'), [5, [[1, 2]], 'AQ==', null]);
  });
});
