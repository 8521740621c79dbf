// SPDX-License-Identifier: Apache-2.0
// What the tests of the Node.js client share: a lethed, and the notation of values in cases.json.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const PACKAGE = join(ROOT, 'client', 'node');
export const LIBRARY = join(PACKAGE, 'lib', 'index.js');
export const BUILD = process.env.LETHE_BUILD ?? join(ROOT, 'build');
export const PATIENCE = 30_000; // milliseconds, for what is broken

export const lethe = await import(LIBRARY);

export async function until(condition, patience = PATIENCE) {
  for (const end = performance.now() + patience; !(await condition()); await sleep(10)) {
    if (performance.now() > end) throw new Error('it did not happen in time');
  }
}

/** Rejects if the promise takes longer. */
export async function inTime(promise, patience = PATIENCE) {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(patience, undefined, { signal: late.signal }).then(() => Promise.reject(new Error('it took too long'))),
    ]);
  } finally {
    late.abort();
  }
}

/** A lethed with a folder of its own. It can be stopped, killed and started again. */
export class Daemon {
  static async start(...settings) {
    const daemon = new Daemon(settings);
    await daemon.start();
    return daemon;
  }

  constructor(settings) {
    this.folder = mkdtempSync(join(tmpdir(), 'lethe-clients-'));
    chmodSync(this.folder, 0o755);
    this.socket = join(this.folder, 'socket');
    this.log = join(this.folder, 'log');
    this.settings = settings;
  }

  async start() {
    const log = openSync(this.log, 'a');
    const before = statSync(this.log).size;
    this.process = spawn(join(BUILD, 'bin', 'lethed'), [
      '--config', '/dev/null', '--socket', this.socket, '--state-dir', join(this.folder, 'state'),
      '--cache-dir', join(BUILD, 'tests', 'clients-cache'), ...this.settings.flatMap((setting) => ['--set', setting]),
    ], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.ended = new Promise((resolve) => this.process.once('exit', resolve));
    await until(() => {
      const said = readFileSync(this.log).subarray(before).toString();
      if (this.process.exitCode !== null) throw new Error(`lethed ended: ${said}`);
      return said.includes('lethed: ready');
    });
  }

  get pid() {
    return this.process.pid;
  }

  async stop(signal = 'SIGTERM') {
    this.process.kill(signal);
    await inTime(this.ended);
  }

  kill() {
    return this.stop('SIGKILL');
  }

  /** All processes below the zygotes but these. */
  kill_workers() {
    for (const zygote of children(this.pid)) for (const worker of children(zygote)) process.kill(worker, 'SIGKILL');
  }

  async end() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function children(parent) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    } catch {
      return false; // it has ended
    }
  }).map(Number);
}

/** A value from its notation in cases.json (see README.md beside it). */
export function valueOf(written) {
  if (Array.isArray(written)) return written.map(valueOf);
  if (typeof written !== 'object' || written === null) return written;
  const [[key, content] = [], ...others] = Object.entries(written);
  if (others.length === 0) {
    switch (key) {
      case '$bin': return new Uint8Array(Buffer.from(content, 'base64'));
      case '$bigint': return BigInt(content);
      case '$number': return Number(content);
      case '$date': return new Date(content);
      case '$map': return new Map(content.map(([name, value]) => [valueOf(name), valueOf(value)]));
      case '$repeat': return content[0].repeat(content[1]);
      case '$repeat_bytes': return new Uint8Array(content[1]).fill(content[0]);
      case '$nested': return Array.from({ length: content }).reduce((inner) => [inner], []);
    }
  }
  const object = {};
  for (const [name, value] of Object.entries(written)) define(object, name, valueOf(value));
  return object;
}

function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Equal and of the same types, also 0 and -0, and keys of Maps. */
export const same = isDeepStrictEqual;

/** What a program prints. It gets the library's path, and what else it is given. */
export function run(program, ...args) {
  return execFileSync(process.execPath, ['--input-type=module', '-e', program, LIBRARY, ...args], { encoding: 'utf8', timeout: PATIENCE });
}
