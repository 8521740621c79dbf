// SPDX-License-Identifier: Apache-2.0
// make bench-node: the Node.js client beside the C library, in turns, with a lethed of its own. Both call the same tiny function,
// from one process: one request in flight, and many.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { BUILD, Daemon, lethe } from './harness.mjs';

const ROUNDS = 7;
const LOADS = [{ requests: 5000, inFlight: 1 }, { requests: 40_000, inFlight: 64 }];

const daemon = await Daemon.start();
const js = await lethe.connect({ socket: daemon.socket });
await js.put('bench/tiny', 'function f(x) { return x + 1; }', { warmUp: [['f', [1]]] });

function byC({ requests, inFlight }) {
  const printed = execFileSync(join(BUILD, 'clients', 'bench'), [daemon.socket, String(requests), String(inFlight)], { encoding: 'utf8' });
  const [rate, median] = printed.split(' ').map(Number);
  return { rate, median };
}

async function byNode({ requests, inFlight }) {
  const times = [];
  const begin = performance.now();
  await Promise.all(Array.from({ length: inFlight }, async () => {
    for (let n = 0; n < requests / inFlight; n += 1) {
      const before = performance.now();
      await js.call('bench/tiny', 'f', [1]);
      times.push(performance.now() - before);
    }
  }));
  return { rate: times.length / (performance.now() - begin) * 1000, median: median(times) * 1000 };
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

const whole = (n) => Math.round(n).toLocaleString('en');

for (const load of LOADS) {
  await byNode(load); // compiles it
  const rounds = [];
  for (let n = 0; n < ROUNDS; n += 1) rounds.push({ c: byC(load), node: await byNode(load) });
  const of = (client, figure) => rounds.map((round) => round[client][figure]);
  console.log(`${load.inFlight} in flight: C ${whole(median(of('c', 'median')))} µs, ${whole(median(of('c', 'rate')))} requests/s; ` +
    `Node.js ${whole(median(of('node', 'median')))} µs, ${whole(median(of('node', 'rate')))} requests/s ` +
    `(${of('node', 'rate').map(whole).join('; ')}); ` +
    `of C's rate in the same round: ${median(rounds.map(({ c, node }) => node.rate / c.rate)).toFixed(2)}`);
}
await js.close();
await daemon.end();
