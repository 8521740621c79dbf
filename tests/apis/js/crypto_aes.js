// SPDX-License-Identifier: Apache-2.0
// AES-CBC and AES-CTR (NIST SP 800-38A), AES-GCM (the cases of its submission to NIST), AES-KW (RFC 3394).
const { subtle } = crypto;
const imported = (name, key, usages = ['encrypt', 'decrypt']) => subtle.importKey('raw', unhex(key), name, true, usages);

const plain = '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710';
const keys = {
  128: '2b7e151628aed2a6abf7158809cf4f3c',
  192: '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
  256: '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
};
const cbc = {
  128: '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7',
  192: '4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd',
  256: 'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b',
};
const ctr = {
  128: '874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee',
  192: '1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e941e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050',
  256: '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6',
};
for (const bits of [128, 192, 256])
  promise_test(async () => {
    const iv = unhex('000102030405060708090a0b0c0d0e0f');
    const cbcKey = await imported('AES-CBC', keys[bits]);
    const encrypted = await subtle.encrypt({ name: 'AES-CBC', iv }, cbcKey, unhex(plain));
    assert_equals(hex(encrypted).slice(0, 128), cbc[bits]);
    assert_equals(encrypted.byteLength, 80); // a block of padding
    assert_equals(hex(await subtle.decrypt({ name: 'aes-cbc', iv: iv.buffer }, cbcKey, encrypted)), plain);
    const counter = unhex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');
    const ctrKey = await imported('AES-CTR', keys[bits]);
    for (const length of [128, 64, 16, 9]) { // counts over the last byte in any case
      const algorithm = { name: 'AES-CTR', counter, length };
      assert_equals(hex(await subtle.encrypt(algorithm, ctrKey, unhex(plain))), ctr[bits]);
      assert_equals(hex(await subtle.decrypt(algorithm, ctrKey, unhex(ctr[bits]))), plain);
    }
  }, `AES-CBC and AES-CTR with ${bits} bits`);

promise_test(async (context) => {
  const key = await imported('AES-CTR', keys[128]);
  const stream = (counter, length, bytes) => subtle.encrypt({ name: 'AES-CTR', counter: unhex(counter), length }, key, new Uint8Array(bytes)).then(hex);
  const block = (counter) => stream(counter, 128, 16);
  const prefix = '00112233445566778899aabbccddee';
  assert_equals(await stream(`${prefix}ff`, 8, 40), await block(`${prefix}ff`) + await block(`${prefix}00`) + (await block(`${prefix}01`)).slice(0, 16));
  assert_equals(await stream(`${prefix}f7`, 3, 32), await block(`${prefix}f7`) + await block(`${prefix}f0`));
  assert_equals(await stream('ff'.repeat(16), 128, 32), await block('ff'.repeat(16)) + await block('00'.repeat(16)));
  assert_equals(await stream('ff'.repeat(16), 127, 32), await block('ff'.repeat(16)) + await block(`80${'00'.repeat(15)}`));
  assert_equals((await stream(`${prefix}f7`, 3, 128)).length, 256);
  await rejects(context, 'OperationError', stream(`${prefix}f7`, 3, 129)); // the counter would come again
  assert_equals(await stream(`${prefix}f7`, 3, 0), '');
  for (const length of [0, 129]) await rejects(context, 'OperationError', stream(`${prefix}f7`, length, 1));
  await promise_rejects_js(context, TypeError, stream(`${prefix}f7`, 256, 1));
  await rejects(context, 'OperationError', stream(prefix, 64, 1));
}, 'the counter of AES-CTR goes round within its bits');

promise_test(async (context) => {
  const key = await imported('AES-CBC', keys[128]);
  const algorithm = { name: 'AES-CBC', iv: new Uint8Array(16) };
  for (const bytes of [0, 15, 17]) await rejects(context, 'OperationError', subtle.decrypt(algorithm, key, new Uint8Array(bytes)));
  await rejects(context, 'OperationError', subtle.decrypt(algorithm, key, unhex(cbc[128])));
  await rejects(context, 'OperationError', subtle.encrypt({ ...algorithm, iv: new Uint8Array(15) }, key, new Uint8Array(1)));
  await promise_rejects_js(context, TypeError, subtle.encrypt({ name: 'AES-CBC' }, key, new Uint8Array(1)));
  await promise_rejects_js(context, TypeError, subtle.encrypt({ name: 'AES-CBC', iv: 'text' }, key, new Uint8Array(1)));
  assert_equals((await subtle.encrypt(algorithm, key, new Uint8Array(0))).byteLength, 16);
}, 'what AES-CBC refuses');

