import { sha256 } from '@noble/hashes/sha2.js';
import { blake3 } from '@noble/hashes/blake3.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { argon2id } from '@noble/hashes/argon2.js';
import { utf8ToBytes, bytesToHex } from '@noble/hashes/utils.js';
export function main() {
  return [
    bytesToHex(sha256(utf8ToBytes('abc'))),
    bytesToHex(blake3(utf8ToBytes('abc'))),
    bytesToHex(scrypt('pw', 'salt', { N: 1024, r: 8, p: 1, dkLen: 16 })),
    bytesToHex(argon2id('password', 'somesalt', { t: 1, m: 64, p: 1 })),
  ];
}
