// SPDX-License-Identifier: Apache-2.0
// JavaScript in Lethe, from Node.js:
//
//     import { connect } from 'lethe';
//
//     await using js = await connect();
//     await js.eval('6 * 7'); // 42
//     const login = js.script<Login>('acme/login', { source });
//     await login.with({ deadline: 100 }).onLogin({ name: 'Ada' }); // DeadlineExceeded after 100 ms

/** Connects to the daemon. Rejects with ConnectionLost if there is none. */
export function connect(options?: ConnectOptions): Promise<Connection>;

export interface ConnectOptions {
  /** Where the daemon listens; else `$LETHE_SOCKET`, else /run/lethe/lethe.sock. */
  socket?: string;
  /** Starts a daemon for this process, which ends with the connection, and with the process, however that ends. */
  private?: boolean;
  /** Milliseconds for which connecting is tried, now and when a request finds the connection lost: 3000. */
  connectTimeout?: number;
  /** When requests with `idempotent: true` are repeated; null: never. */
  retry?: RetryPolicy | null;
  /** More requests wait for each other: 256, as the daemon takes them unless it is configured otherwise. */
  maxInFlight?: number;
  /** Larger requests are TooLarge: 16 MiB, likewise. */
  maxMessageBytes?: number;
  /** Values that are nested more deeply are InvalidValue: 256, likewise. */
  maxDepth?: number;
}

/** Of every request. */
export interface RequestOptions {
  /** Milliseconds from now: connecting, waiting, running and the reply. Without it the script's or the pool's holds. */
  deadline?: number | undefined;
  /** Cancels it: the script ends, and the request rejects with Cancelled, whose `cause` is the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Of eval, call and chain: the protocol's options, also in its spelling (memory_mb). */
export interface RunOptions extends RequestOptions {
  pool?: string;
  /** Limit on the time of processors. */
  cpuMs?: number;
  /** Limit on memory, below the pool's. */
  memoryMb?: number;
  /** Only stricter than the pool's. */
  isolation?: 'rewind' | 'process' | 'reuse';
  /** A text that is copied to the daemon's log. */
  trace?: string;
  /** It may be run more than once: it is repeated as the connection's `retry` says. Nothing else ever is. */
  idempotent?: boolean;
  /** What it tells besides its result. */
  report?: Report | undefined;
}

export interface EvalOptions extends RunOptions {
  /** Variables that the source finds. */
  globals?: Record<string, unknown>;
}

/** Of fetch(): what the Fetch API's init has of it, the call's options, and */
export interface FetchOptions extends RunOptions {
  method?: string;
  headers?: ConstructorParameters<typeof Headers>[0];
  body?: ConstructorParameters<typeof Response>[0];
  redirect?: 'follow' | 'error' | 'manual';
  /** The function's second argument. */
  env?: Record<string, unknown>;
  /** Which function: 'default.fetch'. */
  functionName?: string;
}

/** Of put() and script(): the protocol's options of script.put, also in its spelling (warm_up). */
export interface ScriptOptions {
  pool?: string;
  /** An ES module, whose exports are the functions; else a classic script, whose global functions they are. */
  module?: boolean;
  /** Or CommonJS: what its `module.exports` holds are the functions. */
  commonjs?: boolean;
  /** Whether it finds `Buffer`, `process` and `global`. */
  nodeGlobals?: boolean;
  /** Calls that run before the first request, so that it finds compiled code. */
  warmUp?: [functionName: string, args: unknown[], options?: { fetch?: boolean }][];
  warmUpMustBePure?: boolean;
  /** For every call of the script. */
  deadlineMs?: number;
  cpuMs?: number;
  memoryMb?: number;
  isolation?: 'rewind' | 'process' | 'reuse';
  sourceMap?: string;
}

export interface PutResult {
  name: string;
  version: number;
  generation: number;
  warm_up?: Record<string, unknown>;
}

/** `this` of a host function that is no arrow function. */
export interface HostCall {
  /** Aborts when the request that called it has ended. */
  readonly signal: AbortSignal;
}

export type HostFunction = (this: HostCall, ...args: any[]) => unknown;

/**
 * A connection to a daemon, made again when it is lost. Any number of requests may be in flight. That it is open keeps no process
 * alive. All of its methods reject with LetheError, by its classes.
 */
export class Connection {
  private constructor();

