// SPDX-License-Identifier: Apache-2.0
// ECDSA (RFC 6979, RFC 7520), ECDH (RFC 5903), Ed25519 (RFC 8032), X25519 (RFC 7748).
const { subtle } = crypto;

const publicKey = (curve, point, name = 'ECDSA', usages = ['verify']) => subtle.importKey('raw', unhex(point), { name, namedCurve: curve }, true, usages);

const signatures = [ // RFC 6979, A.2.5 and A.2.6, of "sample"
  ['P-256', 'SHA-256', '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8'],
  ['P-384', 'SHA-384', 'ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
    '94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8'],
];
for (const [curve, hash, point, signature] of signatures)
  promise_test(async () => {
    const key = await publicKey(curve, `04${point}`);
    const algorithm = { name: 'ECDSA', hash };
    assert_true(await subtle.verify(algorithm, key, unhex(signature), ascii('sample')));
    assert_false(await subtle.verify(algorithm, key, unhex(signature), ascii('samplE')));
    assert_false(await subtle.verify(algorithm, key, unhex(`${signature}00`), ascii('sample')));
    assert_false(await subtle.verify(algorithm, key, new Uint8Array(signature.length / 2), ascii('sample')));
    assert_false(await subtle.verify({ name: 'ECDSA', hash: 'SHA-1' }, key, unhex(signature), ascii('sample')));
    const even = parseInt(point.at(-1), 16) % 2 === 0;
    const compressed = await publicKey(curve, (even ? '02' : '03') + point.slice(0, point.length / 2));
    assert_equals(hex(await subtle.exportKey('raw', compressed)), `04${point}`);
  }, `ECDSA with ${curve} of RFC 6979`);

const bilbo = { // RFC 7520, 4.3
  kty: 'EC', crv: 'P-521', use: 'sig',
  x: 'AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt',
  y: 'AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1',
  d: 'AAhRON2r9cqXX1hg-RoI6R1tX5p2rUAYdmpHZoC1XNM56KtscrX6zbKipQrCW9CGZH3T4ubpnoTKLDYJ_fF3_rJt',
};
const signed = 'eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4';
const signature512 = 'AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2';

promise_test(async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-521' };
  const { d, ...others } = bilbo;
  const verifier = await subtle.importKey('jwk', others, algorithm, true, ['verify']);
  assert_true(await subtle.verify({ name: 'ECDSA', hash: 'SHA-512' }, verifier, base64url(signature512), ascii(signed)));
  const signer = await subtle.importKey('jwk', bilbo, algorithm, true, ['sign']);
  const made = await subtle.sign({ name: 'ECDSA', hash: 'SHA-512' }, signer, ascii(signed));
  assert_equals(made.byteLength, 132);
  assert_true(await subtle.verify({ name: 'ECDSA', hash: 'SHA-512' }, verifier, made, ascii(signed)));
  const exported = await subtle.exportKey('jwk', signer);
  assert_object_equals([exported.x, exported.y, exported.d, exported.crv, exported.kty], [bilbo.x, bilbo.y, bilbo.d, 'P-521', 'EC']);
}, 'ECDSA with P-521 of RFC 7520');

