// SPDX-License-Identifier: Apache-2.0
// https://url.spec.whatwg.org/
test(() => {
  const attributes = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash'];
  assert_interface('URL', { length: 1, attributes, methods: { toJSON: 0, toString: 0 }, statics: { canParse: 1, parse: 1 } });
  assert_interface('URLSearchParams', { attributes: ['size'], methods: { append: 2, delete: 1, get: 1, getAll: 1, has: 1, set: 2, sort: 0, toString: 0, forEach: 1, keys: 0 } });
  assert_equals(URLSearchParams.prototype[Symbol.iterator], URLSearchParams.prototype.entries);
}, 'the interfaces');

test(() => {
  const url = new URL('https://user:pass@example.com:8080/a/../b%20c?q=1#frag');
  assert_equals(url.href, 'https://user:pass@example.com:8080/b%20c?q=1#frag');
  assert_array_equals([url.protocol, url.username, url.password, url.host, url.hostname, url.port, url.pathname, url.search, url.hash, url.origin],
    ['https:', 'user', 'pass', 'example.com:8080', 'example.com', '8080', '/b%20c', '?q=1', '#frag', 'https://example.com:8080']);
  assert_equals(JSON.stringify(url), '"https://user:pass@example.com:8080/b%20c?q=1#frag"');
}, 'the parts of a URL');

const parsed = [
  ['http://EXAMPLE.com', undefined, 'http://example.com/'],
  ['HTTP://example.com:80/', undefined, 'http://example.com/'],
  ['  http://example.com/\n', undefined, 'http://example.com/'],
  ['//x/y', 'https://a/b', 'https://x/y'],
  ['../c?d', 'https://a/b/e', 'https://a/c?d'],
  ['#f', 'https://a/b?q#g', 'https://a/b?q#f'],
  ['', 'https://a/b?q#g', 'https://a/b?q'],
  ['http:\\\\a\\b', undefined, 'http://a/b'],
  ['http://1.2.3/', undefined, 'http://1.2.0.3/'],
  ['http://0x7f.1/', undefined, 'http://127.0.0.1/'],
  ['http://[2001:DB8::1]/', undefined, 'http://[2001:db8::1]/'],
  ['http://ex%41mple.com/', undefined, 'http://example.com/'],
  ['http://münchen.de/ä?ö#ü', undefined, 'http://xn--mnchen-3ya.de/%C3%A4?%C3%B6#%C3%BC'],
  ['http://faß.de/', undefined, 'http://xn--fa-hia.de/'],
  ['http://日本語。jp/', undefined, 'http://xn--wgv71a119e.jp/'],
  ['http://xn--mnchen-3ya.de/', undefined, 'http://xn--mnchen-3ya.de/'],
  ['mailto:a@b', undefined, 'mailto:a@b'],
  ['file:c:\\d', undefined, 'file:///c:/d'],
  ['data:text/plain,hello world#x y', undefined, 'data:text/plain,hello world#x%20y'],
  ['http://a/\ud800', undefined, 'http://a/%EF%BF%BD'],
];
for (const [input, base, href] of parsed)
  test(() => {
    assert_equals(new URL(input, base).href, href);
    assert_equals(URL.parse(input, base).href, href);
    assert_true(URL.canParse(input, base));
  }, `parses ${JSON.stringify(input)} against ${base}`);

for (const input of ['', 'x', '//a', 'http://', 'http://a b/', 'http://[1::2::3]/', 'http://1.2.3.256/', 'http://a:99999/', 'http://a%00b/', 'https://\u00ad/', 'http://%zz/'])
  test(() => {
    assert_throws_js(TypeError, () => new URL(input));
    assert_equals(URL.parse(input), null);
    assert_false(URL.canParse(input));
  }, `refuses ${JSON.stringify(input)}`);

test(() => {
  const url = new URL('http://a/b');
  url.protocol = 'https';
  url.host = 'c:81';
  url.pathname = '/d e';
  url.search = 'x=y';
  url.hash = 'z';
  url.username = 'ü';
  assert_equals(url.href, 'https://%C3%BC@c:81/d%20e?x=y#z');
  url.port = '443';
  url.port = 'no';
  url.hostname = 'bad host';
  assert_equals(url.host, 'c');
  assert_throws_js(TypeError, () => (url.href = 'nonsense'));
  url.protocol = 'mailto';
  assert_equals(url.protocol, 'https:');
}, 'setters');

test(() => {
  const url = new URL('http://a/?x=1&y=2');
  const params = url.searchParams;
  assert_equals(params, url.searchParams);
  params.append('z', 'ä b');
  params.delete('x');
  assert_equals(url.href, 'http://a/?y=2&z=%C3%A4+b');
  url.search = '?k=v';
  assert_array_equals([...params.keys()], ['k']);
  params.delete('k');
  assert_equals(url.href, 'http://a/');
}, 'searchParams and the URL change together');

test(() => {
  assert_equals(new URLSearchParams('?a=b+c&d=%41&e').toString(), 'a=b+c&d=A&e=');
  assert_equals(new URLSearchParams([['a', '1'], ['a', '2']]).toString(), 'a=1&a=2');
  assert_equals(new URLSearchParams({ a: 1, b: '&=' }).toString(), 'a=1&b=%26%3D');
  assert_equals(new URLSearchParams(new URLSearchParams('x=y')).toString(), 'x=y');
  assert_throws_js(TypeError, () => new URLSearchParams([['a']]));
  const params = new URLSearchParams('b=2&a=1&b=1');
  assert_array_equals(params.getAll('b'), ['2', '1']);
  assert_array_equals([params.get('b'), params.get('none'), params.has('a', '1'), params.has('a', '2'), params.size], ['2', null, true, false, 3]);
  params.sort();
  assert_equals(params.toString(), 'a=1&b=2&b=1');
  params.set('b', '3');
  params.delete('a', 'other');
  assert_equals(`${params}`, 'a=1&b=3');
  const seen = [];
  params.forEach((value, key, object) => seen.push(key, value, object === params));
  assert_array_equals(seen, ['a', '1', true, 'b', '3', true]);
}, 'URLSearchParams');

test(() => {
  assert_throws_dom('DataCloneError', () => structuredClone(new URL('http://a/')));
  assert_throws_dom('DataCloneError', () => structuredClone(new URLSearchParams()));
}, 'they cannot be cloned');
