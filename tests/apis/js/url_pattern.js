// SPDX-License-Identifier: Apache-2.0
// https://urlpattern.spec.whatwg.org/
test(() => {
  assert_interface('URLPattern', { attributes: ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash'] });
}, 'the interface');

test(() => {
  const pattern = new URLPattern({ pathname: '/users/:id' });
  assert_true(pattern.test('https://example.com/users/7'));
  assert_false(pattern.test('https://example.com/users/7/posts'));
  const result = pattern.exec('https://example.com/users/7?x=y');
  assert_equals(result.pathname.input, '/users/7');
  assert_equals(result.pathname.groups.id, '7');
  assert_equals(pattern.exec('https://example.com/'), null);
}, 'named groups');

test(() => {
  const pattern = new URLPattern('https://*.example.com/files/:name.:ext(png|jpg)');
  assert_equals(pattern.exec('https://a.example.com/files/x.png').pathname.groups.ext, 'png');
  assert_false(pattern.test('https://a.example.com/files/x.gif'));
  assert_false(pattern.test('http://a.example.com/files/x.png'));
  assert_true(new URLPattern('/a{/b}?', 'https://x').test('https://x/a'));
  assert_true(new URLPattern('/a{/b}?', 'https://x').test('/a/b', 'https://x'));
}, 'wildcards, expressions and optional groups');

test(() => {
  assert_throws_js(TypeError, () => new URLPattern('/a'));
  assert_throws_js(TypeError, () => new URLPattern({ pathname: '/(' }));
}, 'what is no pattern');
