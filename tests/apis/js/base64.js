// SPDX-License-Identifier: Apache-2.0
// atob and btoa.
test(() => {
  for (const name of ['atob', 'btoa']) {
    assert_equals(globalThis[name].length, 1);
    assert_equals(globalThis[name].name, name);
    assert_throws_js(TypeError, () => globalThis[name]());
    assert_throws_js(TypeError, () => globalThis[name](Symbol('s')));
    assert_throws_js(TypeError, () => new globalThis[name]('x'));
  }
}, 'they are functions of the platform');

test(() => {
  for (const [text, wanted] of [
    ['', ''], ['a', 'YQ=='], ['ab', 'YWI='], ['abc', 'YWJj'], ['abcd', 'YWJjZA=='], ['\0\xff\xfe', 'AP/+'], [null, 'bnVsbA=='], [undefined, 'dW5kZWZpbmVk'], [12.5, 'MTIuNQ=='],
  ]) {
    assert_equals(btoa(text), wanted, String(text));
    assert_equals(atob(wanted), String(text), wanted);
  }
  for (const text of ['€', 'a\u0100', '😀', '\ud800']) assert_throws_dom('InvalidCharacterError', () => btoa(text), text);
  // Kept by V8 as UTF-16, though every character would fit a byte.
  assert_equals(btoa('aé€'.slice(0, 2)), 'Yek=');
}, 'btoa() takes characters up to U+00FF');

test(() => {
  let all = '';
  for (let i = 0; i < 256; ++i) all += String.fromCharCode(i);
  for (const length of [...Array(70).keys(), 1000, 4095, 4096, 4097, 100001]) {
    const text = all.repeat(400).slice(3, length + 3);
    assert_equals(atob(btoa(text)), text, String(length));
    assert_equals(btoa(text).length, Math.ceil(length / 3) * 4);
  }
}, 'every byte and every length go through');

test(() => {
  for (const [text, wanted] of [
    ['YQ', 'a'], ['YWI', 'ab'], [' Y Q = =\t', 'a'], ['YW\nJj\r\n', 'abc'], ['\fYWJj', 'abc'], ['YR==', 'a'], ['YWJ=', 'ab'], ['/+', '\xff'], ['ab=\f=', 'i'], ['   ', ''],
    ['ABCDEFGH IJKL', '\x00\x10\x83\x10\x51\x87\x20\x92\x8b'],
  ]) assert_equals(atob(text), wanted, JSON.stringify(text));
  for (const text of [
    'Y', 'YQ=', 'YQ===', '=', '==', '===', '====', 'YWJj=', 'YWJj==', 'YWJjZ', 'Y=Q=', 'YQ==YQ==', 'a-b_', 'YQ\v==', 'YQ\u00a0==', 'YQ€=', 'é', 'YWJjYWJj*', '\0', 'ab\ud800c',
  ]) assert_throws_dom('InvalidCharacterError', () => atob(text), JSON.stringify(text));
}, 'atob() forgives white space and missing padding, nothing else');
