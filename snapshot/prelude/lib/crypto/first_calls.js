// SPDX-License-Identifier: Apache-2.0
// The first calls of what scripts do most: digests, codes, encryption, and the signatures of tokens. Each
// script that names `crypto` pays for them when it is loaded, so there is nothing that takes long.

const hmac = { name: 'HMAC', hash: 'SHA-256' };
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
// The curve's base point, and a number that passes for a modulus: to make true keys takes long.
const ecKey = { kty: 'EC', crv: 'P-256', x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY', y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU' };
const rsaKey = { kty: 'RSA', n: `${'_'.repeat(85)}w`, e: 'AQAB' };

export async function makeFirstCalls(subtle, data) {
  for (let i = 0; i < 2; ++i) {
    await subtle.digest('SHA-256', data);
    const code = await subtle.importKey('raw', data, hmac, false, ['sign', 'verify']);
    await subtle.verify('HMAC', code, await subtle.sign('HMAC', code, data), data);
    const gcm = { name: 'AES-GCM', iv: data.subarray(0, 12) };
    const key = await subtle.importKey('raw', data.subarray(0, 32), 'AES-GCM', false, ['encrypt', 'decrypt']);
    await subtle.decrypt(gcm, key, await subtle.encrypt(gcm, key, data));
    for (const [algorithm, jwk] of [[ecdsa, ecKey], [rsa, rsaKey]]) {
      const imported = await subtle.importKey('jwk', jwk, algorithm, true, ['verify']);
      const again = await subtle.importKey('spki', await subtle.exportKey('spki', imported), algorithm, true, ['verify']);
      await subtle.verify(algorithm, again, data, data);
    }
  }
}
