// SPDX-License-Identifier: Apache-2.0
// What a script with the option node_globals finds besides lethe.d.ts. Not to be used together with @types/node.
/// <reference path="lethe.d.ts" />

type BufferEncoding = 'utf8' | 'utf-8' | 'hex' | 'base64' | 'latin1' | 'binary' | 'ascii' | 'utf16le' | 'utf-16le' | 'ucs2' | 'ucs-2';

/** That of the npm package `buffer`. */
interface BufferConstructor {
  from(text: string, encoding?: BufferEncoding): Buffer;
  from(buffer: ArrayBuffer, byteOffset?: number, length?: number): Buffer;
  from(bytes: ArrayLike<number>): Buffer;
  alloc(size: number, fill?: string | number | Uint8Array, encoding?: BufferEncoding): Buffer;
  allocUnsafe(size: number): Buffer;
  allocUnsafeSlow(size: number): Buffer;
  concat(list: readonly Uint8Array[], length?: number): Buffer;
  compare(a: Uint8Array, b: Uint8Array): -1 | 0 | 1;
  byteLength(text: string | ArrayBufferView | ArrayBufferLike, encoding?: BufferEncoding): number;
  isBuffer(value: unknown): value is Buffer;
  isEncoding(name: string): name is BufferEncoding;
  poolSize: number;
  readonly prototype: Buffer;
}
declare var Buffer: BufferConstructor;

type BufferByteOrder = 'LE' | 'BE';
type BufferNumber = 'Int8' | 'UInt8' | `${'Int16' | 'UInt16' | 'Int32' | 'UInt32' | 'Float' | 'Double'}${BufferByteOrder}`;
type BufferBigInt = `Big${'Int64' | 'UInt64'}${BufferByteOrder}`;
type BufferInteger = `${'Int' | 'UInt'}${BufferByteOrder}`;
type BufferNumbers =
  & { [Name in `read${BufferNumber}`]: (offset?: number) => number }
  & { [Name in `read${BufferBigInt}`]: (offset?: number) => bigint }
  & { [Name in `read${BufferInteger}`]: (offset: number, byteLength: number) => number }
  & { [Name in `write${BufferNumber}`]: (value: number, offset?: number) => number }
  & { [Name in `write${BufferBigInt}`]: (value: bigint, offset?: number) => number }
  & { [Name in `write${BufferInteger}`]: (value: number, offset: number, byteLength: number) => number };

interface Buffer extends Uint8Array<ArrayBuffer>, BufferNumbers {
  toString(encoding?: BufferEncoding, start?: number, end?: number): string;
  toJSON(): { type: 'Buffer'; data: number[] };
  equals(other: Uint8Array): boolean;
  compare(target: Uint8Array, targetStart?: number, targetEnd?: number, sourceStart?: number, sourceEnd?: number): -1 | 0 | 1;
  copy(target: Uint8Array, targetStart?: number, sourceStart?: number, sourceEnd?: number): number;
  slice(start?: number, end?: number): Buffer;
  subarray(start?: number, end?: number): Buffer;
  write(text: string, offset?: number, length?: number, encoding?: BufferEncoding): number;
  write(text: string, encoding?: BufferEncoding): number;
  fill(value: string | number | Uint8Array, start?: number, end?: number, encoding?: BufferEncoding): this;
  indexOf(value: string | number | Uint8Array, from?: number, encoding?: BufferEncoding): number;
  lastIndexOf(value: string | number | Uint8Array, from?: number, encoding?: BufferEncoding): number;
  includes(value: string | number | Uint8Array, from?: number, encoding?: BufferEncoding): boolean;
  swap16(): this;
  swap32(): this;
  swap64(): this;
}

declare var process: {
  readonly title: string;
  readonly version: string;
  readonly versions: { readonly v8: string };
  readonly arch: string;
  readonly platform: 'linux';
  readonly argv: string[];
  readonly execArgv: string[];
  env: Record<string, string | undefined>;
  readonly stdout: { readonly isTTY: false; write(text: string): true };
  readonly stderr: { readonly isTTY: false; write(text: string): true };
  cwd(): string;
  hrtime: { (before?: [number, number]): [number, number]; bigint(): bigint };
  uptime(): number;
  nextTick<Arguments extends unknown[]>(callback: (...args: Arguments) => void, ...args: Arguments): void;
  emitWarning(warning: string | Error): void;
  /** No event ever comes. */
  on(event: string, listener: (...args: unknown[]) => void): typeof process;
  once(event: string, listener: (...args: unknown[]) => void): typeof process;
  off(event: string, listener: (...args: unknown[]) => void): typeof process;
  emit(event: string, ...args: unknown[]): false;
  /** Throws an error. */
  exit(code?: number): never;
};

declare var global: typeof globalThis;
