// SPDX-License-Identifier: Apache-2.0
// One socket, and what is in flight on it. What is sent in one turn of the event loop is written at once.
import { AsyncLocalStorage } from 'node:async_hooks';
import { connect } from 'node:net';

import * as errors from './errors.js';
import { Call, hostError, hostResult, Session, thrownByHost } from './session.js';

const READ_BYTES = 256 * 1024;
const SWEEP = 250; // milliseconds between looks at requests which the daemon doesn't answer in time: seldom are there any

/** Set within a host function: its requests don't wait until others have ended, which may be those that wait for it. */
export const insideHost = new AsyncLocalStorage();

/** `this` of a host function. */
class HostCall {
  #controller;
  #ended = false;

  /** Aborts when the request that called it has ended. */
  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  end() {
    this.#ended = true;
    this.#controller?.abort();
  }
}

/** A connected link. Rejects with the system's error. */
export function connectLink(path, hosts, limits) {
  return new Promise((resolve, reject) => {
    let link;
    const buffer = new Uint8Array(READ_BYTES);
    const socket = connect({ path, onread: { buffer, callback: (length) => link.received(buffer, length) } });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      link = new Link(socket, hosts, limits);
      resolve(link);
    });
  });
}

class Link {
  constructor(socket, hosts, limits) {
    this.lost = false;
    this.session = new Session(
      (bytes) => this.#write(bytes),
      (call, id, name, args) => void this.#answer(call, id, name, args),
    );
    this.socket = socket;
    this.hosts = hosts;
    this.limits = limits;
    this.output = [];
    this.begun = []; // calls whose bytes are in it
    this.waiting = new Set(); // for fewer requests to be in flight
    this.sweeper = undefined;
    let reason = 'the daemon closed it';
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => this.lose(reason));
    socket.unref(); // that it is open keeps no process alive; what is in flight does
  }

  get full() {
    return this.session.inFlight.size >= this.limits.inFlight;
  }

  /** Throws, and then nothing is sent. */
  send(request) {
    const call = new Call(request.report);
    let message;
    try {
      message = this.session.begin(call, request.method, request.message(), this.limits.messageBytes);
    } catch (error) {
      this.#ended(); // it may have waited for its turn, which is another's
      throw error;
    }
    if (this.session.inFlight.size === 1) this.socket.ref();
    this.begun.push(call);
    this.#write(message);
    call.giveUpAt = request.giveUpAt;
    if (call.giveUpAt !== undefined) this.sweeper ??= setTimeout(() => this.#sweep(), SWEEP).unref();
    return call;
  }

  #write(bytes) {
    if (this.lost) return;
    if (this.output.length === 0) process.nextTick(() => this.#flush());
    this.output.push(bytes);
  }

  #flush() {
    const { output, begun, socket } = this;
    this.output = [];
    this.begun = [];
    if (this.lost || !socket.writable) return; // it is about to be
    const tried = socket.writableLength === 0;
    socket.write(output.length === 1 ? output[0] : Buffer.concat(output));
    if (tried && socket.errored) return; // the kernel has not taken a byte: a part of it would be an error of later
    for (const call of begun) call.sent = true;
  }

  received(buffer, length) {
    try {
      this.session.receive(buffer, length);
    } catch (error) {
      this.lose(`the daemon sent what is not its protocol: ${error.message}`);
      return false;
    }
    this.#ended();
    return true;
  }

  /** Requests may have ended. */
  #ended() {
    if (this.session.inFlight.size === 0) this.socket.unref();
    let free = this.limits.inFlight - this.session.inFlight.size;
    for (const come of this.waiting) {
      if (free <= 0) break;
      free -= 1;
      this.waiting.delete(come);
      come();
    }
  }

  /** Waits while as many requests are in flight as the daemon takes of one connection. */
  async room(request) {
    let come;
    const turn = new Promise((resolve) => {
      come = resolve;
    });
    this.waiting.add(come);
    try {
      await request.within(turn);
      request.check();
    } catch (error) {
      if (!this.waiting.has(come)) this.#ended(); // its turn is another's
      throw error;
    } finally {
      this.waiting.delete(come);
    }
  }

  /** Nobody waits for it any more. */
  abandon(call, failure) {
    if (call.done) return;
    this.session.forget(call);
    call.finish(undefined, failure);
    this.#ended();
  }

  #sweep() {
    this.sweeper = undefined;
    const now = performance.now();
    let timed = false;
    for (const call of this.session.inFlight.values()) {
      if (call.giveUpAt <= now) {
        this.abandon(call, () => errors.late('the daemon did not answer in time; the request may have been run', 'waiting'));
      }
      timed ||= call.giveUpAt > now;
    }
    if (timed) this.sweeper = setTimeout(() => this.#sweep(), SWEEP).unref();
  }

  async #answer(call, id, name, args) {
    const handler = this.hosts.get(name);
    if (handler === undefined) {
      this.#write(hostError(id, { message: `the caller has no host function "${name}"` }));
      return;
    }
    const host = new HostCall();
    (call.hostCalls ??= new Set()).add(host);
    await undefined; // it may do anything: first let what has come be taken in
    if (call.done) return;
    let answer;
    try {
      const result = await insideHost.run(true, () => handler.apply(host, args));
      answer = hostResult(id, result, this.limits.depth);
    } catch (error) {
      answer = hostError(id, thrownByHost(error));
    }
    call.hostCalls.delete(host);
    if (!call.done) this.#write(answer);
  }

  /** Ends the connection and all that is in flight; without a reason, because this side closes it. */
  lose(reason) {
    if (this.lost) return;
    this.lost = true;
    this.session.lose(reason);
    clearTimeout(this.sweeper);
    this.socket.destroy();
    for (const come of this.waiting) come();
  }
}
