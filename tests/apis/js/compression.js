// SPDX-License-Identifier: Apache-2.0
// CompressionStream and DecompressionStream.
const formats = ['gzip', 'deflate', 'deflate-raw'];
const encode = (text) => new TextEncoder().encode(text);

// What has come out, and the error if there was one.
async function collect(stream, chunks) {
  const writer = stream.writable.getWriter();
  const written = Promise.all([...chunks.map((chunk) => writer.write(chunk)), writer.close()]);
  written.catch(() => {});
  const pieces = [];
  const reader = stream.readable.getReader();
  let error;
  try {
    for (let step; !(step = await reader.read()).done; ) pieces.push(step.value);
    await written;
  } catch (thrown) {
    error = thrown;
  }
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((at, piece) => (bytes.set(piece, at), at + piece.length), 0);
  return { bytes, error, pieces };
}
async function run(stream, ...chunks) {
  const { bytes, error } = await collect(stream, chunks);
  if (error) throw error;
  return bytes;
}
const compress = (format, ...chunks) => run(new CompressionStream(format), ...chunks);
const decompress = (format, ...chunks) => run(new DecompressionStream(format), ...chunks);
const text = (bytes) => new TextDecoder().decode(bytes);
const hello = {
  gzip: '1f8b0800000000000003cb48cdc9c90700 86a610360500 0000', deflate: '789ccb48cdc9c907 00062c0215', 'deflate-raw': 'cb48cdc9c90700',
};
const fromHex = (hex) => Uint8Array.from(hex.replaceAll(' ', '').match(/../g), (pair) => parseInt(pair, 16));

test(() => {
  for (const name of ['CompressionStream', 'DecompressionStream']) {
    assert_interface(name, { length: 1, attributes: ['readable', 'writable'] });
    const Stream = globalThis[name];
    for (const args of [[], ['br'], ['GZIP'], [''], [undefined], [Symbol('s')]]) assert_throws_js(TypeError, () => new Stream(...args));
    assert_true(new Stream('gzip').readable instanceof ReadableStream);
    assert_true(new Stream('gzip').writable instanceof WritableStream);
  }
}, 'the interfaces are as Web IDL has them');

promise_test(async () => {
  for (const format of formats) {
    assert_equals(text(await decompress(format, fromHex(hello[format]))), 'hello', format);
    const data = fromHex(hello[format]);
    assert_equals(text(await decompress(format, ...Array.from(data, (_, i) => data.slice(i, i + 1)))), 'hello', `${format}, byte by byte`);
  }
}, 'what other programs have compressed');

promise_test(async () => {
  const noise = new Uint8Array(300000);
  for (let at = 0; at < noise.length; at += 60000) crypto.getRandomValues(noise.subarray(at, at + 60000));
  for (const format of formats) {
    for (const data of [new Uint8Array(0), encode('x'), encode('hello '.repeat(1000)), encode('€'.repeat(400000)), noise]) {
      const packed = await compress(format, data);
      const unpacked = await decompress(format, packed);
      assert_equals(unpacked.length, data.length, format);
      assert_true(unpacked.every((byte, i) => byte === data[i]), format);
      if (data.length > 5000 && data !== noise) assert_less_than(packed.length, data.length / 50);
    }
    assert_equals(text(await decompress(format, await compress(format, encode('a'), new Uint8Array(0), encode('b').buffer, new DataView(encode('c').buffer)))), 'abc', format);
    assert_equals(text(await decompress(format, await compress(format))), '', format);
  }
}, 'what was compressed is decompressed to the same');

