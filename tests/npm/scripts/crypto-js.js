import CryptoJS from 'crypto-js';

export function run(text) {
  const key = CryptoJS.PBKDF2('password', 'salt', { keySize: 8, iterations: 10, hasher: CryptoJS.algo.SHA256 });
  const iv = CryptoJS.enc.Hex.parse('000102030405060708090a0b0c0d0e0f');
  const sealed = CryptoJS.AES.encrypt(text, key, { iv }).toString();
  return {
    sha256: CryptoJS.SHA256('abc').toString(),
    hmac: CryptoJS.HmacSHA256('what do ya want for nothing?', 'Jefe').toString(),
    opened: CryptoJS.AES.decrypt(sealed, key, { iv }).toString(CryptoJS.enc.Utf8),
    withPassphrase: CryptoJS.AES.decrypt(CryptoJS.AES.encrypt(text, 'pass'), 'pass').toString(CryptoJS.enc.Utf8),
  };
}
