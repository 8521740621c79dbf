// SPDX-License-Identifier: Apache-2.0
// What a script of Lethe finds and TypeScript's libraries es2024 and webworker (or dom) don't declare. These know more than
// there is: see SCRIPTS.md.
/// <reference lib="es2024" />
/// <reference lib="esnext.array" />
/// <reference lib="esnext.collection" />
/// <reference lib="esnext.disposable" />
/// <reference lib="esnext.error" />
/// <reference lib="esnext.iterator" />
/// <reference lib="esnext.promise" />

/** What becomes of a value on its way to the client and back: see lethe-protocol(7). Functions and symbols are left out. */
interface LetheHost {
  /**
   * Asks the client that sent the request, with its function `name`. The promise is rejected if the client answers with an
   * error, or has no such function.
   */
  call<Answer = unknown>(name: string, ...args: unknown[]): Promise<Answer>;
}
declare const host: Readonly<LetheHost>;

/** What the client's function `fetch` is asked with, as its one argument. */
interface LetheFetchQuestion {
  url: string;
  method: string;
  headers: [name: string, value: string][];
  body: Uint8Array | null;
  redirect: 'follow' | 'error' | 'manual';
}
/** What it answers. */
interface LetheFetchAnswer {
  status: number;
  statusText?: string;
  headers?: [name: string, value: string][] | Record<string, string>;
  body?: Uint8Array | string | null;
  url?: string;
  redirected?: boolean;
}

/** The third argument of a call with the option `fetch`. */
interface ExecutionContext {
  /** The answer waits for it, within the deadline. What is rejected is written to the console. */
  waitUntil(promise: unknown): void;
  /** Does nothing: there is nobody behind the script. */
  passThroughOnException(): void;
}
/** A Workers-like module's default export: `export default { fetch(request, env, ctx) { … } } satisfies ExportedHandler<Env>`. */
interface ExportedHandler<Env = Record<string, unknown>> {
  fetch?(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response>;
}

declare function setImmediate<Arguments extends unknown[]>(callback: (...args: Arguments) => void, ...args: Arguments): number;
declare function clearImmediate(id?: number): void;

interface ImportMeta {
  /** `lethe:/` and the script's name. */
  url: string;
  resolve(specifier: string): string;
}

// Newer built-ins of the language.

interface Map<K, V> {
  getOrInsert(key: K, value: V): V;
  getOrInsertComputed(key: K, compute: (key: K) => V): V;
}
interface WeakMap<K extends WeakKey, V> {
  getOrInsert(key: K, value: V): V;
  getOrInsertComputed(key: K, compute: (key: K) => V): V;
}
interface LetheZipOptions {
  mode?: 'shortest' | 'longest' | 'strict';
}
interface IteratorConstructor {
  concat<T>(...iterables: Iterable<T>[]): IteratorObject<T, undefined, unknown>;
  zip<Tuple extends readonly unknown[]>(
    iterables: { readonly [Index in keyof Tuple]: Iterable<Tuple[Index]> },
    options?: LetheZipOptions & { padding?: Iterable<unknown> },
  ): IteratorObject<Tuple, undefined, unknown>;
  zipKeyed<Fields extends object>(
    iterables: { readonly [Key in keyof Fields]: Iterable<Fields[Key]> },
    options?: LetheZipOptions & { padding?: Partial<Fields> },
  ): IteratorObject<Fields, undefined, unknown>;
}
interface IteratorObject<T, TReturn, TNext> {
  chunks(size: number): IteratorObject<T[], undefined, unknown>;
  windows(size: number, undersized?: 'only-full' | 'allow-partial'): IteratorObject<T[], undefined, unknown>;
  includes(value: unknown, skipped?: number): boolean;
  join(separator?: string): string;
}
interface Math {
  f16round(value: number): number;
  sumPrecise(values: Iterable<number>): number;
}
interface DataView {
  getFloat16(offset: number, littleEndian?: boolean): number;
  setFloat16(offset: number, value: number, littleEndian?: boolean): void;
}
interface RegExpConstructor {
  escape(text: string): string;
}

interface LetheBase64Options {
  alphabet?: 'base64' | 'base64url';
  lastChunkHandling?: 'loose' | 'strict' | 'stop-before-partial';
}
interface Uint8ArrayConstructor {
  fromBase64(text: string, options?: LetheBase64Options): Uint8Array<ArrayBuffer>;
  fromHex(text: string): Uint8Array<ArrayBuffer>;
}
interface Uint8Array<TArrayBuffer extends ArrayBufferLike> {
  toBase64(options?: { alphabet?: 'base64' | 'base64url'; omitPadding?: boolean }): string;
  toHex(): string;
  setFromBase64(text: string, options?: LetheBase64Options): { read: number; written: number };
  setFromHex(text: string): { read: number; written: number };
}

// Standard APIs that TypeScript's libraries have in newer versions only, or not at all.

interface ReadableStream<R = any> {
  values(options?: { preventCancel?: boolean }): AsyncIterableIterator<R>;
  [Symbol.asyncIterator](options?: { preventCancel?: boolean }): AsyncIterableIterator<R>;
}

interface QuotaExceededError extends DOMException {
  readonly quota: number | null;
  readonly requested: number | null;
}
declare var QuotaExceededError: {
  prototype: QuotaExceededError;
  new (message?: string, options?: { quota?: number; requested?: number }): QuotaExceededError;
};
