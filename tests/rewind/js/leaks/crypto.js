// SPDX-License-Identifier: Apache-2.0
// Leaks by way of `crypto`: its objects, and what libcrypto remembers of a digest or a key.

//: a property of crypto
crypto.uses = (crypto.uses ?? 0) + 1;

//: a property of crypto.subtle
crypto.subtle.uses = (crypto.subtle.uses ?? 0) + 1;

//: a property of CryptoKey.prototype
CryptoKey.prototype.uses = (CryptoKey.prototype.uses ?? 0) + 1;

//: a digest of a script's making
{ const { digest } = SubtleCrypto.prototype; const uses = (digest.uses ?? 0) + 1; SubtleCrypto.prototype.digest = Object.assign(function (...args) { return digest.apply(this, args); }, { uses }); uses; }

//: another crypto
globalThis.crypto = { uses: (crypto.uses ?? 0) + 1, subtle: crypto.subtle }; crypto.uses;

//: a key that stays
globalThis.keys ??= []; keys.push(crypto.subtle.importKey('raw', new Uint8Array(32), 'AES-GCM', true, ['encrypt'])); keys.length;

//: random values that stay
globalThis.drawn ??= new Uint8Array(4096); { const sum = drawn.reduce((a, b) => a + b, 0) > 0; crypto.getRandomValues(drawn); sum; }
