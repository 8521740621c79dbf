// SPDX-License-Identifier: Apache-2.0
// One request of a program: what it asks, how long it may take, and when it is sent again.
import * as errors from './errors.js';
import { MAX_DEPTH, plain } from './values.js';

const SLACK = 1000; // milliseconds beyond a deadline after which a daemon that has not kept it is not waited for any longer
const WITH_OPTIONS = new Set(['call', 'eval', 'chain']); // methods that run scripts, and take a deadline

/** What a request tells besides its result: give it one as `report`, and read it afterwards, also after an error. */
export class Report {
  constructor({ console = true, stats = true } = {}) {
    this.wanted = { console, stats };
    this.console = [];
    this.stats = {};
  }
}

/** When an idempotent request is repeated, and after how long. Another policy is another `delay`. */
export class Retry {
  constructor({ attempts = 3, firstDelay = 50, longestDelay = 1000 } = {}) {
    Object.assign(this, { attempts, firstDelay, longestDelay });
  }

  delay(error, attempt) {
    const passing = error instanceof errors.ConnectionLost || error instanceof errors.Busy || error instanceof errors.ShuttingDown;
    if (attempt >= this.attempts || !passing) return undefined;
    if (error.retryAfter !== undefined) return error.retryAfter * (1 + Math.random() / 2);
    return Math.min(this.firstDelay * 2 ** (attempt - 1), this.longestDelay) * (0.5 + Math.random() / 2);
  }
}

/** The protocol's options, whose names may be written in JavaScript's way: memoryMb is memory_mb. Throws InvalidValue. */
export function protocolOptions(options, maxDepth = MAX_DEPTH) {
  const written = {};
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) {
      written[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = plain(value, maxDepth + 1); // globals is one level
    }
  }
  return written;
}

const aborts = new WeakMap(); // what is to be done when a signal aborts: one listener for all requests that have it

/** Calls the action when the signal aborts. What is returned takes that back. */
export function onAbort(signal, action) {
  let actions = aborts.get(signal);
  if (actions === undefined) {
    actions = new Set();
    actions.all = () => [...actions].forEach((each) => each());
    aborts.set(signal, actions);
    signal.addEventListener('abort', actions.all);
  }
  actions.add(action);
  return () => {
    actions.delete(action);
    if (actions.size > 0 || aborts.get(signal) !== actions) return;
    signal.removeEventListener('abort', actions.all);
    aborts.delete(signal);
  };
}

/** How long something may take, and what cancels it. */
export class Budget {
  constructor({ deadline, signal } = {}) {
    if (deadline !== undefined && (typeof deadline !== 'number' || Number.isNaN(deadline))) {
      throw new TypeError(`deadline: milliseconds, not ${String(deadline)}`);
    }
    if (signal !== undefined && typeof signal?.addEventListener !== 'function') throw new TypeError('signal: an AbortSignal');
    this.end = deadline === undefined || deadline === Infinity ? undefined : performance.now() + deadline;
    this.signal = signal;
  }

  /** Milliseconds. */
  get left() {
    return this.end === undefined ? undefined : this.end - performance.now();
  }

  /** Throws if nothing may be sent any more. */
  check() {
    if (this.signal?.aborted) throw errors.cancelled('it was cancelled before it was sent', this.signal.reason);
    if (this.left <= 0) throw errors.late('the deadline was over before the request could be sent', 'connecting');
  }

  /** Waits for the promise, but not beyond the deadline (then it returns undefined), and not when it is cancelled. */
  async within(promise) {
    const { left, signal } = this;
    if (left === undefined && signal === undefined) return promise;
    let timer;
    let off;
    const stopped = new Promise((resolve, reject) => {
      if (left !== undefined) timer = setTimeout(resolve, Math.max(0, Math.ceil(left)));
      const abort = () => reject(errors.cancelled('it was cancelled before it was sent', signal.reason));
      if (signal?.aborted) abort();
      else if (signal !== undefined) off = onAbort(signal, abort);
    });
    try {
      return await Promise.race([promise, stopped]);
    } finally {
      clearTimeout(timer);
      off?.();
    }
  }
}

export class Request extends Budget {
  /** `params` are plain already. Throws InvalidValue and TypeError. */
  constructor(method, params, { deadline, signal, report, ...options } = {}, maxDepth = MAX_DEPTH) {
    super({ deadline, signal });
    this.method = method;
    this.params = params;
    this.report = report;
    this.options = protocolOptions(options, maxDepth);
    if (report !== undefined) for (const key of ['console', 'stats']) if (report.wanted[key]) this.options[key] = true;
  }

  /** Its parameters as they are sent now: the deadline among them is what is left. */
  message() {
    const { options, left } = this;
    if (!WITH_OPTIONS.has(this.method)) return this.params;
    if (left !== undefined) options.deadline_ms = Math.max(1, Math.round(left));
    for (const _ in options) return [...this.params, options];
    return this.params;
  }

  /** The time after which not even the daemon's error is waited for. */
  get giveUpAt() {
    return this.end === undefined ? undefined : this.end + SLACK;
  }

  /** Milliseconds until it is sent again; undefined: it is not. */
  delayAfter(error, attempt, retry) {
    if (this.options.idempotent !== true || !retry || !(error instanceof errors.LetheError)) return undefined;
    const delay = retry.delay(error, attempt) ?? undefined;
    return delay >= this.left ? undefined : delay;
  }
}
