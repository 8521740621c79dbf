import { SignedXml } from 'xml-crypto';
import { generateKeyPairSync } from 'node:crypto';
export const main = () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const signer = new SignedXml({ privateKey });
  signer.addReference({
    xpath: "//*[local-name(.)='book']", digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256', transforms: ['http://www.w3.org/2001/10/xml-exc-c14n#'],
  });
  signer.canonicalizationAlgorithm = 'http://www.w3.org/2001/10/xml-exc-c14n#';
  signer.signatureAlgorithm = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
  signer.computeSignature('<library><book Id="b"><name>Ä</name></book></library>');
  const xml = signer.getSignedXml();
  const verifier = new SignedXml({ publicCert: publicKey });
  verifier.loadSignature(/<(\w+:)?Signature[^]*Signature>/.exec(xml)[0]);
  return [verifier.checkSignature(xml), /<DigestValue>([^<]*)/.exec(xml)[1]];
};
