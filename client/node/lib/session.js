// SPDX-License-Identifier: Apache-2.0
// A connection's conversation without its socket: which bytes to send, and what received bytes mean.
import * as errors from './errors.js';
import { doubleMarks, Framer, NotMessagePack } from './framing.js';
import { dropsMarks, pack, plain, settled, unpack } from './values.js';

const LARGEST_ID = 0x7fffffff;

/** A request in flight on one connection. */
export class Call {
  constructor(report) {
    this.id = 0;
    this.report = report;
    this.sent = false;
    this.done = false;
    this.value = undefined;
    this.failure = undefined; // a function that makes the error, where it is to be thrown
    this.hostCalls = undefined; // that run: a set
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  finish(value, failure) {
    this.value = value;
    this.failure = failure;
    this.done = true;
    this.end();
    if (this.hostCalls !== undefined) for (const each of this.hostCalls) each.end();
  }
}

/** What is in flight on one connection, and the bytes of a message that has begun to come. */
export class Session {
  /** `write(bytes)` sends them; `callHost(call, id, name, args)` is told of a script's `await host.call(name, …)`. */
  constructor(write, callHost) {
    this.inFlight = new Map();
    this.write = write;
    this.callHost = callHost;
    this.lastId = 0;
    this.framer = new Framer();
    this.kept = new Uint8Array(0);
    this.keptBytes = 0;
  }

  /** The message of a request, which is in flight from now on. Throws, and then it is not. */
  begin(call, method, params, maxBytes) {
    do this.lastId = (this.lastId % LARGEST_ID) + 1;
    while (this.inFlight.has(this.lastId));
    const message = pack([0, this.lastId, method, params]);
    if (message.length > maxBytes) {
      throw new errors.TooLarge(`the request has ${message.length} bytes, more than the ${maxBytes} that the daemon takes`, {
        limit_bytes: maxBytes,
      });
    }
    call.id = this.lastId;
    this.inFlight.set(call.id, call);
    return message;
  }

  /** Nobody waits for it any more. */
  forget(call) {
    if (this.inFlight.get(call.id) !== call) return;
    this.inFlight.delete(call.id);
    this.write(pack([2, 'cancel', [call.id]]));
  }

  /** The connection has ended, and with it all that is in flight; without a reason, because this side closes it. */
  lose(reason) {
    const calls = [...this.inFlight.values()];
    this.inFlight.clear();
    for (const call of calls) {
      call.finish(undefined, () => {
        if (reason === undefined) return errors.cancelled('the connection was closed');
        const tail = call.sent ? 'the request may have been run' : 'the request was not sent';
        return errors.lost(`the connection to the daemon ended (${reason}): ${tail}`, call.sent);
      });
    }
  }

  /** Takes in what has come. Throws for what is not this protocol. */
  receive(chunk, length) {
    let bytes = chunk;
    let end = length;
    if (this.keptBytes > 0) {
      this.#keep(chunk, 0, length);
      bytes = this.kept;
      end = this.keptBytes;
    }
    const { framer } = this;
    let start = 0;
    while (framer.complete(bytes, end)) {
      this.#take(bytes, start, framer.position);
      start = framer.position;
      framer.begin(start);
    }
    framer.move(start);
    if (bytes === chunk) {
      this.#keep(chunk, start, end);
    } else {
      this.kept.copyWithin(0, start, end);
      this.keptBytes = end - start;
    }
  }

  #keep(chunk, start, end) {
    const whole = this.keptBytes + end - start;
    if (whole > this.kept.length) {
      const larger = new Uint8Array(Math.max(whole, 2 * this.kept.length));
      larger.set(this.kept.subarray(0, this.keptBytes));
      this.kept = larger;
    }
    this.kept.set(chunk.subarray(start, end), this.keptBytes);
    this.keptBytes = whole;
  }

  #take(bytes, start, end) {
    const { unreadable, marked } = this.framer;
    if (unreadable !== undefined) {
      this.#takeUnreadable(bytes, start, unreadable);
      return;
    }
    const whole = marked.length > 0 && dropsMarks() ? doubleMarks(bytes, start, end, marked) : undefined;
    const parts = whole ? unpack(whole, 0, whole.length) : unpack(bytes, start, end);
    if (!Array.isArray(parts)) throw new NotMessagePack('no array');
    if (parts[0] === 1 && parts.length === 4) this.#replied(parts);
    else if (parts[0] === 2 && parts.length === 3) this.#notified(parts[1], settled(parts[2]));
    else if (parts[0] === 0 && parts.length === 4) this.#asked(parts[1], parts[2], settled(parts[3]));
    else throw new NotMessagePack('no message of MessagePack-RPC');
  }

  #replied([, id, error, value]) {
    const call = this.inFlight.get(id);
    if (call === undefined) return;
    this.inFlight.delete(id);
    if (error === null) {
      call.finish(settled(value), undefined);
    } else {
      const details = settled(error);
      call.finish(undefined, () => errors.fromReply(details));
    }
  }

  #notified(method, params) {
    const report = this.inFlight.get(params?.[0])?.report;
    if (report === undefined) return;
    if (method === 'console') report.console.push({ level: params[1], text: params[2] });
    else if (method === 'stats') Object.assign(report.stats, params[1]);
  }

  #asked(id, method, params) {
    if (method !== 'host.call') {
      this.write(hostError(id, { code: 'unknown_method', message: 'there is only host.call' }));
      return;
    }
    const [request, name, args] = params;
    const call = this.inFlight.get(request);
    if (call !== undefined) this.callHost(call, id, name, args);
  }

  /** A message of this protocol with a value that is none of Lethe's. */
  #takeUnreadable(bytes, start, why) {
    const kind = bytes[start + 1];
    const id = smallUint(bytes, start + 2);
    const error = new errors.InvalidValue(`what the daemon sent can't be read: ${why}`);
    if (kind === 0) this.write(hostError(id, { code: error.code, message: error.message }));
    if (kind !== 1) return;
    const call = this.inFlight.get(id);
    this.inFlight.delete(id);
    call?.finish(undefined, () => error);
  }
}

/** Without msgpackr, which is to see nothing of that message. */
function smallUint(bytes, at) {
  const size = { 0xcc: 1, 0xcd: 2, 0xce: 4 }[bytes[at]] ?? 0;
  let value = size === 0 ? bytes[at] : 0;
  for (let index = 1; index <= size; index += 1) value = value * 256 + bytes[at + index];
  return value;
}

/** The answer to a host call; an error if the value can't be sent. */
export function hostResult(id, value, maxDepth) {
  try {
    return pack([1, id, null, plain(value, maxDepth)]);
  } catch (error) {
    if (!(error instanceof errors.LetheError)) throw error;
    return hostError(id, { code: error.code, message: `the host function's result: ${error.message}` });
  }
}

export function hostError(id, error) {
  return pack([1, id, error, null]);
}

/** What a script sees of what a host function throws: an Error with this message and these properties. */
export function thrownByHost(error) {
  if (error instanceof errors.LetheError) return { code: error.code, message: error.message };
  const { message, name } = error instanceof Error ? error : new Error(String(error));
  return { code: 'host_error', message: String(message || name), type: String(name) };
}
