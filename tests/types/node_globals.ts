// SPDX-License-Identifier: Apache-2.0
// What client/types/lethe-node.d.ts declares, used.
/// <reference path="../../client/types/lethe-node.d.ts" />

export async function run(): Promise<Record<string, boolean>> {
  const text: Buffer = Buffer.concat([Buffer.from('é'), Buffer.alloc(2, 1)]);
  const ticked: number = await new Promise((resolve) => process.nextTick((n: number) => resolve(n), 1));
  const { env } = process; // esbuild replaces process.env.NODE_ENV
  const [seconds] = process.hrtime(process.hrtime());
  return {
    buffer: text.toString('hex') === 'c3a90101' && text.subarray(0, 2).toString() === 'é' && Buffer.isBuffer(text.slice(1)),
    numbers: text.readUInt16BE(2) === 257 && text.writeInt8(-1, 0) === 1 && text.readInt8(0) === -1,
    json: text.toJSON().type === 'Buffer',
    process: process.platform === 'linux' && env.NODE_ENV === 'production' && process.versions.v8.length > 0 && !('node' in process.versions),
    ticked: ticked === 1 && seconds === 0 && typeof process.hrtime.bigint() === 'bigint',
    global: global.process === process,
  };
}