const agreements = [ // RFC 5903, 8.1 to 8.3: private key, point, other's point, secret
  ['P-256', 'c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433',
    'dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3',
    'd12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab',
    'd6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de'],
  ['P-384', '099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194',
    '667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c',
    'e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c',
    '11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746'],
];
for (const [curve, d, point, other, secret] of agreements)
  promise_test(async (context) => {
    const algorithm = { name: 'ECDH', namedCurve: curve };
    const size = d.length / 2;
    const member = (text) => btoaUrl(unhex(text));
    const jwk = { kty: 'EC', crv: curve, x: member(point.slice(0, 2 * size)), y: member(point.slice(2 * size)), d: member(d), alg: 'anything' };
    const mine = await subtle.importKey('jwk', jwk, algorithm, true, ['deriveBits', 'deriveKey']);
    const theirs = await publicKey(curve, `04${other}`, 'ECDH', []);
    const derive = (length, key = mine, peer = theirs) => subtle.deriveBits({ name: 'ECDH', public: peer }, key, length);
    assert_equals(hex(await derive(null)), secret);
    assert_equals(hex(await derive(8 * size)), secret);
    assert_equals(hex(await derive(0)), '');
    assert_equals(hex(await derive(128)), secret.slice(0, 32));
    const odd = new Uint8Array(await derive(13));
    assert_equals(odd.length, 2);
    assert_equals(odd[1] & 7, 0);
    assert_equals(odd[1], unhex(secret)[1] & 0xf8);
    await rejects(context, 'OperationError', derive(8 * size + 8));
    await rejects(context, 'InvalidAccessError', derive(8, theirs));
    await rejects(context, 'InvalidAccessError', derive(8, mine, mine));
    await promise_rejects_js(context, TypeError, derive(8, mine, {}));
    await rejects(context, 'InvalidAccessError', derive(8, mine, await publicKey(curve, `04${other}`)));
    const elsewhere = await subtle.generateKey({ name: 'ECDH', namedCurve: curve === 'P-256' ? 'P-384' : 'P-256' }, false, ['deriveBits']);
    await rejects(context, 'InvalidAccessError', derive(8, mine, elsewhere.publicKey));
    const aes = await subtle.deriveKey({ name: 'ECDH', public: theirs }, mine, { name: 'AES-CBC', length: 256 }, true, ['encrypt']);
    assert_equals(hex(await subtle.exportKey('raw', aes)), secret.slice(0, 64));
    const pkcs8 = await subtle.exportKey('pkcs8', mine);
    const again = await subtle.importKey('pkcs8', pkcs8, algorithm, true, ['deriveBits']);
    assert_equals(hex(await derive(null, again)), secret);
    assert_equals(hex(await subtle.exportKey('pkcs8', again)), hex(pkcs8));
  }, `ECDH with ${curve} of RFC 5903`);

function btoaUrl(bytes) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.match(/.{1,6}/g).map((six) => alphabet[parseInt(six.padEnd(6, '0'), 2)]).join('');
}

promise_test(async (context) => {
  for (const name of ['ECDSA', 'ECDH']) {
    const usages = name === 'ECDSA' ? ['sign', 'verify'] : ['deriveKey', 'deriveBits'];
    const [privateUsages, publicUsages] = name === 'ECDSA' ? [['sign'], ['verify']] : [['deriveKey', 'deriveBits'], []];
    for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
      const algorithm = { name, namedCurve };
      const pair = await subtle.generateKey(algorithm, false, usages);
      assert_object_equals([pair.publicKey.type, pair.publicKey.extractable, pair.publicKey.algorithm, pair.publicKey.usages], ['public', true, algorithm, publicUsages]);
      assert_object_equals([pair.privateKey.type, pair.privateKey.extractable, pair.privateKey.algorithm, pair.privateKey.usages], ['private', false, algorithm, privateUsages]);
      await rejects(context, 'InvalidAccessError', subtle.exportKey('pkcs8', pair.privateKey));
      await rejects(context, 'InvalidAccessError', subtle.exportKey('pkcs8', pair.publicKey));
      for (const format of ['raw', 'spki', 'jwk']) {
        const data = await subtle.exportKey(format, pair.publicKey);
        const again = await subtle.importKey(format, data, algorithm, true, publicUsages);
        assert_object_equals(await subtle.exportKey('jwk', again), await subtle.exportKey('jwk', pair.publicKey));
      }
      const point = new Uint8Array(await subtle.exportKey('raw', pair.publicKey));
      point[point.length - 1] ^= 1;
      await rejects(context, 'DataError', subtle.importKey('raw', point, algorithm, true, publicUsages));
      await rejects(context, 'DataError', subtle.importKey('raw', new Uint8Array(1), algorithm, true, publicUsages)); // at infinity
      await rejects(context, 'DataError', subtle.importKey('raw', new Uint8Array(0), algorithm, true, publicUsages));
      await rejects(context, 'DataError', subtle.importKey('spki', point, algorithm, true, publicUsages));
      const other = { name, namedCurve: namedCurve === 'P-256' ? 'P-384' : 'P-256' };
      await rejects(context, 'DataError', subtle.importKey('spki', await subtle.exportKey('spki', pair.publicKey), other, true, publicUsages));
      await rejects(context, 'DataError', subtle.importKey('jwk', await subtle.exportKey('jwk', pair.publicKey), other, true, publicUsages));
    }
    for (const namedCurve of ['P-512', 'p-256', 'Curve25519', '']) await rejects(context, 'NotSupportedError', subtle.generateKey({ name, namedCurve }, true, usages));
    await promise_rejects_js(context, TypeError, subtle.generateKey({ name }, true, usages));
    await rejects(context, 'SyntaxError', subtle.generateKey({ name, namedCurve: 'P-256' }, true, ['encrypt']));
    await rejects(context, 'SyntaxError', subtle.generateKey({ name, namedCurve: 'P-256' }, true, publicUsages));
  }
}, 'keys of elliptic curves');

