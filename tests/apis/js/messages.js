// SPDX-License-Identifier: Apache-2.0
// MessageChannel, MessagePort and MessageEvent.
const next = (port) => new Promise((resolve) => (port.onmessage = resolve));
const turn = () => new Promise((resolve) => setTimeout(resolve, 2));

test(() => {
  assert_interface('MessageChannel', { attributes: ['port1', 'port2'] });
  assert_interface('MessageEvent', {
    length: 1,
    attributes: ['data', 'origin', 'lastEventId', 'source', 'ports'],
    methods: { initMessageEvent: 1 },
  });
  assert_interface('MessagePort', { attributes: ['onmessage', 'onmessageerror'], methods: { postMessage: 1, start: 0, close: 0 } });
  assert_throws_js(TypeError, () => new MessagePort());
  const { port1 } = new MessageChannel();
  assert_true(port1 instanceof EventTarget);
  assert_throws_js(TypeError, () => port1.postMessage());
  assert_throws_js(TypeError, () => port1.postMessage(1, 2));
  assert_throws_js(TypeError, () => MessagePort.prototype.postMessage.call({}, 1));
}, 'the interfaces');

promise_test(async () => {
  const { port1, port2 } = new MessageChannel();
  const got = [];
  port1.postMessage({ first: [1n] });
  port1.postMessage(2);
  port2.addEventListener('message', (event) => got.push(event));
  await turn();
  assert_equals(got.length, 0, 'before start()');
  port2.start();
  port1.postMessage(3);
  assert_equals(got.length, 0, 'not at once');
  await turn();
  assert_equals(got[0].data.first[0], 1n);
  assert_array_equals(got.slice(1).map(({ data }) => data), [2, 3]);
  const [event] = got;
  assert_true(event instanceof MessageEvent && event.isTrusted && Object.isFrozen(event.ports));
  assert_array_equals([event.type, event.target, event.origin, event.source, event.ports.length], ['message', port2, '', null, 0]);
  port2.postMessage('back');
  assert_equals((await next(port1)).data, 'back');
}, 'messages wait for start() and come in their order');

promise_test(async () => {
  const { port1, port2 } = new MessageChannel();
  const got = [];
  port2.onmessage = ({ data }) => {
    Promise.resolve().then(() => got.push(`microtask of ${data}`));
    got.push(data);
  };
  port1.postMessage(1);
  port1.postMessage(2);
  await turn();
  assert_array_equals(got, [1, 'microtask of 1', 2, 'microtask of 2']);
  port2.close();
  port1.postMessage(3);
  port2.postMessage(4);
  await turn();
  assert_equals(got.length, 4);
}, 'each message is a task; none after close()');

promise_test(async () => {
  const { port1, port2 } = new MessageChannel();
  for (const options of [(buffer) => [buffer], (buffer) => ({ transfer: [buffer] })]) {
    const { buffer } = new Uint8Array([1, 2]);
    port1.postMessage({ buffer }, options(buffer));
    assert_equals(buffer.byteLength, 0);
    assert_array_equals(new Uint8Array((await next(port2)).data.buffer), [1, 2]);
  }
  assert_throws_dom('DataCloneError', () => port1.postMessage(() => {}));
  assert_throws_dom('DataCloneError', () => port1.postMessage(1, [port1]));
}, 'buffers are transferred');

promise_test(async () => {
  const outer = new MessageChannel();
  const { port1, port2 } = new MessageChannel();
  port1.postMessage('waits');
  outer.port1.postMessage({ port2 }, [port2]);
  port1.postMessage('waits, too');
  const { data, ports } = await next(outer.port2);
  assert_equals(data.port2, ports[0]);
  assert_not_equals(ports[0], port2);
  const got = [];
  data.port2.onmessage = (event) => got.push(event.data);
  await turn();
  assert_array_equals(got, ['waits', 'waits, too']);
  assert_throws_dom('DataCloneError', () => structuredClone(port2, { transfer: [port2] }), 'one that is detached');
  assert_throws_dom('DataCloneError', () => structuredClone(port1), 'not in the list');
  assert_throws_dom('DataCloneError', () => structuredClone(1, { transfer: [port1, port1] }), 'twice');
  assert_throws_dom('DataCloneError', () => structuredClone(() => {}, { transfer: [port1] }));
  const moved = structuredClone({ port: port1 }, { transfer: [port1] }).port;
  moved.postMessage('of the clone');
  await turn();
  assert_equals(got[2], 'of the clone');
  port1.postMessage('of the one before');
  await turn();
  assert_equals(got.length, 3);
}, 'ports are transferred, and what waits in them');

test(() => {
  const { port1 } = new MessageChannel();
  const event = new MessageEvent('x', { data: 1, origin: 'o', lastEventId: 'l', source: port1, ports: [port1] });
  assert_array_equals([event.data, event.origin, event.lastEventId, event.source, event.ports[0]], [1, 'o', 'l', port1, port1]);
  assert_equals(new MessageEvent('x').data, null);
  assert_throws_js(TypeError, () => new MessageEvent('x', { ports: [{}] }));
  assert_throws_js(TypeError, () => new MessageEvent('x', { source: {} }));
  event.initMessageEvent('y', true, true, 2);
  assert_array_equals([event.type, event.bubbles, event.data, event.origin, event.ports.length], ['y', true, 2, '', 0]);
}, 'MessageEvent');
