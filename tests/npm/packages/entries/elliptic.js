import elliptic from 'elliptic';
export function main() {
  const ec = new elliptic.ec('secp256k1');
  const k = ec.keyFromPrivate('07'.repeat(32));
  const s = k.sign('abcdef'.repeat(8), { canonical: true });
  return [k.getPublic('hex'), s.toDER('hex'), k.verify('abcdef'.repeat(8), s), ec.genKeyPair().getPrivate('hex').length > 50];
}
