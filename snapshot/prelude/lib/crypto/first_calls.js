// SPDX-License-Identifier: Apache-2.0
// The first calls of what scripts do most: digests, codes, encryption, and the signatures of tokens.

const hmac = { name: 'HMAC', hash: 'SHA-256' };
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' };
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const rsaKey = { kty: 'RSA', n: `${'_'.repeat(85)}w`, e: 'AQAB' }; // to make a true one takes long

export async function makeFirstCalls(subtle, data) {
  const signed = async (how, signer, verifier) => subtle.verify(how, verifier, await subtle.sign(how, signer, data), data);
  const reimported = async (format, key, algorithm) => subtle.importKey(format, await subtle.exportKey(format, key), algorithm, true, key.usages);
  const pairs = [];
  for (const [how, algorithm] of [[{ ...ecdsa, hash: 'SHA-256' }, ecdsa], ['Ed25519', 'Ed25519']])
    pairs.push([how, algorithm, await subtle.generateKey(algorithm, true, ['sign', 'verify'])]);
  for (let i = 0; i < 3; ++i) {
    await subtle.digest('SHA-256', data);
    const code = await subtle.importKey('raw', data, hmac, true, ['sign', 'verify']);
    await signed('HMAC', code, code);
    const gcm = { name: 'AES-GCM', iv: data.subarray(0, 12) };
    const key = await subtle.importKey('raw', data.subarray(0, 32), 'AES-GCM', true, ['encrypt', 'decrypt']);
    await subtle.decrypt(gcm, key, await subtle.encrypt(gcm, key, data));
    for (const [how, algorithm, { privateKey, publicKey }] of pairs) {
      await signed(how, await reimported('jwk', privateKey, algorithm), await reimported('jwk', publicKey, algorithm));
      await reimported('pkcs8', privateKey, algorithm);
      await reimported('spki', publicKey, algorithm);
    }
    const publicKey = await subtle.importKey('jwk', rsaKey, rsa, true, ['verify']);
    await subtle.verify(rsa, await reimported('spki', publicKey, rsa), data, data);
  }
}
