// SPDX-License-Identifier: Apache-2.0
// As much of DER (X.690) and PEM (RFC 7468) as keys are wrapped in.
'use strict';
const { Buffer } = letheNode;

// The elements of a sequence: [{tag, contents, whole}]
function elements(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const tag = bytes[at++];
    let length = bytes[at++];
    if (length > 0x80) {
      let count = length - 0x80;
      for (length = 0; count > 0; --count) length = length * 256 + bytes[at++];
    }
    if (length === undefined || at + length > bytes.length) throw new TypeError('The key is not valid DER');
    found.push({ tag, contents: bytes.subarray(at, at + length), whole: bytes.subarray(start, at + length) });
    at += length;
  }
  return found;
}

function element(tag, ...parts) {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), contents]);
}
const sequence = (...parts) => element(0x30, ...parts);
const integer = (bytes) => {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) ++start;
  return element(0x02, bytes[start] & 0x80 ? Buffer.from([0]) : Buffer.alloc(0), bytes.subarray(start));
};

function fromPem(text) {
  const [, label, body] = /-----BEGIN ([^-]+)-----([^]*?)-----END \1-----/.exec(text) ?? [];
  return label && { label, der: Buffer.from(body.replace(/[\r\n]*(?:[\w-]+: .*[\r\n]+)+/, ''), 'base64') };
}
const toPem = (label, der) => `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

module.exports = { elements, element, sequence, integer, fromPem, toPem };