  /** Where the daemon listens. */
  readonly socket: string;

  /** The value of the last expression; a promise is awaited. */
  eval<Result = any>(source: string, options?: EvalOptions): Promise<Result>;

  /** What the function of a script that was put before returns. */
  call<Result = any>(script: string, functionName: string, args?: readonly unknown[], options?: RunOptions): Promise<Result>;

  /**
   * What a Workers-like module, `export default { fetch(request, env, ctx) }`, answers to a request. The script is a name or a
   * handle. What the function has given to `ctx.waitUntil()` is done when this resolves.
   */
  fetch(script: string | ScriptHandle<any>, input: string | URL | Request, options?: FetchOptions): Promise<Response>;

  /** Passes `input` through the functions in turn, as one request, with a clean state for each. */
  chain<Result = any>(steps: readonly (readonly [script: string, functionName: string])[], input?: unknown, options?: RunOptions): Promise<Result>;

  /** Registers a script, durably. CompileError; Forbidden for who may not write scripts. */
  put(name: string, source: string, options?: ScriptOptions & RequestOptions): Promise<PutResult>;

  /**
   * A script as an object: `js.script<Login>('acme/login', { source }).onLogin(user)`.
   *
   * With a source it is put when it is first called, if the daemon doesn't have exactly that, and again whenever the daemon has
   * lost it.
   */
  script<Functions = Record<string, (...args: any[]) => any>>(name: string, options?: ScriptOptions & { source?: string }): Script<Functions>;

  /**
   * Lets scripts call a function: their `await host.call('db.get', …)` gets what it returns. What it throws is an Error there. It
   * may send requests itself.
   */
  host(name: string, handler: HostFunction): this;
  host(handlers: Record<string, HostFunction>): this;

  ping(options?: RequestOptions): Promise<{ name: 'lethe'; version: string; v8: string; tzdata: string | null; pid: number; uptime_s: number }>;

  /** Any method of the protocol: `js.request('script.list', [{}])`, `js.request('stats')`. */
  request<Result = any>(method: string, params?: readonly unknown[], options?: RequestOptions): Promise<Result>;

  /** Ends the connection, and a private daemon. What is in flight rejects with Cancelled. */
  close(): Promise<void>;

