// SPDX-License-Identifier: Apache-2.0
// CryptoKey, SubtleCrypto: https://w3c.github.io/webcrypto/#cryptokey-interface
const { subtle } = crypto;
const aesKey = (usages, extractable = true) => subtle.generateKey({ name: 'AES-GCM', length: 128 }, extractable, usages);

test(() => {
  assert_interface('CryptoKey', { attributes: ['type', 'extractable', 'algorithm', 'usages'] });
  assert_interface('SubtleCrypto', {
    methods: {
      encrypt: 3, decrypt: 3, sign: 3, verify: 4, digest: 2, generateKey: 3, deriveKey: 5, deriveBits: 2, importKey: 5, exportKey: 2, wrapKey: 4,
      unwrapKey: 7,
    },
  });
  assert_throws_js(TypeError, () => new CryptoKey());
  assert_throws_js(TypeError, () => new SubtleCrypto());
  assert_throws_js(TypeError, () => new subtle.constructor({}));
}, 'the interfaces');

promise_test(async (context) => {
  for (const [method, count] of Object.entries({ encrypt: 3, decrypt: 3, sign: 3, verify: 4, digest: 2, generateKey: 3, deriveKey: 5, deriveBits: 2, importKey: 5, exportKey: 2, wrapKey: 4, unwrapKey: 7 })) {
    const promise = subtle[method]();
    assert_true(promise instanceof Promise, method);
    await promise_rejects_js(context, TypeError, promise, method);
    await promise_rejects_js(context, TypeError, SubtleCrypto.prototype[method].apply({}, new Array(count).fill('SHA-1')), method);
  }
}, 'errors come as rejections');

promise_test(async (context) => {
  const key = await aesKey(['decrypt', 'encrypt', 'encrypt']);
  assert_array_equals(key.usages, ['encrypt', 'decrypt']);
  assert_equals(key.usages, key.usages);
  assert_equals(key.algorithm, key.algorithm);
  key.usages.push('wrapKey');
  key.algorithm.name = 'AES-CBC';
  key.algorithm.length = 1;
  Object.defineProperty(key, 'extractable', { value: false });
  const sealed = await subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, new Uint8Array(4));
  assert_equals(sealed.byteLength, 20);
  assert_equals((await subtle.exportKey('jwk', key)).alg, 'A128GCM');
  await rejects(context, 'InvalidAccessError', subtle.wrapKey('raw', key, key, { name: 'AES-GCM', iv: new Uint8Array(12) }));
  assert_equals(JSON.stringify(Object.getOwnPropertyNames(await aesKey(['encrypt']))), '[]');
}, 'what a script changes on a key changes nothing of it');

promise_test(async (context) => {
  const bytes = new Uint8Array(16).fill(5);
  const key = await subtle.importKey('raw', bytes, 'AES-CTR', true, ['encrypt']);
  bytes.fill(6);
  new Uint8Array(await subtle.exportKey('raw', key)).fill(7);
  assert_equals(hex(await subtle.exportKey('raw', key)), '05'.repeat(16));
  const secret = await subtle.importKey('raw', bytes, 'AES-CTR', false, ['encrypt']);
  for (const format of ['raw', 'jwk']) await rejects(context, 'InvalidAccessError', subtle.exportKey(format, secret));
  await promise_rejects_js(context, TypeError, subtle.exportKey('der', secret));
  await promise_rejects_js(context, TypeError, subtle.exportKey('raw', {}));
}, 'the bytes of a key are its own');

promise_test(async (context) => {
  const order = [];
  const algorithm = { get name() { order.push('name'); return 'aes-gcm'; }, get iv() { order.push('iv'); return new Uint8Array(12); },
    get tagLength() { order.push('tagLength'); return 96; }, get additionalData() { order.push('additionalData'); } };
  const key = await aesKey(['encrypt']);
  await subtle.encrypt(algorithm, key, new Uint8Array(1));
  assert_array_equals(order, ['name', 'additionalData', 'iv', 'tagLength']);
  // Normalizing comes first, then the key's algorithm, then its usages.
  await rejects(context, 'NotSupportedError', subtle.decrypt('no such algorithm', key, new Uint8Array(1)));
  await rejects(context, 'InvalidAccessError', subtle.decrypt({ name: 'AES-CBC', iv: new Uint8Array(1) }, key, new Uint8Array(1)));
  await rejects(context, 'InvalidAccessError', subtle.decrypt({ name: 'AES-GCM', iv: new Uint8Array(1) }, key, new Uint8Array(1)));
  await rejects(context, 'NotSupportedError', subtle.sign('AES-GCM', key, new Uint8Array(1)));
  for (const name of ['\u0131', 'AES-GCM\0', 'AE\u017f-GCM']) await rejects(context, 'NotSupportedError', subtle.encrypt({ ...algorithm, name }, key, new Uint8Array(1)));
  const thrown = new Error('mine');
  await promise_rejects_exactly(context, thrown, subtle.encrypt({ get name() { throw thrown; } }, key, new Uint8Array(1)));
  await promise_rejects_js(context, TypeError, subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12), tagLength: 256 }, key, new Uint8Array(1)));
}, 'algorithms are normalized in order');

