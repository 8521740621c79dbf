// SPDX-License-Identifier: Apache-2.0
// What goes wrong, as classes: one for each code of the protocol, all below LetheError. index.d.ts says what they have.

const HERE = new URL('.', import.meta.url).href;

export class LetheError extends Error {
  static code = 'internal';
  static keys = []; // of `details`, which are properties, too, in JavaScript's spelling

  constructor(message, details = {}) {
    super(message);
    this.code = details.code ?? this.constructor.code;
    hide(this, 'details', details);
    for (const key of ['step', ...this.constructor.keys]) {
      if (details[key] !== undefined) this[key.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = details[key];
    }
    if (typeof details.stack === 'string') hide(this, 'stack', joined(this, details.stack));
  }

  get name() {
    return this.constructor.name;
  }
}

/** What console.log() doesn't show a second time, as Error's own properties. */
function hide(error, key, value) {
  Object.defineProperty(error, key, { value, writable: true, configurable: true });
}

/** Where the script was, then where this process has asked for it. */
function joined(error, stack) {
  const frames = String(error.stack).split('\n').filter((line) => line.startsWith('    at ') && !line.includes(HERE));
  const head = stack.startsWith('    at ') ? [`${error.name}: ${error.message}`] : [];
  return [...head, stack, ...frames].join('\n');
}

export class ScriptError extends LetheError {
  static code = 'script_error';
  static keys = ['script', 'line', 'column'];

  constructor(message, details = {}) {
    super(message, details);
    const { name, value } = details;
    hide(this, 'name', name);
    if (name === undefined) this.value = value;
    this.properties = name !== undefined && isMap(value) ? value : {};
    if ('cause' in details) hide(this, 'cause', thrown(details.cause));
    this.errors = Array.isArray(details.errors) ? details.errors.map(thrown) : [];
  }

  get place() {
    return this.script && [this.script, this.line, this.column].filter(Boolean).join(':');
  }
}

function isMap(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function thrown(value) {
  const isError = isMap(value) && 'message' in value && 'name' in value;
  if (!isError) return value;
  const error = new ScriptError(String(value.message), { ...value, code: 'script_error' });
  hide(error, 'stack', value.stack ?? `${value.name}: ${value.message}`); // the frames of this process are those of what it caused
  return error;
}

export class CompileError extends LetheError {
  static code = 'compile_error';
  static keys = ['script', 'line', 'column', 'source_line'];
}

export class DeadlineExceeded extends LetheError {
  static code = 'deadline_exceeded';
  static keys = ['phase', 'limit'];

  get name() {
    return 'TimeoutError'; // what AbortSignal.timeout() has
  }
}

export class MemoryLimit extends LetheError {
  static code = 'memory_limit';
  static keys = ['limit_mb'];
}

export class WorkerCrashed extends LetheError {
  static code = 'worker_crashed';
  static keys = ['signal', 'status'];
}

export class SandboxViolation extends WorkerCrashed {
  static code = 'sandbox_violation';
}

export class Quarantined extends LetheError {
  static code = 'quarantined';
}

export class InvalidValue extends LetheError {
  static code = 'invalid_value';
  static keys = ['path'];
}

export class NotFound extends LetheError {
  static code = 'not_found';
  static keys = ['kind'];

  constructor(message, details = {}) {
    super(message, details);
    if (typeof details.name === 'string') hide(this, 'name', details.name);
  }
}

export class Busy extends LetheError {
  static code = 'overloaded';
  static keys = ['limit'];

  constructor(message, details = {}) {
    super(message, details);
    this.retryAfter = details.retry_after_ms;
  }
}

export class TooLarge extends LetheError {
  static code = 'too_large';
  static keys = ['limit_bytes'];
}

export class Forbidden extends LetheError {
  static code = 'forbidden';
}

export class Cancelled extends LetheError {
  static code = 'cancelled';

  get name() {
    return 'AbortError'; // as of whatever else takes an AbortSignal
  }
}

export class ShuttingDown extends LetheError {
  static code = 'shutting_down';
}

export class InvalidRequest extends LetheError {
  static code = 'invalid_request';
}

export class InternalError extends LetheError {
  static code = 'internal';
}

export class ConnectionLost extends LetheError {
  static code = 'connection_lost';

  constructor(message, details = {}) {
    super(message, details);
    this.sent = this.code === 'connection_lost';
  }
}

const classes = new Map([
  ScriptError, CompileError, DeadlineExceeded, MemoryLimit, WorkerCrashed, SandboxViolation, Quarantined, InvalidValue, NotFound,
  Busy, TooLarge, Forbidden, Cancelled, ShuttingDown, InvalidRequest, InternalError,
].map((each) => [each.code, each]));
classes.set('unknown_method', InvalidRequest);

/** The error of a reply; one of a later version, with an unknown code, is a LetheError. */
export function fromReply(error) {
  if (!isMap(error)) return new LetheError(String(error));
  return new (classes.get(error.code) ?? LetheError)(String(error.message ?? ''), error);
}

export function lost(message, sent) {
  return new ConnectionLost(message, { code: sent ? 'connection_lost' : 'unreachable' });
}

export function late(message, phase) {
  return new DeadlineExceeded(message, { phase, limit: 'deadline' });
}

export function cancelled(message, reason) {
  const error = new Cancelled(message);
  if (reason !== undefined) hide(error, 'cause', reason);
  return error;
}