promise_test(async () => {
  for (const format of formats) {
    const whole = fromHex(hello[format]);
    for (let length = 0; length < whole.length; ++length) await promise_rejects_js(undefined, TypeError, decompress(format, whole.subarray(0, length)), `${format}, ${length} bytes`);
    const junk = new Uint8Array([...whole, 0]);
    for (const chunks of [[junk], [whole, new Uint8Array(1)], [junk.subarray(0, 3), junk.subarray(3)]]) {
      const { bytes, error } = await collect(new DecompressionStream(format), chunks);
      assert_true(error instanceof TypeError, `${format} with more after it`);
      assert_equals(text(bytes), 'hello', `${format}: what was good comes out`);
    }
    assert_equals(text(await decompress(format, whole, new Uint8Array(0))), 'hello', format);
    await promise_rejects_js(undefined, TypeError, decompress(format, encode('this is not compressed')), format);
  }
  for (const [format, at] of [['gzip', 0], ['gzip', 2], ['gzip', 18], ['gzip', 22], ['deflate', 0], ['deflate', 1], ['deflate', 12]]) {
    const damaged = fromHex(hello[format]);
    damaged[at] ^= 0x21;
    await promise_rejects_js(undefined, TypeError, decompress(format, damaged), `${format}, byte ${at}`);
  }
  // What the format leaves open: text or not, the time, how hard it tried, the system.
  for (const [at, value] of [[3, 1], [4, 255], [7, 255], [8, 255], [9, 128]]) {
    const changed = fromHex(hello.gzip);
    changed[at] = value;
    assert_equals(text(await decompress('gzip', changed)), 'hello', `byte ${at}`);
  }
  const withHeaderSum = fromHex(hello.gzip);
  withHeaderSum[3] = 2;
  await promise_rejects_js(undefined, TypeError, decompress('gzip', withHeaderSum));
  // A preset dictionary, and two gzip files in a row.
  await promise_rejects_js(undefined, TypeError, decompress('deflate', fromHex('78bb062c0215cb48cdc9c90700062c0215')));
  await promise_rejects_js(undefined, TypeError, decompress('gzip', fromHex(hello.gzip), fromHex(hello.gzip)));
}, 'data that is cut off, damaged or followed by more is refused');

promise_test(async () => {
  for (const Stream of [CompressionStream, DecompressionStream]) {
    for (const chunk of ['text', null, undefined, 3.14, {}, [1], new SharedArrayBuffer(1), new Uint8Array(new SharedArrayBuffer(1))]) {
      const stream = new Stream('gzip');
      const writer = stream.writable.getWriter();
      const read = stream.readable.getReader().read();
      await promise_rejects_js(undefined, TypeError, writer.write(chunk), String(chunk));
      await promise_rejects_js(undefined, TypeError, read, String(chunk));
    }
  }
}, 'chunks are buffers or views, and not shared');

promise_test(async () => {
  const packed = await compress('gzip', new Uint8Array(20000000));
  assert_less_than(packed.length, 20000);
  const { pieces } = await collect(new DecompressionStream('gzip'), [packed]);
  assert_equals(pieces.reduce((sum, piece) => sum + piece.length, 0), 20000000);
  assert_true(pieces.every((piece) => piece.length <= 65536));
}, 'much comes out in small pieces');

promise_test(async () => {
  const packed = await compress('deflate', new Uint8Array(1000000));
  const stream = new DecompressionStream('deflate');
  const writer = stream.writable.getWriter();
  writer.write(packed).catch(() => {});
  writer.close().catch(() => {});
  // Looked up while a promise of read() is resolved, in the midst of the decompression.
  Object.defineProperty(Object.prototype, 'then', {
    configurable: true,
    get() {
      if (packed.length > 0) structuredClone(0, { transfer: [packed.buffer] });
      return undefined;
    },
  });
  let length = 0;
  try {
    for (const reader = stream.readable.getReader(); ; ) {
      const { value, done } = await reader.read();
      if (done) break;
      length += value.length;
    }
  } finally {
    delete Object.prototype.then;
  }
  assert_equals(packed.length, 0);
  assert_equals(length, 1000000);
}, 'a chunk that is taken away on the way');

promise_test(async () => {
  for (let i = 0; i < 600; ++i) {
    // Some that are never finished, whose memory the garbage collection finds.
    const stream = new CompressionStream('deflate');
    const writer = stream.writable.getWriter();
    writer.write(encode(`number ${i}`)).catch(() => {});
    if (i % 2) continue;
    writer.close().catch(() => {});
    assert_equals(text(await new Response(stream.readable.pipeThrough(new DecompressionStream('deflate'))).arrayBuffer()), `number ${i}`);
  }
}, 'hundreds of streams do not use up the memory');
