// SPDX-License-Identifier: Apache-2.0
// Without brotli, which a script has no code for.
'use strict';
const zlib = require('browserify-zlib');
const { Buffer } = letheNode;

// Node's take any view of a buffer.
const isBuffer = (data) => typeof data === 'string' || Buffer.isBuffer(data);
const taking = (compress) => (data, ...rest) => compress(isBuffer(data) ? data : Buffer.from(data.buffer ?? data, data.byteOffset, data.byteLength), ...rest);
const compressing = {};
for (const name of ['deflate', 'deflateRaw', 'gzip', 'gunzip', 'inflate', 'inflateRaw', 'unzip']) {
  compressing[name] = taking(zlib[name]);
  compressing[`${name}Sync`] = taking(zlib[`${name}Sync`]);
}

const table = new Uint32Array(256).map((_, i) => {
  for (let bit = 0; bit < 8; ++bit) i = i & 1 ? (i >>> 1) ^ 0xedb88320 : i >>> 1;
  return i;
});

module.exports = Object.assign({}, zlib, compressing, {
  crc32(data, value = 0) {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    let crc = ~value;
    for (let i = 0; i < bytes.length; ++i) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc >>> 0;
  },
});
