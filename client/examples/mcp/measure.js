#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// How long a script with five calls of its host's functions, one after the other, takes: in the server's process, and through MCP.
import { fileURLToPath } from 'node:url';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { connect } from 'lethe';

import { addTools, run } from './server.js';
import { TOOLS } from './tools.js';

const RUNS = 500;
const SCRIPT = `
const people = await tools.customers({});
const totals = {};
for (const { id, name } of people) totals[name] = (await tools.orders({ customer: id })).reduce((sum, order) => sum + order.price, 0);
const [londoner] = await tools.customers({ city: 'London' });
return { totals, londoner };`;

async function median(call) {
  for (let n = 0; n < RUNS / 5; n += 1) await call();
  const times = [];
  for (let n = 0; n < RUNS; n += 1) {
    const begin = performance.now();
    times.push((await call()) ?? performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  return `median ${times[RUNS / 2].toFixed(2)} ms, fastest tenth ${times[RUNS / 10].toFixed(2)} ms`;
}

let inTools = 0;
let calls = 0;
for (const tool of Object.values(TOOLS)) {
  const { run: call } = tool;
  tool.run = async (input) => {
    const begin = performance.now();
    calls += 1;
    try {
      return await call(input);
    } finally {
      inTools += performance.now() - begin;
    }
  };
}

const js = await connect({ private: !process.env.LETHE_SOCKET });
addTools(js);
const own = await median(async () => {
  inTools = calls = 0;
  const begin = performance.now();
  const { isError, content } = await run(js, SCRIPT);
  if (isError || calls !== 5) throw new Error(`${calls} calls: ${content[0].text}`);
  return performance.now() - begin - inTools;
});
console.log(`a request that does nothing: ${await median(async () => void (await js.eval('1')))}`);
console.log(`a script with five host calls, besides what its functions take: ${own}`);

const client = new Client({ name: 'measure', version: '0.1.0' });
await client.connect(new StdioClientTransport({
  command: process.execPath, args: [fileURLToPath(new URL('server.js', import.meta.url))], env: { ...process.env, LETHE_SOCKET: js.socket },
}));
const throughMcp = await median(async () => void (await client.callTool({ name: 'run_script', arguments: { code: SCRIPT } })));
console.log(`through MCP's client and server: ${throughMcp}`);
await client.close();
await js.close();
