import forge from 'node-forge';
export function main() {
  const md = forge.md.sha256.create();
  md.update('abc');
  const c = forge.cipher.createCipher('AES-CBC', '0123456789abcdef');
  c.start({ iv: '0123456789abcdef' });
  c.update(forge.util.createBuffer('hello'));
  c.finish();
  const keys = forge.pki.rsa.generateKeyPair({ bits: 512, e: 0x10001 });
  const cert = forge.pki.createCertificate();
  cert.publicKey = keys.publicKey;
  cert.serialNumber = '01';
  cert.validity.notBefore = new Date(0);
  cert.validity.notAfter = new Date(1e12);
  cert.setSubject([{ name: 'commonName', value: 'a' }]);
  cert.setIssuer([{ name: 'commonName', value: 'a' }]);
  cert.sign(keys.privateKey, forge.md.sha256.create());
  return [
    md.digest().toHex(),
    c.output.toHex(),
    cert.verify(cert),
    forge.pki.certificateToPem(cert).startsWith('-----BEGIN CERT'),
  ];
}
