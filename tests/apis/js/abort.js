// SPDX-License-Identifier: Apache-2.0
// https://dom.spec.whatwg.org/#aborting-ongoing-activities
test(() => {
  assert_interface('AbortController', { attributes: ['signal'], methods: { abort: 0 } });
  assert_interface('AbortSignal', { attributes: ['aborted', 'reason', 'onabort'], methods: { throwIfAborted: 0 }, statics: { abort: 0, timeout: 1, any: 1 } });
  assert_throws_js(TypeError, () => new AbortSignal());
  assert_equals(Object.getPrototypeOf(AbortSignal), EventTarget);
}, 'the interfaces');

test(() => {
  const controller = new AbortController();
  const { signal } = controller;
  assert_equals(controller.signal, signal);
  assert_array_equals([signal.aborted, signal.reason, signal.onabort], [false, undefined, null]);
  signal.throwIfAborted();
  const events = [];
  signal.onabort = function (event) {
    events.push([this === signal, event.type, event.isTrusted, event.bubbles, event.target === signal].join());
  };
  signal.addEventListener('abort', () => events.push('listener'));
  controller.abort();
  controller.abort('again');
  assert_array_equals(events, ['true,abort,true,false,true', 'listener']);
  assert_true(signal.aborted);
  assert_true(signal.reason instanceof DOMException);
  assert_equals(signal.reason.name, 'AbortError');
  assert_throws_exactly(signal.reason, () => signal.throwIfAborted());
}, 'an abort is reported once');

test(() => {
  const reason = { why: 1 };
  const controller = new AbortController();
  controller.abort(reason);
  assert_equals(controller.signal.reason, reason);
  assert_equals(AbortSignal.abort(reason).reason, reason);
  assert_equals(AbortSignal.abort().reason.name, 'AbortError');
  assert_true(AbortSignal.abort(null).reason === null);
}, 'reasons');

test(() => {
  const controllers = [new AbortController(), new AbortController()];
  const any = AbortSignal.any(controllers.map(({ signal }) => signal));
  const nested = AbortSignal.any([any]);
  const order = [];
  for (const [name, signal] of Object.entries({ source: controllers[1].signal, any, nested })) signal.addEventListener('abort', () => order.push(`${name} ${nested.aborted}`));
  controllers[1].abort('why');
  assert_array_equals([any.aborted, any.reason, nested.reason], [true, 'why', 'why']);
  assert_array_equals(order, ['source true', 'any true', 'nested true']);
  assert_equals(AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]).reason, 1);
  assert_false(AbortSignal.any([]).aborted);
  assert_throws_js(TypeError, () => AbortSignal.any([{}]));
  assert_throws_js(TypeError, () => AbortSignal.any(1));
}, 'any follows its sources');

test(() => {
  const target = new EventTarget();
  const controller = new AbortController();
  let calls = 0;
  target.addEventListener('x', () => ++calls, { signal: controller.signal });
  target.dispatchEvent(new Event('x'));
  controller.abort();
  target.dispatchEvent(new Event('x'));
  target.addEventListener('x', () => ++calls, { signal: controller.signal });
  target.dispatchEvent(new Event('x'));
  assert_equals(calls, 1);
  assert_throws_js(TypeError, () => target.addEventListener('x', () => {}, { signal: null }));
}, 'listeners go with their signal');

test(() => {
  assert_throws_js(TypeError, () => AbortSignal.timeout());
  assert_throws_js(TypeError, () => AbortSignal.timeout(-1));
  assert_throws_js(TypeError, () => AbortSignal.timeout(Infinity));
}, 'times that are none');

if (typeof setTimeout === 'function')
  promise_test(async () => {
    const signal = AbortSignal.timeout(5);
    assert_false(signal.aborted);
    await new Promise((resolve) => (signal.onabort = resolve));
    assert_equals(signal.reason.name, 'TimeoutError');
  }, 'a timeout');