promise_test(async (context) => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-521' };
  const wrong = [{ kty: 'RSA' }, { crv: 'P-256' }, { x: undefined }, { y: undefined }, { x: bilbo.y }, { d: bilbo.x }, { d: `${bilbo.d}AA` }, { d: 'AA' }, { alg: 'ES256' },
    { use: 'enc' }, { ext: false }, { key_ops: ['verify'] }, { d: 'A'.repeat(88) }];
  for (const change of wrong) await rejects(context, 'DataError', subtle.importKey('jwk', { ...bilbo, ...change }, algorithm, true, ['sign']));
  await subtle.importKey('jwk', { ...bilbo, alg: 'ES512' }, algorithm, true, ['sign']);
  await rejects(context, 'SyntaxError', subtle.importKey('jwk', bilbo, algorithm, true, ['verify']));
  await rejects(context, 'SyntaxError', subtle.importKey('jwk', bilbo, algorithm, true, []));
  const signer = await subtle.importKey('jwk', bilbo, algorithm, true, ['sign']);
  const pkcs8 = new Uint8Array(await subtle.exportKey('pkcs8', signer));
  assert_equals(pkcs8[pkcs8.length - 1], base64url(bilbo.y).at(-1)); // its last element is the point
  pkcs8[pkcs8.length - 1] ^= 1;
  await rejects(context, 'DataError', subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']));
  await rejects(context, 'DataError', subtle.importKey('pkcs8', pkcs8.subarray(1), algorithm, true, ['sign']));
  await rejects(context, 'DataError', subtle.importKey('pkcs8', pkcs8.subarray(0, 100), algorithm, true, ['sign']));
}, 'keys of elliptic curves that are none');

const eddsa = [ // RFC 8032, 7.1: private key, public key, message, signature
  ['9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'],
  ['4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'],
  ['c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'],
];
const okpPkcs8 = (identifier, d) => unhex(`302e020100300506032b65${identifier}04220420${d}`);

