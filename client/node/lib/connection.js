// SPDX-License-Identifier: Apache-2.0
// What can be said to a daemon, over a connection that is made again when it is lost.
import { setTimeout as sleep } from 'node:timers/promises';

import * as errors from './errors.js';
import { asMap, toResponse } from './fetch.js';
import { connectLink, insideHost } from './link.js';
import { PrivateDaemon } from './private.js';
import { onAbort, protocolOptions, Request, Retry } from './request.js';
import { script } from './script.js';
import { MAX_DEPTH, plain } from './values.js';

const DEFAULT_SOCKET = '/run/lethe/lethe.sock';
const FIRST_DELAY = 10; // milliseconds between attempts to connect
const LONGEST_DELAY = 1000;

/** See index.d.ts. */
export async function connect(options = {}) {
  const daemon = options.private ? await PrivateDaemon.start() : undefined;
  const connection = new Connection(daemon, options);
  try {
    await connection.ready();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

export class Connection {
  #daemon;
  #connectTimeout;
  #retry;
  #limits;
  #hosts = new Map();
  #link;
  #connecting;
  #closed = false;

  constructor(daemon, options) {
    const { socket, connectTimeout = 3000, retry = new Retry(), maxInFlight = 256, maxMessageBytes = 16 * 1024 * 1024 } = options;
    this.socket = daemon?.socket ?? socket ?? (process.env.LETHE_SOCKET || DEFAULT_SOCKET);
    this.#daemon = daemon;
    this.#connectTimeout = connectTimeout;
    this.#retry = retry;
    this.#limits = { inFlight: maxInFlight, messageBytes: maxMessageBytes, depth: options.maxDepth ?? MAX_DEPTH };
  }

  async eval(source, options) {
    return this.#ask('eval', [source], options);
  }

  async call(script, name, args = [], options = undefined) {
    return this.#ask('call', [script, name, this.#plain([...args])], options);
  }

  async fetch(script, input, { method, headers, body, redirect, env, functionName = 'default.fetch', ...options } = {}) {
    const args = [await asMap(input, { method, headers, body, redirect }), env];
    const call = typeof script === 'string' ? this.call.bind(this, script) : script.call;
    return toResponse(await call(functionName, args, { ...options, fetch: true }));
  }

  async chain(steps, input = null, options = undefined) {
    return this.#ask('chain', [plain(steps), plain(input, this.#limits.depth)], options);
  }

  async put(name, source, { signal, deadline, ...options } = {}) {
    return this.#ask('script.put', [name, source, protocolOptions(options, this.#limits.depth)], { signal, deadline });
  }

  script(name, { source, ...options } = {}) {
    return script(this, name, source, options);
  }

  host(name, handler) {
    for (const [each, function_] of typeof name === 'string' ? [[name, handler]] : Object.entries(name)) {
      if (typeof function_ !== 'function') throw new TypeError(`the host function "${each}": a function`);
      this.#hosts.set(each, function_);
    }
    return this;
  }

  async ping(options) {
    return this.#ask('ping', [], options);
  }

  async request(method, params = [], options = undefined) {
    return this.#ask(method, this.#plain(params), options);
  }

  /** Ends the connection, and a private daemon. What is in flight is cancelled. */
  async close() {
    this.#closed = true;
    this.#link?.lose(undefined);
    await this.#daemon?.stop();
  }

  /** Resolves when there is a connection. */
  async ready() {
    await this.#connected(undefined);
  }

  /** Its arguments are one level themselves. */
  #plain(args) {
    return plain(args, this.#limits.depth + 1);
  }

  async #ask(method, params, options) {
    const request = new Request(method, params, options, this.#limits.depth);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#reply(request);
      } catch (error) {
        const delay = request.delayAfter(error, attempt, this.#retry);
        if (delay === undefined) throw error;
        await request.within(sleep(delay));
      }
    }
  }

  async #reply(request) {
    for (;;) {
      request.check();
      const link = this.#link;
      if (link === undefined || link.lost) {
        await this.#connected(request);
        continue;
      }
      if (link.full && insideHost.getStore() === undefined) {
        await link.room(request);
        continue;
      }
      const call = link.send(request);
      const { signal } = request;
      const off = signal && onAbort(signal, () => link.abandon(call, () => errors.cancelled('it was cancelled', signal.reason)));
      await call.ended;
      off?.();
      if (call.failure === undefined) return call.value;
      if (call.sent || !link.lost || this.#closed) throw call.failure();
    }
  }

  /** Makes the link anew. Who comes meanwhile waits for the same attempt. */
  async #connected(request) {
    if (this.#connecting === undefined) {
      this.#connecting = this.#connect().finally(() => {
        this.#connecting = undefined;
      });
      this.#connecting.catch(() => {}); // who waits for it is told
    }
    const link = await (request === undefined ? this.#connecting : request.within(this.#connecting));
    if (link === undefined) throw errors.lost(`can't connect to ${this.socket} within the deadline`, false);
  }

  async #connect() {
    const until = performance.now() + this.#connectTimeout;
    for (let whole = FIRST_DELAY; ; whole = Math.min(2 * whole, LONGEST_DELAY)) {
      const delay = whole * (0.5 + Math.random() / 2); // so that many clients don't come at once
      try {
        if (this.#closed) throw errors.cancelled('the connection was closed');
        const link = await connectLink(this.socket, this.#hosts, this.#limits);
        if (this.#closed) link.lose(undefined); // meanwhile
        this.#link = link;
        return link;
      } catch (error) {
        if (error instanceof errors.LetheError) throw error;
        if (performance.now() + delay >= until) throw unreachable(this.socket, error);
      }
      await sleep(delay);
    }
  }
}

// Not every runtime has it; where it has not, there is close().
if (Symbol.asyncDispose) Connection.prototype[Symbol.asyncDispose] = Connection.prototype.close;

function unreachable(path, error) {
  const hint = error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? ' (is lethed running?)' : '';
  return errors.lost(`can't connect to ${path}: ${error.message}${hint}`, false);
}
