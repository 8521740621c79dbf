// SPDX-License-Identifier: Apache-2.0
// https://dom.spec.whatwg.org/#events
test(() => {
  assert_interface('Event', {
    length: 1,
    attributes: ['type', 'target', 'srcElement', 'currentTarget', 'eventPhase', 'cancelBubble', 'bubbles', 'cancelable', 'returnValue', 'defaultPrevented', 'composed', 'timeStamp'],
    methods: { composedPath: 0, stopPropagation: 0, stopImmediatePropagation: 0, preventDefault: 0, initEvent: 1 },
  });
  assert_interface('CustomEvent', { length: 1, attributes: ['detail'], methods: { initCustomEvent: 1 } });
  assert_interface('EventTarget', { methods: { addEventListener: 2, removeEventListener: 2, dispatchEvent: 1 } });
  assert_interface('ErrorEvent', { length: 1, attributes: ['message', 'filename', 'lineno', 'colno', 'error'] });
  assert_interface('PromiseRejectionEvent', { length: 2, attributes: ['promise', 'reason'] });
}, 'the interfaces');

test(() => {
  assert_throws_js(TypeError, () => new Event());
  assert_throws_js(TypeError, () => Event('x'));
  assert_throws_js(TypeError, () => new Event('x', 1));
  const event = new Event('x', { bubbles: 1, cancelable: 'yes' });
  assert_array_equals([event.type, event.bubbles, event.cancelable, event.composed, event.isTrusted], ['x', true, true, false, false]);
  assert_array_equals([event.target, event.currentTarget, event.eventPhase, event.defaultPrevented, event.returnValue], [null, null, 0, false, true]);
  assert_equals(new Event(null).type, 'null');
  assert_equals(new Event('').type, '');
  assert_true(event.timeStamp >= 0);
  const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(event, 'isTrusted');
  assert_equals(get, Object.getOwnPropertyDescriptor(new Event('y'), 'isTrusted').get);
  assert_array_equals([set, enumerable, configurable], [undefined, true, false]);
  assert_equals(Event.CAPTURING_PHASE, 1);
  assert_equals(event.BUBBLING_PHASE, 3);
}, 'an event');

test(() => {
  const target = new EventTarget();
  const seen = [];
  target.addEventListener('x', function (event) {
    seen.push(this === target, event.target === target, event.currentTarget === target, event.eventPhase, event.composedPath()[0] === target);
  });
  const event = new Event('x');
  assert_true(target.dispatchEvent(event));
  assert_array_equals(seen, [true, true, true, 2, true]);
  assert_array_equals([event.target, event.currentTarget, event.eventPhase, event.composedPath().length], [target, null, 0, 0]);
}, 'what a listener sees');

test(() => {
  const target = new EventTarget();
  let calls = '';
  const a = () => (calls += 'a');
  target.addEventListener('x', a);
  target.addEventListener('x', a);
  target.addEventListener('x', a, { capture: true });
  target.addEventListener('x', { handleEvent() { calls += this === undefined ? '?' : 'o'; } });
  target.addEventListener('y', () => (calls += 'y'));
  target.addEventListener('x', null);
  target.dispatchEvent(new Event('x'));
  assert_equals(calls, 'aao');
  target.removeEventListener('x', a, true);
  target.dispatchEvent(new Event('x'));
  assert_equals(calls, 'aaoao');
  target.removeEventListener('x', a);
  target.dispatchEvent(new Event('x'));
  assert_equals(calls, 'aaoaoo');
  assert_throws_js(TypeError, () => target.addEventListener('x'));
  assert_throws_js(TypeError, () => target.addEventListener('x', 'text'));
  assert_throws_js(TypeError, () => EventTarget.prototype.addEventListener.call({}, 'x', a));
}, 'listeners are added and removed');

test(() => {
  const target = new EventTarget();
  let calls = '';
  target.addEventListener('x', () => (calls += '1'), { once: true });
  target.addEventListener('x', (event) => (event.stopImmediatePropagation(), calls += '2'));
  target.addEventListener('x', () => (calls += '3'));
  target.dispatchEvent(new Event('x'));
  target.dispatchEvent(new Event('x'));
  assert_equals(calls, '122');
}, 'once, and stopImmediatePropagation');

test(() => {
  const target = new EventTarget();
  let calls = 0;
  target.addEventListener('x', () => ++calls);
  const stopped = new Event('x');
  stopped.stopPropagation();
  assert_true(stopped.cancelBubble);
  target.dispatchEvent(stopped);
  assert_equals(calls, 0);
  assert_false(stopped.cancelBubble);
  target.dispatchEvent(stopped);
  assert_equals(calls, 1);
}, 'an event that was stopped beforehand');

