// SPDX-License-Identifier: Apache-2.0
// TextEncoderStream and TextDecoderStream.
async function through(stream, chunks) {
  const writer = stream.writable.getWriter();
  const written = Promise.all([...chunks.map((chunk) => writer.write(chunk)), writer.close()]);
  written.catch(() => {});
  const all = [];
  for await (const chunk of stream.readable) all.push(chunk);
  await written;
  return all;
}
const bytes = (...values) => new Uint8Array(values);
const hex = (view) => Array.from(view, (byte) => byte.toString(16)).join(' ');

test(() => {
  assert_interface('TextEncoderStream', { attributes: ['encoding', 'readable', 'writable'] });
  assert_interface('TextDecoderStream', { attributes: ['encoding', 'fatal', 'ignoreBOM', 'readable', 'writable'] });
  const stream = new TextDecoderStream('latin1', { fatal: true, ignoreBOM: true });
  assert_equals([stream.encoding, stream.fatal, stream.ignoreBOM].join(), 'windows-1252,true,true');
  assert_true(stream.readable instanceof ReadableStream && stream.writable instanceof WritableStream);
  assert_equals(stream.readable, stream.readable);
  assert_equals(new TextEncoderStream().encoding, 'utf-8');
  assert_throws_js(RangeError, () => new TextDecoderStream('unknown'));
}, 'the interfaces are as Web IDL has them');

promise_test(async () => {
  for (const [chunks, wanted] of [
    [['a', 'é'], '61,c3 a9'], [['', 'x', ''], '78'], [['\ud83d', '\ude00'], 'f0 9f 98 80'], [['\ud83d'], 'ef bf bd'], [['\ud83d', 'a'], 'ef bf bd 61'], [['a\ud83d', '\ude00b'], '61,f0 9f 98 80 62'],
    [['\ud83d', '', '\ude00'], 'f0 9f 98 80'], [['\ude00\ud83d', '\ud83d\ude00'], 'ef bf bd,ef bf bd f0 9f 98 80'], [[1, null, undefined, ['x']], '31,6e 75 6c 6c,75 6e 64 65 66 69 6e 65 64,78'],
  ]) {
    const result = await through(new TextEncoderStream(), chunks);
    assert_true(result.every((chunk) => chunk instanceof Uint8Array));
    assert_equals(result.map(hex).join(), wanted, JSON.stringify(chunks));
  }
  await promise_rejects_js(undefined, TypeError, through(new TextEncoderStream(), [Symbol('s')]));
}, 'text is encoded chunk by chunk, with surrogate pairs put together');

promise_test(async () => {
  assert_array_equals(await through(new TextDecoderStream(), [bytes(0x61, 0xe2), bytes(0x82), bytes(0xac, 0x62), bytes()]), ['a', '€b']);
  assert_array_equals(await through(new TextDecoderStream(), [bytes(0xef, 0xbb), bytes(0xbf, 0x61).buffer, bytes(0xf0, 0x9f)]), ['a', '\ufffd']);
  assert_array_equals(await through(new TextDecoderStream('utf-16be'), [new DataView(bytes(0xd8, 0x3d, 0xde).buffer), bytes(0)]), ['😀']);
  assert_array_equals(await through(new TextDecoderStream('shift_jis'), [bytes(0x83), bytes(0x65)]), ['テ']);
  assert_array_equals(await through(new TextDecoderStream(), [new Uint8Array(new SharedArrayBuffer(1))]), ['\0']);
  await promise_rejects_js(undefined, TypeError, through(new TextDecoderStream('utf-8', { fatal: true }), [bytes(0xff)]));
  await promise_rejects_js(undefined, TypeError, through(new TextDecoderStream('utf-8', { fatal: true }), [bytes(0xe2)]));
  for (const chunk of ['text', null, undefined, 1, [1]]) await promise_rejects_js(undefined, TypeError, through(new TextDecoderStream(), [chunk]));
}, 'bytes are decoded chunk by chunk');

promise_test(async () => {
  const text = await new Response(new Blob(['aé€😀'.repeat(5000)]).stream().pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())).text();
  assert_equals(text, 'aé€😀'.repeat(5000));
}, 'in a pipe');
