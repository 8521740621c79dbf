import jwt from 'jsonwebtoken';
import { generateKeyPairSync } from 'node:crypto';

const encodings = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };

const keys = { rsa: generateKeyPairSync('rsa', { modulusLength: 2048, ...encodings }), ec: generateKeyPairSync('ec', { namedCurve: 'prime256v1', ...encodings }) };

export function run(subject) {
  const options = { subject, noTimestamp: true };
  const results = { HS256: jwt.sign({ a: 1 }, 'secret', options) };
  for (const [algorithm, { publicKey, privateKey }] of [['RS256', keys.rsa], ['PS384', keys.rsa], ['ES256', keys.ec]]) {
    const token = jwt.sign({ a: 1 }, privateKey, { ...options, algorithm });
    const forged = token.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"eve"}').toString('base64').replace(/=+$/, '')}.`);
    const outcome = (text) => {
      try {
        return jwt.verify(text, publicKey).sub;
      } catch (error) {
        return error.message;
      }
    };
    results[algorithm] = [outcome(token), outcome(forged)];
  }
  return results;
}
