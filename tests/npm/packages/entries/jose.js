import * as jose from 'jose';
export async function main() {
  const k = new TextEncoder().encode('0123456789abcdef0123456789abcdef');
  const t = await new jose.SignJWT({ sub: 'u1', admin: true })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt(1700000000)
    .setExpirationTime(4000000000)
    .sign(k);
  const { payload } = await jose.jwtVerify(t, k);
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256');
  const t2 = await new jose.SignJWT({ a: 1 }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  const v = await jose.jwtVerify(t2, publicKey);
  const enc = await new jose.CompactEncrypt(new TextEncoder().encode('hi'))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(k);
  const dec = await jose.compactDecrypt(enc, k);
  return [t, payload.sub, v.payload, new TextDecoder().decode(dec.plaintext)];
}
