// SPDX-License-Identifier: Apache-2.0
// KeyObject: a secret key is its bytes, others are DER: SubjectPublicKeyInfo (RFC 5280) or PKCS #8 (RFC 5208).
'use strict';
const { elements, element, sequence, integer, fromPem, toPem } = require('./der.cjs');
const { Buffer } = letheNode;

const hex = (text) => Buffer.from(text, 'hex');
const version = hex('020100');
const rsa = { identifier: hex('06092a864886f70d010101'), parameters: hex('0500') };
const ec = hex('06072a8648ce3d0201');
const curves = { '06082a8648ce3d030107': ['P-256', 'prime256v1'], '06052b81040022': ['P-384', 'secp384r1'], '06052b81040023': ['P-521', 'secp521r1'], '06052b8104000a': ['', 'secp256k1'] };
const kinds = { '06092a864886f70d010101': 'rsa', '06092a864886f70d01010a': 'rsa-pss', '06072a8648ce3d0201': 'ec', '06032b6570': 'ed25519', '06032b656e': 'x25519', '06032b6571': 'ed448', '06032b656f': 'x448' };

const typeError = (code, message) => Object.assign(new TypeError(message), { code });
const bytesOf = (data, encoding) => (typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data.buffer ?? data, data.byteOffset, data.byteLength));

// Web Crypto's algorithm for a key to be used as `usage`; a hash for RSA and for ECDSA's signatures.
function algorithmOf(key, { hash = 'SHA-256', pss = false, oaep = false } = {}) {
  const kind = key.asymmetricKeyType;
  if (kind === 'rsa' || kind === 'rsa-pss') return { name: oaep ? 'RSA-OAEP' : pss ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash };
  if (kind === 'ec' && key.webCurve) return { name: 'ECDSA', namedCurve: key.webCurve };
  if (kind === 'ed25519') return { name: 'Ed25519' };
  if (kind === 'x25519') return { name: 'X25519' };
  throw new Error(`crypto: Lethe has no keys of the kind ${kind}${kind === 'ec' ? ` on the curve ${key.asymmetricKeyDetails.namedCurve}` : ''}`);
}

function usagesOf(key, { oaep, derive } = {}) {
  if (derive || key.asymmetricKeyType === 'x25519') return key.type === 'private' ? ['deriveBits'] : [];
  if (oaep) return [key.type === 'private' ? 'decrypt' : 'encrypt'];
  return [key.type === 'private' ? 'sign' : 'verify'];
}

class KeyObject {
  #bytes;

