// SPDX-License-Identifier: Apache-2.0
// The cases of all clients.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Daemon, inTime, lethe, LIBRARY, PATIENCE, same, until, valueOf } from './harness.mjs';

const CASES = JSON.parse(readFileSync(new URL('../cases.json', import.meta.url), 'utf8'));
const LANGUAGE = 'node';
const VERBS = ['eval', 'call', 'chain', 'put', 'request', 'script', 'fetch'];
const CLASSES = new Map(Object.values(lethe).filter((each) => each.code).map((each) => [each.code, each]));
CLASSES.set('unknown_method', lethe.InvalidRequest).set('unreachable', lethe.ConnectionLost).delete('internal');
const CHILD = `
const { connect } = await import(process.argv[1]);
const js = await connect({ socket: process.argv[2] });
js.host('begun', () => process.kill(process.pid, 'SIGKILL'));
console.log(JSON.stringify(await js.eval(process.argv[3])));
`;

let daemon;
let js;
before(async () => {
  daemon = await Daemon.start(...CASES.settings);
});
after(() => daemon.end());
beforeEach(async () => {
  if (daemon.process.exitCode !== null || daemon.process.signalCode !== null) await daemon.start(); // the case before has failed
  js = await lethe.connect({ socket: daemon.socket });
});
afterEach(() => js.close());

