// SPDX-License-Identifier: Apache-2.0
// Leaks by way of text coding, base64 and cloning: their objects, and what C++ keeps for them.

//: half a character in a decoder
globalThis.decoder ??= new TextDecoder();
decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }).length;

//: half a character of an encoding from the library
globalThis.decoder ??= new TextDecoder('shift_jis');
decoder.decode(new Uint8Array([0x83]), { stream: true }).length;

//: a property of TextDecoder.prototype
TextDecoder.prototype.uses = (TextDecoder.prototype.uses ?? 0) + 1;

//: a property of atob
atob.uses = (atob.uses ?? 0) + 1;

//: another encode()
{ const { encode } = TextEncoder.prototype; const uses = (encode.uses ?? 0) + 1; TextEncoder.prototype.encode = Object.assign(function (text) { return encode.call(this, text + text); }, { uses }); new TextEncoder().encode('x').length; }

//: another structuredClone
{ const before = structuredClone; const uses = (before.uses ?? 0) + 1; globalThis.structuredClone = Object.assign((value) => before(value), { uses }); uses; }

//: another Object.keys, which cloning uses
{ const { keys } = Object; const uses = (keys.uses ?? 0) + 1; Object.keys = Object.assign((object) => [...keys(object), 'more'].slice(-uses), { uses }); Object.keys({ a: 1, b: 2, c: 3 }).length + JSON.stringify(structuredClone({ a: 1 })); }

//: buffers that cloning has made
globalThis.copies ??= []; copies.push(structuredClone(new Uint8Array(1 << 20))); copies.length;

//: a buffer that was transferred away
globalThis.buffer ??= new ArrayBuffer(8); structuredClone(buffer.byteLength ? buffer : 0, { transfer: buffer.byteLength ? [buffer] : [] }); globalThis.taken = (globalThis.taken ?? 0) + 1;

//: identity hashes that cloning has given
globalThis.known ??= []; known.push({}); structuredClone(known).length;

//: a compressor that stays
globalThis.compressor ??= new CompressionStream('gzip');
globalThis.writer ??= compressor.writable.getWriter();
writer.write(new Uint8Array(1000));
globalThis.written = (globalThis.written ?? 0) + 1000;

//: compressors by the dozen
globalThis.compressors ??= [];
for (let i = 0; i < 12; ++i) compressors.push(new CompressionStream('deflate'));
compressors.length;

//: half a character in a stream
globalThis.decoding ??= new TextDecoderStream();
globalThis.writer ??= decoding.writable.getWriter();
writer.write(new Uint8Array([0xe2]));
globalThis.halves = (globalThis.halves ?? 0) + 1;
