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
  for (const [given, hostname] of [
    ['a.example/path', 'a.example'], ['a.example#hash', 'a.example'], ['a.example\\\\x', 'a.example'],
    ['a.\nex\tample\r', 'a.example'], ['BÜCHER.example', 'xn--bcher-kva.example'],
  ])
    assert_equals(new URLPattern({ hostname: given }).hostname, hostname, given);
  assert_equals(new URLPattern('https://{sub.}?example{.com/}foo').hostname, '{sub.}?example.com');
  for (const [given, port] of [['80 ', '80'], ['8\t1', '81'], ['90x', '90'], ['0090', '90']]) assert_equals(new URLPattern({ port: given }).port, port, given);
  assert_true(new URLPattern({ port: '80' }).test({ port: '80?x' }));
  for (const init of [{ hostname: 'a b' }, { hostname: '#' }, { hostname: 'a%zz' }, { port: 'x' }, { port: '65536' }])
    assert_throws_js(TypeError, () => new URLPattern(init), JSON.stringify(init));
}, 'a host and a port end where those of a URL do');

test(() => {
  const pattern = new URLPattern({ pathname: '/:a\u{10451}b' });
  assert_equals(pattern.pathname, '/:a\u{10451}b');
  assert_equals(pattern.exec({ pathname: '/x' }).pathname.groups['a\u{10451}b'], 'x');
}, 'names of groups may have any character of an identifier');

test(() => {
  assert_throws_js(TypeError, () => new URLPattern('/a'));
  assert_throws_js(TypeError, () => new URLPattern({ pathname: '/(' }));
}, 'what is no pattern');
