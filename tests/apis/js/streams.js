// SPDX-License-Identifier: Apache-2.0
// https://streams.spec.whatwg.org/
const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
const from = (...chunks) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

test(() => {
  assert_interface('ReadableStream', { attributes: ['locked'], methods: { cancel: 0, getReader: 0, pipeThrough: 1, pipeTo: 1, tee: 0 }, statics: { from: 1 } });
  assert_interface('WritableStream', { attributes: ['locked'], methods: { abort: 0, close: 0, getWriter: 0 } });
  assert_interface('TransformStream', { attributes: ['readable', 'writable'] });
  assert_interface('ReadableStreamDefaultReader', { length: 1, methods: { read: 0, releaseLock: 0, cancel: 0 } });
  assert_interface('ReadableStreamBYOBReader', { length: 1, methods: { read: 1, releaseLock: 0, cancel: 0 } });
  assert_interface('WritableStreamDefaultWriter', { length: 1, methods: { abort: 0, close: 0, releaseLock: 0, write: 0 } });
  assert_interface('CountQueuingStrategy', { length: 1, attributes: ['highWaterMark', 'size'] });
  assert_interface('ByteLengthQueuingStrategy', { length: 1, attributes: ['highWaterMark', 'size'] });
  for (const name of ['ReadableStreamDefaultController', 'ReadableByteStreamController', 'ReadableStreamBYOBRequest', 'WritableStreamDefaultController', 'TransformStreamDefaultController'])
    assert_throws_js(TypeError, () => new globalThis[name](), name);
}, 'the interfaces');

promise_test(async () => {
  assert_array_equals(await collect(from(1, 2, 3)), [1, 2, 3]);
  assert_array_equals(await collect(ReadableStream.from([4, 5])), [4, 5]);
  const reader = from('a').getReader();
  const first = await reader.read();
  assert_array_equals([first.value, first.done, (await reader.read()).done], ['a', false, true]);
  await reader.closed;
}, 'reading');

promise_test(async () => {
  let [pulls, cancelled] = [0, undefined];
  const stream = new ReadableStream({
    pull(controller) {
      controller.enqueue(++pulls);
    },
    cancel(reason) {
      cancelled = reason;
    },
  }, { highWaterMark: 2 });
  await Promise.resolve();
  const reader = stream.getReader();
  assert_equals((await reader.read()).value, 1);
  await reader.cancel('enough');
  assert_equals(cancelled, 'enough');
  assert_less_than(pulls, 6);
  assert_true(stream.locked);
  assert_throws_js(TypeError, () => stream.getReader());
}, 'backpressure and cancelling');

promise_test(async (t) => {
  const error = new Error('broken');
  const stream = new ReadableStream({ start: (controller) => controller.error(error) });
  await promise_rejects_exactly(t, error, stream.getReader().read());
  const writer = new WritableStream({ write: () => Promise.reject(error) }).getWriter();
  writer.closed.catch(() => {});
  await promise_rejects_exactly(t, error, writer.write(1));
}, 'errors');

promise_test(async () => {
  const written = [];
  let closed = false;
  const sink = new WritableStream({ write: (chunk) => void written.push(chunk), close: () => void (closed = true) });
  const upper = new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk.toUpperCase());
    },
    flush(controller) {
      controller.enqueue('.');
    },
  });
  await from('a', 'b').pipeThrough(upper).pipeTo(sink);
  assert_array_equals(written, ['A', 'B', '.']);
  assert_true(closed);
}, 'a pipe');

promise_test(async (t) => {
  const controller = new AbortController();
  const reason = new Error('stop');
  const piped = new ReadableStream().pipeTo(new WritableStream(), { signal: controller.signal });
  controller.abort(reason);
  await promise_rejects_exactly(t, reason, piped);
}, 'a pipe is aborted');

promise_test(async () => {
  const [one, two] = from(1, 2).tee();
  assert_array_equals(await collect(one), [1, 2]);
  assert_array_equals(await collect(two), [1, 2]);
}, 'tee');

promise_test(async () => {
  const stream = new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(new Uint8Array([1, 2, 3]));
      controller.close();
    },
  });
  const reader = stream.getReader({ mode: 'byob' });
  const first = await reader.read(new Uint8Array(2));
  assert_array_equals(first.value, [1, 2]);
  const second = await reader.read(new Uint8Array(2));
  assert_array_equals(second.value, [3]);
  assert_true((await reader.read(new Uint8Array(1))).done);
}, 'bytes into the reader\'s own buffer');

test(() => {
  for (const stream of [new ReadableStream(), new WritableStream(), new TransformStream()]) assert_throws_dom('DataCloneError', () => structuredClone(stream));
}, 'they cannot be cloned');

test(() => {
  const prototype = Object.getPrototypeOf(new ReadableStream().values());
  assert_equals(Object.getPrototypeOf(prototype), Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype));
  assert_array_equals(Reflect.ownKeys(prototype), ['next', 'return']);
}, 'their iterators inherit from that of asynchronous generators');

promise_test(async () => {
  const order = [];
  let source;
  const pipe = new ReadableStream({ start: (controller) => void (source = controller) }, { highWaterMark: 0 }).pipeTo(
    new WritableStream({ write: (chunk) => void order.push(chunk) }));
  await Promise.resolve();
  source.enqueue('first');
  order.push('enqueued');
  source.enqueue('second');
  source.close();
  await pipe;
  assert_array_equals(order, ['enqueued', 'first', 'second']);
}, 'a pipe does not write out of enqueue()');
