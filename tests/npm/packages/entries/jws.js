import jws from 'jws';
import { generateKeyPairSync } from 'node:crypto';
export const main = () => {
  const token = jws.sign({ header: { alg: 'HS384' }, payload: { a: 1 }, secret: 'secret' });
  const pem = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };
  const checked = [['RS256', 'rsa', { modulusLength: 2048 }], ['PS256', 'rsa', { modulusLength: 2048 }], ['ES256', 'ec', { namedCurve: 'P-256' }]].map(([alg, kind, options]) => {
    const { privateKey, publicKey } = generateKeyPairSync(kind, { ...options, ...pem });
    const signed = jws.sign({ header: { alg }, payload: 'x', privateKey });
    return [jws.verify(signed, alg, publicKey), jws.verify(`${signed.slice(0, -8)}AAAAAAAA`, alg, publicKey)];
  });
  return [token, jws.verify(token, 'HS384', 'secret'), jws.decode(token).payload, checked];
};
