import nacl from 'tweetnacl';
export function main() {
  const kp = nacl.sign.keyPair.fromSeed(new Uint8Array(32).fill(1));
  const s = nacl.sign.detached(new Uint8Array([1, 2]), kp.secretKey);
  const k = nacl.randomBytes(32);
  const n = nacl.randomBytes(24);
  return [
    [...s].slice(0, 6),
    nacl.sign.detached.verify(new Uint8Array([1, 2]), s, kp.publicKey),
    [...nacl.secretbox.open(nacl.secretbox(new Uint8Array([9]), n, k), n, k)],
  ];
}
