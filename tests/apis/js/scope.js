// SPDX-License-Identifier: Apache-2.0
// Members of the global scope: https://html.spec.whatwg.org/multipage/webappapis.html
test(() => {
  assert_equals(self, globalThis);
  assert_regexp_match(navigator.userAgent, /^Lethe\/\d+\.\d+\.\d+/);
  assert_throws_js(TypeError, () => new Navigator());
  assert_equals(Object.keys(globalThis).filter((name) => /^[A-Z]|^fetch$|^console$/.test(name)).length, 0, 'none is enumerable');
}, 'self and navigator');

test(() => {
  const error = new Error('reported');
  const seen = [];
  const listener = (event) => {
    seen.push(event.error === error, event.type, event.target === globalThis, event.message.includes('reported'));
    event.preventDefault();
  };
  addEventListener('error', listener);
  reportError(error);
  removeEventListener('error', listener);
  assert_array_equals(seen, [true, 'error', true, true]);
  assert_throws_js(TypeError, () => reportError());
}, 'reportError');

test(() => {
  let later = false;
  const quiet = (event) => event.preventDefault();
  addEventListener('error', quiet);
  const target = new EventTarget();
  target.addEventListener('x', () => {
    throw new Error('in a listener');
  });
  target.addEventListener('x', () => (later = true));
  assert_true(target.dispatchEvent(new Event('x')));
  removeEventListener('error', quiet);
  assert_true(later);
}, 'an exception of a listener is reported, and the dispatch goes on');
