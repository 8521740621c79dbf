// SPDX-License-Identifier: Apache-2.0
// https://w3c.github.io/webcrypto/#crypto-interface
test(() => {
  assert_interface('Crypto', { attributes: ['subtle'], methods: { getRandomValues: 1, randomUUID: 0 } });
  assert_throws_js(TypeError, () => new Crypto());
  assert_true(crypto instanceof Crypto);
  assert_equals(crypto.subtle, crypto.subtle);
  assert_true(crypto.subtle instanceof SubtleCrypto);
  assert_throws_js(TypeError, () => Crypto.prototype.randomUUID.call({}));
  assert_throws_js(TypeError, () => Crypto.prototype.getRandomValues.call({}, new Uint8Array(1)));
}, 'the interface');

test(() => {
  for (const Type of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array]) {
    const array = new Type(64);
    assert_equals(crypto.getRandomValues(array), array, Type.name);
    assert_greater_than(new Set(array).size, Type.BYTES_PER_ELEMENT === 1 ? 30 : 60, Type.name);
    const tooLong = 65536 / Type.BYTES_PER_ELEMENT + 1;
    assert_throws_dom('QuotaExceededError', () => crypto.getRandomValues(new Type(tooLong)), Type.name);
    assert_equals(crypto.getRandomValues(new Type(0)).length, 0);
  }
}, 'getRandomValues fills typed arrays of integers');

test(() => {
  for (const array of [new Float32Array(4), new Float64Array(4), new Float64Array(65536), new DataView(new ArrayBuffer(8))])
    assert_throws_dom('TypeMismatchError', () => crypto.getRandomValues(array));
  for (const value of [undefined, null, {}, [1, 2], new ArrayBuffer(4), 'text']) assert_throws_js(TypeError, () => crypto.getRandomValues(value));
  assert_throws_js(TypeError, () => crypto.getRandomValues());
}, 'getRandomValues refuses all else');

test(() => {
  const all = new Uint8Array(65536);
  crypto.getRandomValues(all);
  const counts = new Array(256).fill(0);
  for (const byte of all) ++counts[byte];
  assert_less_than(Math.max(...counts), 400); // 256 on average
  assert_greater_than(Math.min(...counts), 140);
  const part = new Uint8Array(32).fill(7);
  crypto.getRandomValues(part.subarray(8, 24));
  assert_array_equals([...part.subarray(0, 8), ...part.subarray(24)], new Array(16).fill(7));
  assert_greater_than(new Set(part.subarray(8, 24)).size, 8);
}, 'getRandomValues fills all of the view and nothing else');

test(() => {
  const seen = new Set();
  for (let i = 0; i < 500; ++i) {
    const uuid = crypto.randomUUID();
    assert_regexp_match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    seen.add(uuid);
  }
  assert_equals(seen.size, 500);
}, 'randomUUID gives version 4');
