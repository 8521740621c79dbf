import C from 'crypto-js';
export const main = () => [
  C.SHA256('abc').toString(),
  C.AES.decrypt(C.AES.encrypt('m', 'k').toString(), 'k').toString(C.enc.Utf8),
  C.PBKDF2('p', 's', { keySize: 4, iterations: 10 }).toString(),
];
