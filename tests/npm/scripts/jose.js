import { EncryptJWT, SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, jwtDecrypt, jwtVerify } from 'jose';

async function signed(algorithm, key, publicKey) {
  const token = await new SignJWT({ scope: 'read' }).setProtectedHeader({ alg: algorithm }).setSubject('ada').setIssuedAt().setExpirationTime('5m').sign(key);
  const { payload } = await jwtVerify(token, publicKey, { subject: 'ada' });
  const forged = token.replace(/\.[^.]+\./, `.${btoa('{"sub":"eve"}').replace(/=+$/, '')}.`);
  const refused = await jwtVerify(forged, publicKey).then(() => 'accepted', (error) => error.code);
  return [payload.sub, payload.scope, refused];
}

export async function run(text) {
  const secret = new TextEncoder().encode(text);
  const results = { HS256: await signed('HS256', secret, secret) };
  for (const algorithm of ['ES256', 'RS256', 'PS256', 'EdDSA']) {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const imported = await importJWK(await exportJWK(publicKey), algorithm);
    results[algorithm] = await signed(algorithm, privateKey, imported);
  }
  const key = crypto.getRandomValues(new Uint8Array(32));
  const sealed = await new EncryptJWT({ secret: 42 }).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key);
  results.decrypted = (await jwtDecrypt(sealed, key)).payload.secret;
  // RFC 7638, section 3.1.
  results.thumbprint = await calculateJwkThumbprint({
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB',
  });
  return results;
}