  constructor(type, bytes) {
    this.type = type;
    this.#bytes = bytes;
    if (type === 'secret') return;
    const [outer] = elements(bytes);
    const parts = elements(outer.contents);
    const [identifier, parameters] = elements(parts[type === 'private' ? 1 : 0].contents);
    this.asymmetricKeyType = kinds[identifier.whole.toString('hex')] ?? 'unknown';
    const [webCurve, namedCurve] = curves[parameters?.whole.toString('hex')] ?? [];
    Object.defineProperty(this, 'webCurve', { value: webCurve });
    this.asymmetricKeyDetails = namedCurve ? { namedCurve } : {};
    if (this.asymmetricKeyType === 'rsa') {
      const numbers = elements(elements(type === 'private' ? parts[2].contents : parts[1].contents.subarray(1))[0].contents);
      const [modulus, exponent] = (type === 'private' ? numbers.slice(1) : numbers).map(({ contents }) => contents);
      this.asymmetricKeyDetails = { modulusLength: (modulus[0] === 0 ? modulus.length - 1 : modulus.length) * 8, publicExponent: BigInt(`0x${exponent.toString('hex')}`) };
    }
  }
  get [Symbol.toStringTag]() {
    return 'KeyObject';
  }
  get symmetricKeySize() {
    return this.type === 'secret' ? this.#bytes.length : undefined;
  }
  static from(key) {
    const { exportKey } = letheNode.crypto;
    return new KeyObject(key.type, Buffer.from(exportKey({ secret: 'raw', public: 'spki', private: 'pkcs8' }[key.type], key)));
  }
  static bytes(key) {
    return key.#bytes;
  }
  static isKeyObject(value) {
    return typeof value === 'object' && value !== null && #bytes in value;
  }
  equals(other) {
    return this.type === other.type && this.#bytes.equals(other.#bytes);
  }
  // As Web Crypto has it, for what `options` say.
  webKey(options) {
    const algorithm = options?.derive && this.asymmetricKeyType === 'ec' ? { ...algorithmOf(this), name: 'ECDH' } : algorithmOf(this, options);
    return letheNode.crypto.importKey(this.type === 'private' ? 'pkcs8' : 'spki', this.#bytes, algorithm, true, usagesOf(this, options));
  }
  jwk() {
    const { kty, crv, n, e, d, p, q, dp, dq, qi, x, y } = letheNode.crypto.exportKey('jwk', this.webKey());
    return JSON.parse(JSON.stringify({ kty, n, e, d, p, q, dp, dq, qi, crv, x, y }));
  }
  export({ format = this.type === 'secret' ? 'buffer' : undefined, type, cipher } = {}) {
    if (format === 'jwk') return this.type === 'secret' ? { kty: 'oct', k: this.#bytes.toString('base64url') } : this.jwk();
    if (this.type === 'secret') return Buffer.from(this.#bytes);
    if (cipher) throw new Error('crypto: Lethe cannot encrypt private keys');
    const isPrivate = this.type === 'private';
    let label = isPrivate ? 'PRIVATE KEY' : 'PUBLIC KEY';
    let der = this.#bytes;
    if (type === 'pkcs1' || type === 'sec1') {
      const parts = elements(elements(der)[0].contents);
      der = isPrivate ? parts[2].contents : parts[1].contents.subarray(1);
      label = type === 'sec1' ? 'EC PRIVATE KEY' : isPrivate ? 'RSA PRIVATE KEY' : 'RSA PUBLIC KEY';
      if (type === 'sec1') { // names its curve when it stands alone
        const [start, secret, ...rest] = elements(elements(der)[0].contents).map(({ whole }) => whole);
        const curve = elements(parts[1].contents)[1].whole;
        der = sequence(start, secret, element(0xa0, curve), ...rest.filter(([tag]) => tag !== 0xa0));
      }
    }
    return format === 'der' ? Buffer.from(der) : toPem(label, der);
  }
}

// The key in an X.509 certificate: behind version, serial number, signature, issuer, validity, subject.
function certificateKey(der) {
  const fields = elements(elements(elements(der)[0].contents)[0].contents);
  return fields[fields[0].tag === 0xa0 ? 6 : 5].whole;
}

function fromJwk(jwk) {
  const type = jwk.d === undefined ? 'public' : 'private';
  const algorithm = jwk.kty === 'RSA' ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } : jwk.kty === 'EC' ? { name: 'ECDSA', namedCurve: jwk.crv } : { name: jwk.crv };
  const { kty, crv, n, e, d, p, q, dp, dq, qi, x, y } = jwk;
  const plain = JSON.parse(JSON.stringify({ kty, crv, n, e, d, p, q, dp, dq, qi, x, y }));
  const usages = jwk.crv === 'X25519' ? (type === 'private' ? ['deriveBits'] : []) : [type === 'private' ? 'sign' : 'verify'];
  return KeyObject.from(letheNode.crypto.importKey('jwk', plain, algorithm, true, usages));
}

const wrapRsa = (type, der) =>
  type === 'private' ? new KeyObject(type, sequence(version, sequence(rsa.identifier, rsa.parameters), element(0x04, der)))
    : new KeyObject(type, sequence(sequence(rsa.identifier, rsa.parameters), element(0x03, Buffer.from([0]), der)));

function fromSec1(der) {
  const curve = elements(elements(der)[0].contents).find(({ tag }) => tag === 0xa0);
  if (!curve) throw new TypeError('The key does not name its curve');
  return new KeyObject('private', sequence(version, sequence(ec, curve.contents), element(0x04, der)));
}

function fromLabel(label, der) {
  switch (label) {
    case 'PRIVATE KEY': return new KeyObject('private', der);
    case 'PUBLIC KEY': return new KeyObject('public', der);
    case 'RSA PRIVATE KEY': return wrapRsa('private', der);
    case 'RSA PUBLIC KEY': return wrapRsa('public', der);
    case 'EC PRIVATE KEY': return fromSec1(der);
    case 'CERTIFICATE': return new KeyObject('public', certificateKey(der));
    case 'ENCRYPTED PRIVATE KEY': throw new Error('crypto: Lethe cannot decrypt private keys');
    default: throw typeError('ERR_INVALID_ARG_VALUE', `"${label}" is no kind of key`);
  }
}

const labels = { pkcs8: 'PRIVATE KEY', spki: 'PUBLIC KEY', sec1: 'EC PRIVATE KEY' };

// A key as functions of crypto take it: KeyObject, CryptoKey, PEM, or an object with one of these as `key`.
function toKey(given, wanted) {
  const invalid = () => typeError('ERR_INVALID_ARG_TYPE', `The "key" argument must be a ${wanted} key: KeyObject, CryptoKey, PEM or {key, format, type}`);
  if (KeyObject.isKeyObject(given)) return given;
  if (given instanceof CryptoKey) return KeyObject.from(given);
  if (given === null || given === undefined) throw invalid();
  const { key = given, format, type } = typeof given === 'object' && !ArrayBuffer.isView(given) && !(given instanceof ArrayBuffer) ? given : {};
  if (KeyObject.isKeyObject(key)) return key;
  if (key instanceof CryptoKey) return KeyObject.from(key);
  if (format === 'jwk' || (typeof key === 'object' && key.kty)) return fromJwk(key);
  if (typeof key !== 'string' && !ArrayBuffer.isView(key) && !(key instanceof ArrayBuffer)) throw invalid();
  const bytes = bytesOf(key);
  if (format === 'der') return fromLabel(type === 'pkcs1' ? (wanted === 'private' ? 'RSA PRIVATE KEY' : 'RSA PUBLIC KEY') : labels[type], bytes);
  const pem = fromPem(bytes.toString('latin1'));
  if (!pem) throw Object.assign(new Error('error:1E08010C:DECODER routines::unsupported'), { code: 'ERR_OSSL_UNSUPPORTED' }); // as OpenSSL, which libraries look for
  return fromLabel(pem.label, pem.der);
}

function toPublicKey(given) {
  const key = toKey(given, 'public');
  if (key.type !== 'private') return key;
  const { d, p, q, dp, dq, qi, ...jwk } = key.jwk();
  return fromJwk(jwk);
}
function toPrivateKey(given) {
  const key = toKey(given, 'private');
  if (key.type !== 'private') throw typeError('ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE', `Invalid key object type ${key.type}, expected private.`);
  return key;
}

module.exports = { KeyObject, bytesOf, integer, sequence, elements, toKey, toPublicKey, toPrivateKey };
