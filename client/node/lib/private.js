// SPDX-License-Identifier: Apache-2.0
// A lethed for this process alone: for tests, tools and first steps.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { lost } from './errors.js';

const START_LIMIT = 60_000; // milliseconds; the very first start builds the startup snapshot
const STOP_LIMIT = 5000;
const LOOK_EVERY = 10;
// lethed, whose parent ends it when the other end of standard input is closed, be it that this process was killed. lethed has no
// child that it doesn't know, for which it would wait at its end; the parent ends nobody but its own children.
const LAUNCH = `
exec 3<&0 </dev/null
"$@" 3<&- &
daemon=$!
trap 'kill $daemon' TERM
(trap - TERM; read -r _ <&3; read -r _ _ _ parent _ </proc/self/stat; [ "$parent" != $$ ] || kill $$) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait $daemon  # or until the trap
wait $daemon 2>/dev/null
kill $watcher
rm -rf -- "$0"
`;

/** A lethed with a folder of its own, which ends with this process, however that ends. */
export class PrivateDaemon {
  /** Resolves when it is ready. Rejects with ConnectionLost and the daemon's log if it is not. */
  static async start() {
    const daemon = new PrivateDaemon(await mkdtemp(join(tmpdir(), 'lethe-run-')));
    try {
      await daemon.#launch();
      await daemon.#ready();
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  constructor(folder) {
    this.folder = folder;
    this.socket = join(folder, 'lethe.sock');
  }

  async #launch() {
    const { folder } = this;
    await writeFile(join(folder, 'lethe.toml'), ''); // the system's configuration is not ours
    const log = await open(join(folder, 'log'), 'w');
    const command = [
      findLethed(), '--config', join(folder, 'lethe.toml'), '--socket', this.socket, '--state-dir', join(folder, 'state'),
      '--cache-dir', cacheFolder(folder), '--set', 'pool.default.max_deadline_ms=0', // nobody else waits for its workers
    ];
    this.process = spawn('/bin/sh', ['-c', LAUNCH, folder, ...command], {
      stdio: ['pipe', log.fd, log.fd],
      detached: true, // Ctrl-C is for this process, which then stops it
    });
    this.ended = new Promise((resolve) => {
      this.process.once('close', resolve);
    });
    this.process.stdin.on('error', () => {}); // that of a shell which has ended
    this.process.unref(); // it keeps no process alive
    this.process.stdin.unref();
    await log.close();
  }

  async #ready() {
    const log = join(this.folder, 'log');
    let said = '';
    for (const until = performance.now() + START_LIMIT; performance.now() < until; await sleep(LOOK_EVERY)) {
      const ended = this.process.exitCode !== null || this.process.signalCode !== null;
      said = await readFile(log, 'utf8').catch(() => said);
      if (said.includes('lethed: ready')) return;
      if (ended) break;
    }
    throw lost(`the private daemon did not start: ${said.trim() || 'its log is empty'}`, false);
  }

  /** Ends it and removes its folder. */
  async stop() {
    if (this.process !== undefined) {
      this.process.ref();
      this.process.stdin.end();
      const killer = setTimeout(() => process.kill(-this.process.pid, 'SIGKILL'), STOP_LIMIT);
      await this.ended;
      clearTimeout(killer);
      this.process = undefined;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** $LETHED; that of the checkout which this file belongs to; what PATH has, or as packages install it. */
function findLethed() {
  if (process.env.LETHED) return process.env.LETHED;
  const folders = [fileURLToPath(new URL('../../../build/bin', import.meta.url)), ...(process.env.PATH ?? '').split(delimiter),
    '/usr/local/sbin', '/usr/sbin'];
  return folders.map((folder) => join(folder, 'lethed')).find(isProgram) ?? 'lethed';
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The user's own, so that only the very first start builds the startup snapshot. */
function cacheFolder(otherwise) {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lethe');
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    return join(otherwise, 'cache');
  }
}
