import argon2 from 'argon2-browser/dist/argon2-bundled.min.js';
export async function main() {
  const r = await argon2.hash({ pass: 'password', salt: 'somesalt', time: 1, mem: 64, type: argon2.ArgonType.Argon2id });
  return r.hashHex;
}