eddsa.forEach(([d, x, message, signature], i) =>
  promise_test(async (context) => {
    const signer = await subtle.importKey('pkcs8', okpPkcs8('70', d), 'Ed25519', true, ['sign']);
    assert_equals(hex(await subtle.sign('Ed25519', signer, unhex(message))), signature);
    const jwk = await subtle.exportKey('jwk', signer);
    assert_object_equals(jwk, { kty: 'OKP', alg: 'Ed25519', crv: 'Ed25519', x: btoaUrl(unhex(x)), d: btoaUrl(unhex(d)), key_ops: ['sign'], ext: true });
    assert_equals(hex(await subtle.exportKey('pkcs8', signer)), hex(okpPkcs8('70', d)));
    const verifier = await subtle.importKey('raw', unhex(x), { name: 'ed25519' }, true, ['verify']);
    assert_true(await subtle.verify('Ed25519', verifier, unhex(signature), unhex(message)));
    assert_false(await subtle.verify('Ed25519', verifier, unhex(signature), unhex(`${message}00`)));
    assert_false(await subtle.verify('Ed25519', verifier, unhex(signature).subarray(1), unhex(message)));
    assert_equals(hex(await subtle.exportKey('spki', verifier)), `302a300506032b6570032100${x}`);
    await rejects(context, 'InvalidAccessError', subtle.exportKey('pkcs8', verifier));
    await rejects(context, 'DataError', subtle.importKey('jwk', { ...jwk, x: btoaUrl(unhex(d)) }, 'Ed25519', true, ['sign']));
    await rejects(context, 'DataError', subtle.importKey('jwk', { ...jwk, alg: 'ed25519' }, 'Ed25519', true, ['sign']));
    await subtle.importKey('jwk', { ...jwk, alg: 'EdDSA' }, 'Ed25519', true, ['sign']);
    await rejects(context, 'DataError', subtle.importKey('jwk', { ...jwk, crv: 'X25519' }, 'Ed25519', true, ['sign']));
    await rejects(context, 'DataError', subtle.importKey('raw', unhex(x).subarray(1), 'Ed25519', true, ['verify']));
    await rejects(context, 'DataError', subtle.importKey('pkcs8', okpPkcs8('6e', d), 'Ed25519', true, ['sign']));
    await rejects(context, 'SyntaxError', subtle.importKey('raw', unhex(x), 'Ed25519', true, ['sign']));
  }, `Ed25519, case ${i + 1} of RFC 8032`));

promise_test(async () => {
  // With such a key, this would be a signature of every message.
  const weak = ['00'.repeat(32), `01${'00'.repeat(31)}`, `ecff${'ff'.repeat(29)}7f`, `edff${'ff'.repeat(29)}7f`, `eeff${'ff'.repeat(29)}ff`,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'];
  for (const x of weak) {
    const key = await subtle.importKey('raw', unhex(x), 'Ed25519', true, ['verify']);
    for (const r of weak)
      for (const message of ['', '00', '01', '02', '03'])
        assert_false(await subtle.verify('Ed25519', key, unhex(r + '00'.repeat(32)), unhex(message)), `${x} ${r}`);
  }
}, 'Ed25519 refuses points of small order');

promise_test(async (context) => {
  const [alice, bob] = ['77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a', '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'];
  const [alices, bobs] = ['8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a', 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'];
  const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
  for (const [d, x, other] of [[alice, alices, bobs], [bob, bobs, alices]]) {
    const key = await subtle.importKey('pkcs8', okpPkcs8('6e', d), 'X25519', true, ['deriveBits']);
    assert_equals((await subtle.exportKey('jwk', key)).x, btoaUrl(unhex(x)));
    const derive = (length, peer) => subtle.deriveBits({ name: 'X25519', public: peer }, key, length);
    const peer = await subtle.importKey('raw', unhex(other), 'X25519', true, []);
    assert_equals(hex(await derive(null, peer)), secret);
    assert_equals(hex(await derive(128, peer)), secret.slice(0, 32));
    await rejects(context, 'OperationError', derive(264, peer));
    for (const low of ['00'.repeat(32), `01${'00'.repeat(31)}`, `ecff${'ff'.repeat(29)}7f`, 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'])
      await rejects(context, 'OperationError', derive(256, await subtle.importKey('raw', unhex(low), 'X25519', true, []))); // the secret would be zero
  }
  const { publicKey, privateKey } = await subtle.generateKey('X25519', true, ['deriveKey']);
  assert_object_equals([publicKey.type, publicKey.usages, privateKey.usages, privateKey.algorithm], ['public', [], ['deriveKey'], { name: 'X25519' }]);
  await rejects(context, 'SyntaxError', subtle.generateKey('X25519', true, []));
  await rejects(context, 'SyntaxError', subtle.importKey('raw', unhex(alices), 'X25519', true, ['deriveBits']));
}, 'X25519 of RFC 7748');