const gcm = [ // key, iv, additional data, plain text, encrypted, tag
  ['00000000000000000000000000000000', '000000000000000000000000', '', '', '', '58e2fccefa7e3061367f1d57a4e7455a'],
  ['00000000000000000000000000000000', '000000000000000000000000', '', '00000000000000000000000000000000', '0388dace60b6a392f328c2b971b2fe78', 'ab6e47d42cec13bdf53a67b21257bddf'],
  ['feffe9928665731c6d6a8f9467308308', 'cafebabefacedbaddecaf888', 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091', '5bc94fbc3221a5db94fae95ae7121a47'],
  ['feffe9928665731c6d6a8f9467308308', 'cafebabefacedbad', 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    '61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598', '3612d2e79e3b0785561be14aaca2fccb'],
  ['feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308', 'cafebabefacedbaddecaf888', 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662', '76fc6ece0f4e1768cddf8853bb2d551b'],
];
gcm.forEach(([keyText, iv, additional, text, encrypted, tag], i) =>
  promise_test(async (context) => {
    const key = await imported('AES-GCM', keyText);
    const algorithm = { name: 'AES-GCM', iv: unhex(iv), additionalData: unhex(additional) };
    assert_equals(hex(await subtle.encrypt(algorithm, key, unhex(text))), encrypted + tag);
    assert_equals(hex(await subtle.decrypt(algorithm, key, unhex(encrypted + tag))), text);
    for (const tagLength of [32, 64, 96, 104, 112, 120, 128]) {
      const short = encrypted + tag.slice(0, tagLength / 4);
      assert_equals(hex(await subtle.encrypt({ ...algorithm, tagLength }, key, unhex(text))), short);
      assert_equals(hex(await subtle.decrypt({ ...algorithm, tagLength }, key, unhex(short))), text);
    }
    const changed = unhex(encrypted + tag);
    changed[0] ^= 1;
    await rejects(context, 'OperationError', subtle.decrypt(algorithm, key, changed));
    await rejects(context, 'OperationError', subtle.decrypt({ ...algorithm, additionalData: unhex(`${additional}00`) }, key, unhex(encrypted + tag)));
    await rejects(context, 'OperationError', subtle.decrypt(algorithm, key, new Uint8Array(15)));
    for (const tagLength of [0, 8, 100, 127, 129]) await rejects(context, 'OperationError', subtle.encrypt({ ...algorithm, tagLength }, key, unhex(text)));
  }, `AES-GCM, case ${i + 1}`));

promise_test(async (context) => {
  const wrapping = await imported('AES-KW', '000102030405060708090a0b0c0d0e0f', ['wrapKey', 'unwrapKey']);
  const key = await imported('AES-CBC', '00112233445566778899aabbccddeeff');
  const wrapped = '1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5';
  assert_equals(hex(await subtle.wrapKey('raw', key, wrapping, 'AES-KW')), wrapped);
  const back = await subtle.unwrapKey('raw', unhex(wrapped), wrapping, 'AES-KW', 'AES-CBC', true, ['decrypt']);
  assert_equals(hex(await subtle.exportKey('raw', back)), '00112233445566778899aabbccddeeff');
  assert_array_equals(back.usages, ['decrypt']);
  await rejects(context, 'OperationError', subtle.unwrapKey('raw', unhex(wrapped).fill(0, 0, 1), wrapping, 'AES-KW', 'AES-CBC', true, ['decrypt']));
  await rejects(context, 'OperationError', subtle.unwrapKey('raw', new Uint8Array(23), wrapping, 'AES-KW', 'AES-CBC', true, ['decrypt']));
  await rejects(context, 'NotSupportedError', subtle.encrypt('AES-KW', wrapping, new Uint8Array(16)));
}, 'AES-KW of RFC 3394');

promise_test(async (context) => {
  for (const name of ['AES-CBC', 'AES-CTR', 'AES-GCM', 'AES-KW']) {
    const usage = name === 'AES-KW' ? 'wrapKey' : 'encrypt';
    for (const length of [128, 192, 256]) {
      const key = await subtle.generateKey({ name, length }, true, [usage]);
      assert_object_equals([key.type, key.extractable, key.algorithm, key.usages], ['secret', true, { name, length }, [usage]]);
      const jwk = await subtle.exportKey('jwk', key);
      assert_object_equals({ ...jwk, k: 0 }, { kty: 'oct', alg: `A${length}${name.slice(4)}`, k: 0, key_ops: [usage], ext: true });
      const again = await subtle.importKey('jwk', jwk, name, true, [usage]);
      assert_equals(hex(await subtle.exportKey('raw', again)), hex(await subtle.exportKey('raw', key)));
      await rejects(context, 'DataError', subtle.importKey('jwk', { ...jwk, alg: 'A128XYZ' }, name, true, [usage]));
      await rejects(context, 'DataError', subtle.importKey('jwk', { ...jwk, k: 'AAAA' }, name, true, [usage]));
    }
    for (const length of [0, 64, 127, 512]) await rejects(context, 'OperationError', subtle.generateKey({ name, length }, true, [usage]));
    for (const length of [-1, 65536, NaN, 'x', undefined]) await promise_rejects_js(context, TypeError, subtle.generateKey({ name, length }, true, [usage]));
    await rejects(context, 'SyntaxError', subtle.generateKey({ name, length: 99 }, true, ['sign']));
    await rejects(context, 'SyntaxError', subtle.generateKey({ name, length: 128 }, true, []));
    await rejects(context, 'DataError', subtle.importKey('raw', new Uint8Array(15), name, true, [usage]));
    await rejects(context, 'NotSupportedError', subtle.importKey('pkcs8', new Uint8Array(16), name, true, [usage]));
    await promise_rejects_js(context, TypeError, subtle.generateKey({ name, length: 128 }, true, ['no such usage']));
    await promise_rejects_js(context, TypeError, subtle.generateKey({ name, length: 128 }, true, usage.length));
  }
}, 'keys for AES');
