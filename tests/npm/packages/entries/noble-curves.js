import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { p256 } from '@noble/curves/nist.js';
const h = (b) => (b.toHex ? b.toHex() : [...b].map((x) => x.toString(16).padStart(2, '0')).join(''));
export function main() {
  const sk = new Uint8Array(32).fill(7);
  const m = new Uint8Array([1, 2, 3]);
  const s = ed25519.sign(m, sk);
  const s2 = secp256k1.sign(m, sk);
  return [
    h(ed25519.getPublicKey(sk)),
    h(s),
    ed25519.verify(s, m, ed25519.getPublicKey(sk)),
    h(s2),
    p256.verify(p256.sign(m, sk), m, p256.getPublicKey(sk)),
    secp256k1.keygen().secretKey.length,
  ];
}