/** Another process evaluates it: what it prints, and the signal that has ended it. */
async function child(source) {
  const process_ = spawn(process.execPath, ['--input-type=module', '-e', CHILD, LIBRARY, daemon.socket, source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  process_.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  const signal = await inTime(new Promise((resolve) => process_.once('close', (_, by) => resolve(by))));
  return { printed, signal };
}

/** One run of a case's steps on a connection of its own. */
class Scenario {
  constructor() {
    this.running = new Map();
    this.begun = new Set();
    this.attempts = 0;
    this.handles = new Map();
    this.released = new Promise((resolve) => {
      this.release = resolve;
    });
    const scenario = this;
    js.host({
      add: (a, b) => a + b,
      echo: (...args) => args,
      fail: (message) => {
        throw new Error(message);
      },
      unsendable: () => () => {},
      begun: (name) => void this.begun.add(name),
      released: () => this.released.then(() => null),
      attempt: () => (this.attempts += 1),
      eval: (source) => js.eval(source),
      hang() {
        scenario.hung = this.signal;
        return sleep(PATIENCE, undefined, { signal: this.signal });
      },
    });
  }

  async play(step) {
    if ('start' in step) this.start(step.start, this.asked(step));
    else if ('finish' in step) await this.expect(step, () => this.running.get(step.finish).promise);
    else if ('begun' in step) await until(() => this.begun.has(step.begun));
    else if ('attempted' in step) await until(() => this.attempts >= step.attempted);
    else if ('release' in step) this.release();
    else if ('cancel' in step) this.running.get(step.cancel).controller.abort();
    else if ('daemon' in step) await daemon[step.daemon]();
    else if ('close' in step) await js.close();
    else if ('new_handles' in step) this.handles.clear();
    else if ('client_dies' in step) assert.equal((await child(step.client_dies)).signal, 'SIGKILL');
    else if ('fork' in step) assert.equal((await child(step.eval)).printed, `${JSON.stringify(step.result)}\n`);
    else if ('many' in step) {
      const numbers = Array.from({ length: step.many }, (_, n) => n);
      assert.deepEqual(await Promise.all(numbers.map((n) => js.eval(step.eval, { globals: { [step.global]: n } }))), numbers);
    } else if ('request_until' in step) {
      const [method, path, wanted] = step.request_until;
      await until(async () => path.reduce((seen, key) => seen[key], await js.request(method)) === wanted);
    } else await this.request(step);
  }

  start(name, ask) {
    const controller = new AbortController();
    const promise = ask({ signal: controller.signal });
    promise.catch(() => {}); // seen when it is finished
    this.running.set(name, { promise, controller });
  }

  /** A function that sends it, with further options. */
  asked(step) {
    const [verb] = VERBS.filter((each) => each in step);
    const args = valueOf(step[verb]);
    const options = valueOf(step.options ?? {});
    if ('deadline' in options) options.deadline *= 1000;
    switch (verb) {
      case 'eval': return (more) => js.eval(args, { ...options, ...more });
      case 'script': {
        const [name, source, function_, parameters] = args;
        if (!this.handles.has(name)) this.handles.set(name, js.script(name, { source }));
        return () => this.handles.get(name)[function_](...parameters);
      }
      case 'put': return () => js.put(...args);
      case 'fetch': {
        const [name, { url, function: functionName, ...init }] = args;
        return (more) => js.fetch(name, url, { method: 'body' in init ? 'POST' : 'GET', functionName, ...init, ...options, ...more }).then(shownResponse);
      }
      default: return (more) => js[verb](...args, { ...options, ...more });
    }
  }

  async request(step) {
    const report = 'report' in step ? new lethe.Report() : undefined;
    await this.expect(step, () => this.asked(step)({ report }));
    if (report === undefined) return;
    assert.deepEqual(report.console.map(({ level, text }) => [level, text]), step.report.console);
    for (const key of step.report.stats) assert.ok(key in report.stats, key);
  }

  async expect(step, ask) {
    const begin = performance.now();
    if ('error' in step) {
      checkError(await inTime(ask()).then((value) => assert.fail(`no error but ${value}`), (error) => error), step.error);
    } else {
      const seen = await inTime(ask());
      if ('contains' in step) for (const [key, value] of Object.entries(valueOf(step.contains))) assert.deepEqual(seen[key], value);
      else if ('result' in step) assert.ok(same(seen, valueOf(step.result)), `${String(seen).slice(0, 300)} is not what was wanted`);
    }
    if ('within_ms' in step) assert.ok(performance.now() - begin < step.within_ms);
  }
}

async function shownResponse(response) {
  const { status, statusText, headers } = response;
  return { status, statusText, headers: [...headers].map((pair) => [...pair]), body: new Uint8Array(await response.arrayBuffer()) };
}

function checkError(error, wanted) {
  if ('code' in wanted) {
    assert.equal(error.constructor, CLASSES.get(wanted.code), error);
    assert.equal(error.code, wanted.code);
  }
  for (const [key, value] of Object.entries(wanted)) {
    const seen = error[key.replace(/_(.)/g, (_, letter) => letter.toUpperCase())];
    if (seen instanceof lethe.LetheError) checkError(seen, value);
    else if (key === 'errors') {
      value.forEach((each, index) => {
        if (seen[index] instanceof lethe.LetheError) checkError(seen[index], each);
        else assert.deepEqual(seen[index], each);
      });
    } else assert.deepEqual(seen, valueOf(value), `${key} of ${error}`);
  }
}

async function value(case_, step) {
  for (const key of ['error', 'contains']) if (key in case_) step[key] = case_[key];
  if ('value' in case_ && !('result' in step)) step.result = case_.value;
  await new Scenario().request(step);
}

/** A language that can't hold the value ends with one of its own or invalid_value, and no other request suffers. */
async function unheld(case_) {
  await js.eval(case_.source).catch((error) => assert.ok(error instanceof lethe.InvalidValue, error));
  assert.equal(await js.eval('1'), 1);
}

describe('from_script', () => {
  for (const each of CASES.from_script) {
    test(each.name, () => (each.cannot?.[LANGUAGE] ? unheld(each) : value(each, { eval: each.source })));
  }
});

describe('to_script', () => {
  for (const each of CASES.to_script) {
    test(each.name, () => value(each, { eval: each.check ?? 'x', options: { globals: { x: each.value }, deadline: 20 }, result: true }));
  }
});

describe('scenarios', () => {
  for (const each of CASES.scenarios) {
    test(each.name, async () => {
      const scenario = new Scenario();
      for (const step of each.steps) {
        await scenario.play(step).catch((error) => {
          error.message = `${JSON.stringify(step)}: ${error.message}`;
          throw error;
        });
      }
      if (scenario.hung) await until(() => scenario.hung.aborted);
    });
  }
});