test(() => {
  const target = new EventTarget();
  target.addEventListener('x', (event) => event.preventDefault());
  assert_true(target.dispatchEvent(new Event('x')));
  const event = new Event('x', { cancelable: true });
  assert_false(target.dispatchEvent(event));
  assert_true(event.defaultPrevented);
  assert_false(event.returnValue);
  event.initEvent('x', false, true);
  assert_false(event.defaultPrevented);
  const passive = new EventTarget();
  passive.addEventListener('x', (e) => (e.preventDefault(), e.returnValue = false), { passive: true });
  assert_true(passive.dispatchEvent(new Event('x', { cancelable: true })));
}, 'preventDefault');

test(() => {
  const target = new EventTarget();
  const event = new Event('x');
  let error;
  target.addEventListener('x', () => {
    try {
      target.dispatchEvent(event);
    } catch (e) {
      error = e;
    }
  });
  target.dispatchEvent(event);
  assert_equals(error.name, 'InvalidStateError');
  assert_throws_js(TypeError, () => target.dispatchEvent(null));
  assert_throws_js(TypeError, () => target.dispatchEvent({}));
}, 'an event is dispatched once at a time');

test(() => {
  const target = new EventTarget();
  const calls = [];
  const late = () => calls.push('late');
  const gone = () => calls.push('gone');
  target.addEventListener('x', () => {
    calls.push('first');
    target.addEventListener('x', late);
    target.removeEventListener('x', gone);
  });
  target.addEventListener('x', gone);
  target.dispatchEvent(new Event('x'));
  assert_array_equals(calls, ['first']);
  target.dispatchEvent(new Event('x'));
  assert_array_equals(calls, ['first', 'first', 'late']);
}, 'listeners that come and go during the dispatch');

test(() => {
  class Mine extends EventTarget {
    name = 'mine';
  }
  const mine = new Mine();
  let got;
  mine.addEventListener('x', (event) => (got = event));
  mine.dispatchEvent(new CustomEvent('x', { detail: { a: 1 } }));
  assert_equals(got.detail.a, 1);
  assert_equals(new CustomEvent('x').detail, null);
  got.initCustomEvent('z', true, true, 7);
  assert_array_equals([got.type, got.bubbles, got.detail], ['z', true, 7]);
  assert_equals(String(got), '[object CustomEvent]');
}, 'CustomEvent, and a derived target');

test(() => {
  const error = new Error('e');
  const event = new ErrorEvent('error', { message: 'm', filename: 'f', lineno: 3, colno: 4, error });
  assert_array_equals([event.message, event.filename, event.lineno, event.colno, event.error], ['m', 'f', 3, 4, error]);
  assert_throws_js(TypeError, () => new PromiseRejectionEvent('unhandledrejection', {}));
  const promise = Promise.resolve();
  assert_equals(new PromiseRejectionEvent('unhandledrejection', { promise, reason: 1 }).promise, promise);
}, 'ErrorEvent and PromiseRejectionEvent');

promise_test(async () => {
  const seen = [];
  const listener = (event) => {
    event.preventDefault();
    seen.push([event.type, event.isTrusted, event.error ?? event.reason, event.promise].map(String).join());
  };
  const types = ['error', 'unhandledrejection'];
  for (const type of types) addEventListener(type, listener);
  queueMicrotask(() => {
    throw 'of a microtask';
  });
  setTimeout(() => {
    throw 'of a timer';
  });
  Promise.reject('of nobody');
  const handled = Promise.reject('of somebody');
  await handled.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (const type of types) removeEventListener(type, listener);
  assert_array_equals(seen, ['error,true,of a microtask,undefined', 'unhandledrejection,true,of nobody,[object Promise]', 'error,true,of a timer,undefined']);
}, 'the global object is told of exceptions of tasks and of rejections that nobody handles');

promise_test(async () => {
  let settle;
  const wanted = new Promise((resolve) => (settle = resolve));
  const listener = (event) => {
    event.preventDefault();
    Promise.resolve().then(settle);
  };
  addEventListener('unhandledrejection', listener);
  Promise.reject('no');
  await wanted;
  removeEventListener('unhandledrejection', listener);
}, 'microtasks of a listener to unhandledrejection run');

test(() => {
  const setter = (name) => Object.getOwnPropertyDescriptor(Event.prototype, name).set;
  for (const name of ['cancelBubble', 'returnValue'])
    for (const object of [{}, Event.prototype, undefined])
      for (const value of [true, false, 0, {}]) assert_throws_js(TypeError, () => setter(name).call(object, value), `${name} = ${value}`);
  const event = new Event('x', { cancelable: true });
  event.cancelBubble = false;
  event.returnValue = true;
  assert_array_equals([event.cancelBubble, event.returnValue, event.defaultPrevented], [false, true, false]);
  event.cancelBubble = true;
  event.cancelBubble = false;
  event.returnValue = false;
  event.returnValue = true;
  assert_array_equals([event.cancelBubble, event.returnValue, event.defaultPrevented], [true, false, true]);
}, 'cancelBubble and returnValue look at what they are set on, and are not unset');