promise_test(async (context) => {
  const wrapping = {
    'AES-GCM': [{ name: 'AES-GCM', length: 256 }, () => ({ name: 'AES-GCM', iv: crypto.getRandomValues(new Uint8Array(12)) })],
    'AES-CBC': [{ name: 'AES-CBC', length: 128 }, () => ({ name: 'AES-CBC', iv: crypto.getRandomValues(new Uint8Array(16)) })],
    'AES-CTR': [{ name: 'AES-CTR', length: 192 }, () => ({ name: 'AES-CTR', counter: new Uint8Array(16), length: 64 })],
  };
  const ecdsa = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const ed = await subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const hmac = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-512' }, true, ['sign']);
  const wrapped = [
    [ecdsa.privateKey, { name: 'ECDSA', namedCurve: 'P-256' }, ['pkcs8', 'jwk']],
    [ecdsa.publicKey, { name: 'ECDSA', namedCurve: 'P-256' }, ['spki', 'raw', 'jwk']],
    [ed.privateKey, 'Ed25519', ['pkcs8', 'jwk']],
    [hmac, { name: 'HMAC', hash: 'SHA-512' }, ['raw', 'jwk']],
  ];
  for (const [generate, parameters] of Object.values(wrapping)) {
    const wrapper = await subtle.generateKey(generate, false, ['wrapKey', 'unwrapKey']);
    for (const [key, algorithm, formats] of wrapped)
      for (const format of formats) {
        const how = parameters();
        const data = await subtle.wrapKey(format, key, wrapper, how);
        const back = await subtle.unwrapKey(format, data, wrapper, how, algorithm, true, key.usages);
        assert_object_equals(await subtle.exportKey('jwk', back), await subtle.exportKey('jwk', key));
        await rejects(context, 'InvalidAccessError', subtle.encrypt(how, wrapper, new Uint8Array(1)));
      }
  }
  const wrapper = await aesKey(['wrapKey', 'unwrapKey', 'encrypt']);
  const how = { name: 'AES-GCM', iv: new Uint8Array(12) };
  await rejects(context, 'InvalidAccessError', subtle.wrapKey('raw', await aesKey(['encrypt'], false), wrapper, how));
  for (const text of ['{', '[]', 'null', '{}', '"x"', '{"kty":"EC"}', '{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA","ext":false}']) {
    const data = await subtle.encrypt(how, wrapper, Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
    await rejects(context, 'DataError', subtle.unwrapKey('jwk', data, wrapper, how, 'AES-CBC', true, ['encrypt']));
  }
  const good = await subtle.encrypt(how, wrapper, Uint8Array.from('{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA","x-\u00e9":"%"}', (letter) => letter.charCodeAt(0) & 127));
  await subtle.unwrapKey('jwk', good, wrapper, how, 'AES-CBC', true, ['encrypt']);
  await rejects(context, 'SyntaxError', subtle.unwrapKey('jwk', good, wrapper, how, 'AES-CBC', true, []));
}, 'keys are wrapped and unwrapped in all formats');

promise_test(async () => {
  const key = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-1' }, true, ['sign']);
  const wrapper = await aesKey(['wrapKey', 'decrypt']);
  const how = { name: 'AES-GCM', iv: new Uint8Array(12) };
  const before = [Object.prototype.toJSON, Array.prototype.toJSON];
  Object.prototype.toJSON = Array.prototype.toJSON = () => 'stolen';
  let wrapped;
  try {
    wrapped = await subtle.wrapKey('jwk', key, wrapper, how);
  } finally {
    for (const prototype of [Object.prototype, Array.prototype]) delete prototype.toJSON;
  }
  assert_object_equals(before, [undefined, undefined]);
  const text = String.fromCharCode(...new Uint8Array(await subtle.decrypt(how, wrapper, wrapped)));
  assert_object_equals(JSON.parse(text), await subtle.exportKey('jwk', key));
}, 'a wrapped JSON Web Key does not ask toJSON');
