// SPDX-License-Identifier: Apache-2.0
// Digests (FIPS 180), HMAC (RFC 2202, RFC 4231), HKDF (RFC 5869), PBKDF2 (RFC 6070).
const { subtle } = crypto;

const digests = [
  ['SHA-1', '', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
  ['SHA-1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['SHA-256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['SHA-256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['SHA-256', 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
  ['SHA-384', 'abc', 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7'],
  ['SHA-512', 'abc', 'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f'],
];
for (const [name, text, digest] of digests)
  promise_test(async () => {
    assert_equals(hex(await subtle.digest(name, ascii(text))), digest);
    assert_equals(hex(await subtle.digest({ name: name.toLowerCase() }, ascii(text).buffer)), digest);
    assert_equals(hex(await subtle.digest(name, new DataView(ascii(`--${text}-`).buffer, 2, text.length))), digest);
  }, `${name} of "${text}"`);

promise_test(async () => {
  assert_equals(hex(await subtle.digest('SHA-1', new Uint8Array(1000000).fill(0x61))), '34aa973cd4c4daa4f61eeb2bdbad27316534016f');
}, 'a million letters');

promise_test(async (context) => {
  for (const name of ['MD5', 'SHA', 'SHA256', '', 'AES-CBC', {  name: 'SHA_256' }]) await rejects(context, 'NotSupportedError', subtle.digest(name, new Uint8Array(1)));
  await promise_rejects_js(context, TypeError, subtle.digest({}, new Uint8Array(1)));
  await promise_rejects_js(context, TypeError, subtle.digest('SHA-1'));
  for (const data of ['text', [1], null, undefined, {}]) await promise_rejects_js(context, TypeError, subtle.digest('SHA-1', data));
  await promise_rejects_js(context, TypeError, subtle.digest('SHA-1', new Uint8Array(new SharedArrayBuffer(4))));
  await promise_rejects_js(context, TypeError, subtle.digest(Symbol(), new Uint8Array(1)));
  await promise_rejects_js(context, TypeError, subtle.digest.call({}, 'SHA-1', new Uint8Array(1)));
}, 'what digest refuses');

promise_test(async () => {
  const data = ascii('abd');
  const digest = subtle.digest({ get name() { data[2] = 0x63; return 'SHA-1'; } }, data);
  data[0] = 0;
  assert_equals(hex(await digest), digests[1][2]);
}, 'data are read after the algorithm, before the promise is there');

promise_test(async () => {
  const order = [];
  await Promise.all([subtle.digest('SHA-512', new Uint8Array(100000)).then(() => order.push(1)), subtle.digest('SHA-1', new Uint8Array(1)).then(() => order.push(2))]);
  assert_array_equals(order, [1, 2]);
}, 'promises are settled in order');

const codes = [ // RFC 2202 and RFC 4231
  ['SHA-1', '0b'.repeat(20), hex(ascii('Hi There')), 'b617318655057264e28bc0b6fb378c8ef146be00'],
  ['SHA-1', hex(ascii('Jefe')), hex(ascii('what do ya want for nothing?')), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
  ['SHA-256', '0b'.repeat(20), hex(ascii('Hi There')), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  ['SHA-256', 'aa'.repeat(131), hex(ascii('Test Using Larger Than Block-Size Key - Hash Key First')), '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'],
  ['SHA-384', hex(ascii('Jefe')), hex(ascii('what do ya want for nothing?')), 'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649'],
  ['SHA-512', hex(ascii('Jefe')), hex(ascii('what do ya want for nothing?')),
    '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737'],
];
for (const [hash, key, data, code] of codes)
  promise_test(async () => {
    const imported = await subtle.importKey('raw', unhex(key), { name: 'HMAC', hash }, false, ['sign', 'verify']);
    assert_equals(hex(await subtle.sign('HMAC', imported, unhex(data))), code);
    assert_true(await subtle.verify('hmac', imported, unhex(code), unhex(data)));
    assert_false(await subtle.verify('HMAC', imported, unhex(code).fill(1, 3, 4), unhex(data)));
    assert_false(await subtle.verify('HMAC', imported, unhex(code).subarray(1), unhex(data)));
    assert_equals(imported.algorithm.length, key.length * 4);
  }, `HMAC with ${hash} of ${data}`);

promise_test(async (context) => {
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const generated = await subtle.generateKey(hmac, true, ['sign']);
  assert_object_equals(generated.algorithm, { name: 'HMAC', hash: { name: 'SHA-256' }, length: 512 });
  assert_equals((await subtle.generateKey({ name: 'HMAC', hash: 'SHA-512' }, true, ['sign'])).algorithm.length, 1024);
  const odd = await subtle.exportKey('raw', await subtle.generateKey({ ...hmac, length: 13 }, true, ['sign']));
  assert_equals(odd.byteLength, 2);
  assert_equals(new Uint8Array(odd)[1] & 7, 0);
  await rejects(context, 'OperationError', subtle.generateKey({ ...hmac, length: 0 }, true, ['sign']));
  await rejects(context, 'SyntaxError', subtle.generateKey(hmac, true, ['encrypt']));
  await rejects(context, 'SyntaxError', subtle.generateKey(hmac, true, []));
  await rejects(context, 'DataError', subtle.importKey('raw', new Uint8Array(0), hmac, true, ['sign']));
  await rejects(context, 'DataError', subtle.importKey('raw', new Uint8Array(2), { ...hmac, length: 17 }, true, ['sign']));
  await rejects(context, 'DataError', subtle.importKey('raw', new Uint8Array(2), { ...hmac, length: 8 }, true, ['sign']));
  await rejects(context, 'NotSupportedError', subtle.importKey('spki', new Uint8Array(2), hmac, true, ['sign']));
  await rejects(context, 'InvalidAccessError', subtle.verify('HMAC', generated, new Uint8Array(32), new Uint8Array(1)));
  await promise_rejects_js(context, TypeError, subtle.generateKey('HMAC', true, ['sign']));
  await promise_rejects_js(context, TypeError, subtle.generateKey({ ...hmac, length: 2 ** 32 }, true, ['sign']));
  await promise_rejects_js(context, TypeError, subtle.generateKey({ ...hmac, length: NaN }, true, ['sign']));
}, 'keys for HMAC');

promise_test(async (context) => {
  const jwk = { kty: 'oct', k: 'SmVmZQ', alg: 'HS256', ext: true, key_ops: ['sign', 'verify'], use: 'sig' };
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await subtle.importKey('jwk', jwk, hmac, true, ['sign']);
  assert_object_equals(await subtle.exportKey('jwk', key), { kty: 'oct', alg: 'HS256', k: 'SmVmZQ', key_ops: ['sign'], ext: true });
  const wrong = [{ kty: 'RSA' }, { k: undefined }, { k: 'a' }, { k: 'SmVmZQ==' }, { alg: 'HS512' }, { ext: false }, { key_ops: ['verify'] },
    { key_ops: ['sign', 'verify', 'sign'] }, { use: 'enc' }];
  for (const change of wrong) await rejects(context, 'DataError', subtle.importKey('jwk', { ...jwk, ...change }, hmac, true, ['sign']));
  await subtle.importKey('jwk', { ...jwk, ext: false }, hmac, false, ['sign']);
  await promise_rejects_js(context, TypeError, subtle.importKey('jwk', new Uint8Array(4), hmac, true, ['sign']));
  await promise_rejects_js(context, TypeError, subtle.importKey('raw', jwk, hmac, true, ['sign']));
}, 'HMAC and JSON Web Keys');

const derived = async (algorithm, key, bits) => {
  const base = await subtle.importKey('raw', key, algorithm.name, false, ['deriveBits']);
  return hex(await subtle.deriveBits(algorithm, base, bits));
};

promise_test(async () => {
  const okm = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';
  const first = { name: 'HKDF', hash: 'SHA-256', salt: unhex('000102030405060708090a0b0c'), info: unhex('f0f1f2f3f4f5f6f7f8f9') };
  assert_equals(await derived(first, unhex('0b'.repeat(22)), 42 * 8), okm);
  const nothing = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: new Uint8Array(0) };
  assert_equals(await derived(nothing, unhex('0b'.repeat(22)), 42 * 8),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8');
  assert_equals(await derived({ ...first, hash: 'SHA-1' }, unhex('0b'.repeat(11)), 42 * 8),
    '085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896');
  assert_equals(await derived(nothing, new Uint8Array(0), 0), '');
  assert_equals((await derived(nothing, new Uint8Array(0), 255 * 256)).length, 255 * 64);
}, 'HKDF of RFC 5869');

promise_test(async () => {
  const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-1', salt: ascii('salt'), iterations: 1 };
  assert_equals(await derived(pbkdf2, ascii('password'), 160), '0c60c80f961f0e71f3a9b524af6012062fe037a6');
  assert_equals(await derived({ ...pbkdf2, iterations: 4096 }, ascii('password'), 160), '4b007901b765489abead49d926f721d065a429c1');
  assert_equals(await derived({ ...pbkdf2, iterations: 4096, salt: ascii('sa\0lt') }, ascii('pass\0word'), 128), '56fa6aa75548099dcc37d7f03425e0c3');
  assert_equals(await derived({ ...pbkdf2, salt: new Uint8Array(0) }, new Uint8Array(0), 0), '');
  assert_equals((await derived({ ...pbkdf2, salt: new Uint8Array(0) }, new Uint8Array(0), 256)).length, 64);
}, 'PBKDF2 of RFC 6070');

promise_test(async (context) => {
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(1), info: new Uint8Array(1) };
  const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(1), iterations: 1 };
  const key = await subtle.importKey('raw', new Uint8Array(4), 'HKDF', false, ['deriveBits']);
  const password = await subtle.importKey('raw', new Uint8Array(4), 'PBKDF2', false, ['deriveKey', 'deriveBits']);
  for (const length of [null, undefined, 9, 255 * 256 + 8]) await rejects(context, 'OperationError', subtle.deriveBits(hkdf, key, length));
  await rejects(context, 'OperationError', subtle.deriveBits(hkdf, key));
  await rejects(context, 'OperationError', subtle.deriveBits({ ...pbkdf2, iterations: 0 }, password, 8));
  await rejects(context, 'InvalidAccessError', subtle.deriveBits(pbkdf2, key, 8));
  await rejects(context, 'InvalidAccessError', subtle.deriveKey(hkdf, key, { name: 'AES-GCM', length: 128 }, true, ['encrypt']));
  await rejects(context, 'OperationError', subtle.deriveKey(pbkdf2, password, { name: 'AES-GCM', length: 100 }, true, ['encrypt']));
  await rejects(context, 'SyntaxError', subtle.deriveKey(pbkdf2, password, { name: 'AES-GCM', length: 128 }, true, ['sign']));
  await rejects(context, 'SyntaxError', subtle.deriveKey(pbkdf2, password, { name: 'AES-GCM', length: 128 }, true, []));
  await promise_rejects_js(context, TypeError, subtle.deriveKey(pbkdf2, password, { name: 'HMAC', hash: 'SHA-1', length: 0 }, true, ['sign']));
  await promise_rejects_js(context, TypeError, subtle.deriveBits({ name: 'HKDF', hash: 'SHA-1', salt: new Uint8Array(1) }, key, 8));
  await rejects(context, 'SyntaxError', subtle.importKey('raw', new Uint8Array(4), 'HKDF', true, ['deriveBits']));
  await rejects(context, 'SyntaxError', subtle.importKey('raw', new Uint8Array(4), 'PBKDF2', false, ['sign']));
  await rejects(context, 'NotSupportedError', subtle.importKey('jwk', { kty: 'oct', k: 'AA' }, 'PBKDF2', false, ['deriveBits']));
  await rejects(context, 'NotSupportedError', subtle.exportKey('raw', password));
  await rejects(context, 'NotSupportedError', subtle.generateKey('PBKDF2', false, ['deriveBits']));
  const aes = await subtle.deriveKey(pbkdf2, password, { name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const code = await subtle.deriveKey(pbkdf2, password, { name: 'HMAC', hash: 'SHA-384' }, true, ['sign']);
  assert_equals(aes.algorithm.length, 256);
  assert_equals(code.algorithm.length, 1024);
  const bits = hex(await subtle.deriveBits(pbkdf2, password, 1024));
  assert_equals(hex(await subtle.exportKey('raw', aes)), bits.slice(0, 64));
  assert_equals(hex(await subtle.exportKey('raw', code)), bits);
}, 'what derivation refuses, and keys');
