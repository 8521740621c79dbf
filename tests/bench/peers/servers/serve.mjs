// What the servers in Node.js and Bun share: requests and replies are lines of JSON on a Unix socket.
//   {"script", "function", "args", "deadline_ms"}  ->  {"result"} or {"error"}
// The environment says where: SOCKET, SCRIPTS (a folder), WORKERS, MEMORY_MB.
import fs from 'node:fs';
import net from 'node:net';

export const workers = Number(process.env.WORKERS);
export const memory_mb = Number(process.env.MEMORY_MB);
export const scripts = Object.fromEntries(
  ['actions', 'libraries'].map((name) => [name, fs.readFileSync(`${process.env.SCRIPTS}/${name}.js`, 'utf8')]),
);

// Source text of the call.
export function call(request) {
  return `${request.function}(${JSON.stringify(request.args).slice(1, -1)})`;
}

// Source text that leaves the reply in the global variable `outcome`, as soon as the call has settled: for a context
// that can only be looked into.
const with_outcome = (promise) => `var outcome; (${promise}).then(
    (result) => { outcome = JSON.stringify({result}); },
    (error) => { outcome = JSON.stringify({error: String(error)}); });`;
export const call_with_outcome = (request) => with_outcome(`(async () => ${call(request)})()`);
// The same for the request in the global variable `request`.
export const call_of_global = with_outcome(`(async ({function: name, args}) =>
    globalThis[name](...args))(JSON.parse(request))`);
export function outcome_of(outcome) {
  if (typeof outcome !== 'string') throw new Error('interrupted, or never settles');
  return outcome;
}

// A number of things that are lent to one request at a time, in the order of the requests.
export class Pool {
  #idle = [];
  #waiting = [];

  async take() {
    return this.#idle.pop() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }
  give(thing) {
    const next = this.#waiting.shift();
    if (next) next(thing);
    else this.#idle.push(thing);
  }
}

// `handle` gives the reply as text, or throws.
export function serve(handle) {
  async function answer(connection, line) {
    let reply;
    try {
      reply = await handle(JSON.parse(line));
    } catch (error) {
      reply = JSON.stringify({error: String(error?.message ?? error)});
    }
    connection.write(`${reply}\n`);
  }
  const server = net.createServer((connection) => {
    let text = '';
    connection.setEncoding('utf8');
    connection.on('error', () => connection.destroy());
    connection.on('data', (piece) => {
      text += piece;
      for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) answer(connection, text.slice(0, end));
    });
  });
  server.listen(process.env.SOCKET);
}
