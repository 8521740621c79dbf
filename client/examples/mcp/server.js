#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// An MCP server for agents that write code: its one tool runs a script, which calls the tools of tools.js as functions. The model
// reads one result instead of that of every step. Each script has a fresh world, a deadline, limits on what it may allocate and
// return, and no way out but these functions.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { connect, Report } from 'lethe';
import { z } from 'zod';

import { TOOLS } from './tools.js';

const LIMITS = { deadline: 5000, memoryMb: 64 };
const MOST_CHARACTERS = 20_000; // of a result, and of the console: an agent pays for what it reads

const NAMES = Object.keys(TOOLS);
// In the first line, before the script's, so that places in errors are those of its lines.
const PRELUDE = `const tools = {${NAMES.map((name) => `${name}: (input) => host.call('${name}', input)`).join(', ')}}; `;

const DESCRIPTION = `Runs JavaScript: the body of an async function, whose return value is the result (JSON).
What it finds besides the standard APIs:

declare const tools: {
${NAMES.map((name) => `  ${TOOLS[name].declaration};`).join('\n')}
};

There are no files, no network and no modules. Nothing is kept from one run to the next. It may take ${LIMITS.deadline / 1000} seconds
and ${LIMITS.memoryMb} MB, and return ${MOST_CHARACTERS} characters: filter and sum up in the script.`;

/** Runs it; what the agent is to read. */
export async function run(js, code) {
  const report = new Report();
  try {
    const value = await js.eval(`${PRELUDE}(async () => {${code}\n})()`, { ...LIMITS, report });
    const text = JSON.stringify(value, asJson, 1);
    if (text.length > MOST_CHARACTERS) throw new Error(`the result has ${text.length} characters, more than ${MOST_CHARACTERS}: return less`);
    return { content: contents(text, report) };
  } catch (error) {
    const place = error.line ? ` (line ${error.line}, column ${error.column})` : '';
    return { isError: true, content: contents(`${error.code ?? 'error'}: ${error.message}${place}`, report) };
  }
}

/** What JSON has no words for. */
function asJson(_, value) {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Map) return [...value];
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

function contents(text, report) {
  const said = report.console.map(({ level, text: line }) => `${level}: ${line}`).join('\n');
  return [text, ...(said ? [`console:\n${said}`] : [])].map((each) => ({ type: 'text', text: each.slice(0, MOST_CHARACTERS) }));
}

export function addTools(js) {
  for (const [name, { input, run: call }] of Object.entries(TOOLS)) js.host(name, (argument) => call(input.parse(argument)));
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const js = await connect({ private: !process.env.LETHE_SOCKET });
  addTools(js);
  const server = new McpServer({ name: 'lethe', version: '0.1.0' });
  server.registerTool('run_script', { description: DESCRIPTION, inputSchema: { code: z.string() } }, ({ code }) => run(js, code));
  const transport = new StdioServerTransport();
  await server.connect(transport);
  process.stdin.once('end', () => server.close());
  server.server.onclose = () => js.close();
}
