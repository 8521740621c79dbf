// SPDX-License-Identifier: Apache-2.0
'use strict';
const { Buffer } = letheNode;

async function buffer(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer ?? chunk, chunk.byteOffset, chunk.byteLength));
  return Buffer.concat(chunks);
}
const text = async (stream) => (await buffer(stream)).toString();

module.exports = {
  buffer,
  text,
  json: async (stream) => JSON.parse(await text(stream)),
  arrayBuffer: async (stream) => (await buffer(stream)).slice().buffer,
  blob: async (stream) => new Blob([await buffer(stream)]),
};