  /** close(), for `await using`, where the runtime has it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A script's functions, and what every handle has; a function of one of these names is called by call(). */
export type Script<Functions = Record<string, (...args: any[]) => any>> = ScriptHandle<Functions> & {
  [Name in Exclude<keyof Functions, keyof ScriptHandle<Functions>>]: Functions[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

export interface ScriptHandle<Functions> {
  readonly name: string;
  /** As the connection's call(). */
  call<Result = any>(functionName: string, args?: readonly unknown[], options?: RunOptions): Promise<Result>;
  /** The same script, with these options for all its calls: `login.with({ deadline: 100 }).onLogin(user)`. */
  with(options: RunOptions): Script<Functions>;
  /** Puts it unless the daemon has exactly this: what the first call does. */
  ensure(): Promise<void>;
  /** Puts it now, whatever the daemon has. */
  put(): Promise<PutResult>;
}

export interface ConsoleLine {
  level: 'log' | 'info' | 'warn' | 'error' | 'debug' | 'trace';
  text: string;
}

/** What a request tells besides its result: give it one as `report`, and read it afterwards, also after an error. */
export class Report {
  constructor(wanted?: { console?: boolean; stats?: boolean });
  /** What the script has written with console.log() and its kin. */
  console: ConsoleLine[];
  /** Empty if the daemon sent none. `rewind_us` is of the request before in the same worker. */
  stats: Partial<Record<'queue_us' | 'run_us' | 'cpu_us' | 'rewind_us' | 'heap_kb' | 'generation' | 'worker', number>>;
}

export interface RetryPolicy {
  /** Milliseconds until the next attempt, after attempt number `attempt` (from 1) ended with this error. undefined: no more. */
  delay(error: LetheError, attempt: number): number | undefined | null;
}

/** The usual policy: after ConnectionLost, Busy and ShuttingDown; delays double, with jitter, or are what the daemon tells. */
export class Retry implements RetryPolicy {
  constructor(options?: { attempts?: number; firstDelay?: number; longestDelay?: number });
  attempts: number;
  firstDelay: number;
  longestDelay: number;
  delay(error: LetheError, attempt: number): number | undefined;
}

/** Any error of a request. One whose code is of a later version is of this class itself. */
export class LetheError extends Error {
  constructor(message: string, details?: Record<string, unknown>);
  static readonly code: string;
  /** The protocol's: "script_error", … */
  code: string;
  /** All keys that came with it, in the protocol's spelling. */
  details: Record<string, any>;
  /** Of a chain: which step failed, from 0. */
  step?: number;
}

/** The script threw, or its promise was rejected. `stack` begins with the script's. */
export class ScriptError extends LetheError {
  /** JavaScript's ("TypeError"); undefined if no Error was thrown, and then `value` is what was. */
  name: string;
  value?: any;
  script?: string;
  line?: number;
  column?: number;
  /** Where it was thrown, "acme/login:3:35". */
  get place(): string | undefined;
  /** The Error's own properties. */
  properties: Record<string, any>;
  /** A ScriptError, or a value that is no Error. */
  cause?: any;
  /** Of an AggregateError: ScriptErrors, or values that are no Errors. */
  errors: any[];
}

/** The script does not compile, or a module isn't found. */
export class CompileError extends LetheError {
  script?: string;
  line?: number;
  column?: number;
  sourceLine?: string;
}

/** No result in time. Its name is TimeoutError. `stack` begins with where the script was, if that is known. */
export class DeadlineExceeded extends LetheError {
  /**
   * As the daemon tells; "connecting": the time was over before it could be sent, so that it was not run; "waiting": the daemon did
   * not keep the deadline.
   */
  phase?: 'queued' | 'running' | 'loading' | 'connecting' | 'waiting';
  limit?: 'deadline' | 'cpu';
}

/** The script wanted more. `stack` begins with where it was, if that is known. */
export class MemoryLimit extends LetheError {
  limitMb?: number;
}

/** The worker died, through its script's fault or another's. */
export class WorkerCrashed extends LetheError {
  signal?: number | string;
  status?: number;
}

/** The worker tried what the sandbox forbids. */
export class SandboxViolation extends WorkerCrashed {}

/** This script has crashed too often; it isn't run until an administrator releases it or another version is put. */
export class Quarantined extends LetheError {}

/** A value that can't be sent or received. */
export class InvalidValue extends LetheError {
  /** Where it is: "$.user.tags[3]". */
  path?: string;
}

/** There is no such script, function or pool. Its `name` is the one that was not found. */
export class NotFound extends LetheError {
  kind?: 'script' | 'function' | 'pool';
}

/** Refused because something is full; it was not run. */
export class Busy extends LetheError {
  /** What is full: "queue", … */
  limit?: string;
  /** Milliseconds, if the daemon can tell. */
  retryAfter: number | undefined;
}

/** A message or a result of more bytes than there may be. */
export class TooLarge extends LetheError {
  limitBytes?: number;
}

/** This user may not do that. */
export class Forbidden extends LetheError {}

/** Cancelled by its AbortSignal, whose reason is the `cause`, or because the connection was closed. Its name is AbortError. */
export class Cancelled extends LetheError {
  cause?: unknown;
}

/** The daemon is stopping, or the pool is drained; it was not run. */
export class ShuttingDown extends LetheError {}

/** A parameter or an option that isn't allowed. */
export class InvalidRequest extends LetheError {}

/** A defect of Lethe, or of the machine; the daemon's log has more. */
export class InternalError extends LetheError {}

/** The connection ended before the reply came. */
export class ConnectionLost extends LetheError {
  /** false: the script was surely not run; true: it may have been. */
  sent: boolean;
}
