// SPDX-License-Identifier: Apache-2.0
'use strict';
const { Buffer } = letheNode;

module.exports = {
  Buffer,
  SlowBuffer: Buffer,
  kMaxLength: 2 ** 32,
  constants: { MAX_LENGTH: 2 ** 32, MAX_STRING_LENGTH: 2 ** 29 - 24 },
  INSPECT_MAX_BYTES: 50,
  atob,
  btoa,
  Blob,
  File,
  isUtf8(bytes) {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      return true;
    } catch {
      return false;
    }
  },
  isAscii: (bytes) => new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset, bytes.byteLength).every((byte) => byte < 128),
};
