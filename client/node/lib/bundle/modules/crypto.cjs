// SPDX-License-Identifier: Apache-2.0
// Node's crypto over what is behind crypto.subtle, which computes at once; hashes that it lacks, and scrypt, are @noble/hashes'.
// What neither has throws.
'use strict';
const { KeyObject, bytesOf, elements, integer, sequence, toKey, toPublicKey, toPrivateKey } = require('./key_object.cjs');
const { Transform } = require('node:stream');
const { Buffer } = letheNode;
const subtle = letheNode.crypto;

const webHashes = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' };
const otherHashes = {
  md5: () => require('@noble/hashes/legacy.js').md5,
  ripemd160: () => require('@noble/hashes/legacy.js').ripemd160,
  rmd160: () => require('@noble/hashes/legacy.js').ripemd160,
  sha224: () => require('@noble/hashes/sha2.js').sha224,
  'sha512-224': () => require('@noble/hashes/sha2.js').sha512_224,
  'sha512-256': () => require('@noble/hashes/sha2.js').sha512_256,
  'sha3-224': () => require('@noble/hashes/sha3.js').sha3_224,
  'sha3-256': () => require('@noble/hashes/sha3.js').sha3_256,
  'sha3-384': () => require('@noble/hashes/sha3.js').sha3_384,
  'sha3-512': () => require('@noble/hashes/sha3.js').sha3_512,
  blake2b512: () => require('@noble/hashes/blake2.js').blake2b,
  blake2s256: () => require('@noble/hashes/blake2.js').blake2s,
};

const coded = (error, code) => Object.assign(error, { code });
const notSupported = (what) => coded(new Error(`crypto: Lethe has no ${what}`), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM');

// "RSA-SHA256", "SHA-256" and "sha256" are the same.
function hashName(given) {
  const name = String(given).toLowerCase().replace(/^(rsa|ecdsa(-with)?|id-rsassa-pkcs1-v1_5-with)-/, '').replace(/^sha-(?=\d)/, 'sha').replace(/^sha512\//, 'sha512-');
  if (!webHashes[name] && !otherHashes[name]) throw coded(new Error(`Digest method not supported: ${given}`), 'ERR_OSSL_EVP_UNSUPPORTED');
  return name;
}
function webHash(given) {
  const name = webHashes[hashName(given)];
  if (!name) throw notSupported(`signatures or derivations with ${given}`);
  return name;
}

const encoded = (bytes, encoding) => (encoding && encoding !== 'buffer' ? bytes.toString(encoding) : bytes);
function dataOf(data, encoding) {
  if (typeof data === 'string' || ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return bytesOf(data, encoding === 'buffer' ? undefined : encoding);
  throw coded(new TypeError('The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView'), 'ERR_INVALID_ARG_TYPE');
}
// What has been written; a copy, as the writer may change it.
class Collected extends Transform {
  #chunks = [];

  update(data, encoding) {
    this.#chunks.push(Buffer.from(dataOf(data, encoding)));
    return this;
  }
  collected() {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }
  _transform(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }
}

function finalize(self) {
  if (self.isFinal) throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
  Object.defineProperty(self, 'isFinal', { value: true });
}

function digestOf(name, data, length) {
  if (webHashes[name]) return Buffer.from(subtle.digest(webHashes[name], data));
  return Buffer.from(otherHashes[name]()(data, length === undefined ? undefined : { dkLen: length }));
}

class Hash extends Collected {
  #name;
  #length;

  constructor(name, options = {}) {
    super(options);
    this.#name = hashName(name);
    this.#length = options?.outputLength;
  }
  update(data, encoding) {
    if (this.isFinal) throw coded(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
    return super.update(data, encoding);
  }
  copy(options) {
    return new Hash(this.#name, { outputLength: this.#length, ...options }).update(this.collected());
  }
  digest(encoding) {
    finalize(this);
    return encoded(digestOf(this.#name, this.collected(), this.#length), encoding);
  }
  _flush(callback) {
    this.push(this.digest());
    callback();
  }
}

const secretBytes = (key, encoding) => (KeyObject.isKeyObject(key) || key instanceof CryptoKey ? KeyObject.bytes(toKey(key, 'secret')) : dataOf(key, encoding));

function hmacOf(name, key, data) {
  if (!webHashes[name]) return Buffer.from(require('@noble/hashes/hmac.js').hmac(otherHashes[name](), key, data));
  // Web Crypto refuses an empty key, which is the same as one of a zero byte.
  const imported = subtle.importKey('raw', key.length === 0 ? Buffer.alloc(1) : key, { name: 'HMAC', hash: webHashes[name] }, false, ['sign']);
  return Buffer.from(subtle.sign('HMAC', imported, data));
}

class Hmac extends Collected {
  #name;
  #key;

  constructor(name, key, options) {
    super(options);
    this.#name = hashName(name);
    this.#key = Buffer.from(secretBytes(key, options?.encoding));
  }
  digest(encoding) {
    finalize(this);
    return encoded(hmacOf(this.#name, this.#key, this.collected()), encoding);
  }
  _flush(callback) {
    this.push(this.digest());
    callback();
  }
}

// Signatures of ECDSA: r and s, one after the other, as Web Crypto has them, or in DER, as Node.js does.
function toDer(raw) {
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}
function fromDer(der, size) {
  const padded = (bytes) => {
    const number = bytes.subarray(Math.max(0, bytes.length - size));
    return Buffer.concat([Buffer.alloc(size - number.length), number]);
  };
  return Buffer.concat(elements(elements(der)[0].contents).map(({ contents }) => padded(contents)));
}
const sizes = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

const constants = { RSA_PKCS1_PADDING: 1, RSA_NO_PADDING: 3, RSA_PKCS1_OAEP_PADDING: 4, RSA_PKCS1_PSS_PADDING: 6, RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_MAX_SIGN: -2, RSA_PSS_SALTLEN_AUTO: -2 };
const hashBytes = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 };

// How Web Crypto is asked for a signature: [algorithm, key]
function signing(algorithm, key, given) {
  if (key.asymmetricKeyType === 'ed25519') return ['Ed25519', key.webKey()];
  const hash = webHash(algorithm ?? 'sha256');
  if (key.asymmetricKeyType === 'ec') return [{ name: 'ECDSA', hash }, key.webKey()];
  if (given?.padding === constants.RSA_PKCS1_PSS_PADDING || key.asymmetricKeyType === 'rsa-pss') {
    const most = Math.ceil((key.asymmetricKeyDetails.modulusLength - 1) / 8) - hashBytes[hash] - 2;
    const { saltLength = key.type === 'private' ? constants.RSA_PSS_SALTLEN_MAX_SIGN : hashBytes[hash] } = given;
    return [{ name: 'RSA-PSS', saltLength: saltLength === -1 ? hashBytes[hash] : saltLength === -2 ? most : saltLength }, key.webKey({ hash, pss: true })];
  }
  if (given?.padding && given.padding !== constants.RSA_PKCS1_PADDING) throw notSupported('signatures with this padding');
  return ['RSASSA-PKCS1-v1_5', key.webKey({ hash })];
}

function signed(algorithm, data, given) {
  const key = toPrivateKey(given);
  const [how, webKey] = signing(algorithm, key, given);
  const signature = Buffer.from(subtle.sign(how, webKey, data));
  return key.asymmetricKeyType === 'ec' && given.dsaEncoding !== 'ieee-p1363' ? toDer(signature) : signature;
}

function verified(algorithm, data, given, signature) {
  const key = toPublicKey(given);
  const [how, webKey] = signing(algorithm, key, given);
  if (key.asymmetricKeyType === 'ec' && given.dsaEncoding !== 'ieee-p1363') {
    try {
      signature = fromDer(signature, sizes[key.webCurve]);
    } catch {
      return false;
    }
  }
  return subtle.verify(how, webKey, signature, data);
}

class Signing extends Collected {
  #algorithm;

  constructor(algorithm, options) {
    super(options);
    hashName(algorithm);
    this.#algorithm = algorithm;
  }
  static algorithm(self) {
    return self.#algorithm;
  }
  _write(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }
}

class Sign extends Signing {
  sign(key, encoding) {
    return encoded(signed(Signing.algorithm(this), this.collected(), key), encoding);
  }
}

class Verify extends Signing {
  verify(key, signature, encoding) {
    return verified(Signing.algorithm(this), this.collected(), key, dataOf(signature, encoding));
  }
}

// aes-256-gcm, aes128, id-aes256-GCM
function cipherOf(given) {
  const [, bits, mode = 'cbc'] = /^(?:id-)?aes-?(128|192|256)(?:-(cbc|ctr|gcm))?$/i.exec(given) ?? [];
  if (!bits) throw /^[\w-]+$/.test(given) ? notSupported(`cipher ${given}`) : coded(new Error('Unknown cipher'), 'ERR_CRYPTO_UNKNOWN_CIPHER');
  return { bits: Number(bits), mode: mode.toLowerCase() };
}

// All comes out at the end: Web Crypto does not work in pieces.
class Cipher extends Collected {
  #mode;
  #key;
  #iv;
  #tagLength;
  #tag;
  #more;
  #encrypts;

  constructor(encrypts, name, key, iv, options) {
    super(options);
    const { bits, mode } = cipherOf(name);
    const bytes = secretBytes(key);
    if (bytes.length * 8 !== bits) throw coded(new RangeError('Invalid key length'), 'ERR_CRYPTO_INVALID_KEYLEN');
    this.#iv = Buffer.from(dataOf(iv));
    if (mode !== 'gcm' && this.#iv.length !== 16) throw coded(new TypeError('Invalid initialization vector'), 'ERR_CRYPTO_INVALID_IV');
    this.#mode = mode;
    this.#encrypts = encrypts;
    this.#tagLength = options?.authTagLength ?? 16;
    this.#key = subtle.importKey('raw', bytes, { name: `AES-${mode.toUpperCase()}` }, false, ['encrypt', 'decrypt']);
  }
  update(data, inputEncoding, outputEncoding) {
    super.update(data, inputEncoding);
    return encoded(Buffer.alloc(0), outputEncoding);
  }
  final(encoding) {
    finalize(this);
    const data = this.collected();
    const algorithm = {
      cbc: { name: 'AES-CBC', iv: this.#iv },
      ctr: { name: 'AES-CTR', counter: this.#iv, length: 128 },
      gcm: { name: 'AES-GCM', iv: this.#iv, tagLength: this.#tagLength * 8, ...(this.#more && { additionalData: this.#more }) },
    }[this.#mode];
    if (this.#encrypts) {
      const result = Buffer.from(subtle.encrypt(algorithm, this.#key, data));
      if (this.#mode !== 'gcm') return encoded(result, encoding);
      this.#tag = result.subarray(result.length - this.#tagLength);
      return encoded(result.subarray(0, result.length - this.#tagLength), encoding);
    }
    try {
      return encoded(Buffer.from(subtle.decrypt(algorithm, this.#key, this.#mode === 'gcm' ? Buffer.concat([data, this.#tag ?? Buffer.alloc(0)]) : data)), encoding);
    } catch (error) {
      if (this.#mode === 'gcm') throw new Error('Unsupported state or unable to authenticate data', { cause: error });
      throw coded(new Error('error:1C800064:Provider routines::bad decrypt', { cause: error }), 'ERR_OSSL_BAD_DECRYPT');
    }
  }
  setAAD(data) {
    this.#more = Buffer.from(dataOf(data));
    return this;
  }
  getAuthTag() {
    return this.#tag;
  }
  setAuthTag(tag, encoding) {
    this.#tag = Buffer.from(dataOf(tag, encoding));
    this.#tagLength = this.#tag.length;
    return this;
  }
  setAutoPadding(isWanted = true) {
    if (!isWanted && this.#mode === 'cbc') throw notSupported('cipher without padding');
    return this;
  }
  _flush(callback) {
    try {
      this.push(this.final());
      callback();
    } catch (error) {
      callback(error);
    }
  }
}

function derived(algorithm, secret, length) {
  if (length === 0) return Buffer.alloc(0);
  return Buffer.from(subtle.deriveBits(algorithm, subtle.importKey('raw', secret, algorithm.name, false, ['deriveBits']), length * 8));
}
const pbkdf2Sync = (password, salt, iterations, length, digest = 'sha1') => {
  const name = hashName(digest);
  if (webHashes[name]) return derived({ name: 'PBKDF2', hash: webHashes[name], salt: dataOf(salt), iterations }, dataOf(password), length);
  return Buffer.from(require('@noble/hashes/pbkdf2.js').pbkdf2(otherHashes[name](), dataOf(password), dataOf(salt), { c: iterations, dkLen: length }));
};
function scryptSync(password, salt, length, options = {}) {
  const { N = options.cost ?? 16384, r = options.blockSize ?? 8, p = options.parallelization ?? 1, maxmem = 32 * 1024 * 1024 } = options;
  if (128 * N * r > maxmem) throw coded(new RangeError('Invalid scrypt params: memory limit exceeded'), 'ERR_CRYPTO_INVALID_SCRYPT_PARAMS');
  return Buffer.from(require('@noble/hashes/scrypt.js').scrypt(dataOf(password), dataOf(salt), { N, r, p, dkLen: length, maxmem: maxmem + 1024 * 1024 }));
}
const hkdfSync = (digest, key, salt, info, length) => {
  const bits = derived({ name: 'HKDF', hash: webHash(digest), salt: dataOf(salt), info: dataOf(info) }, secretBytes(key), length);
  return bits.buffer.slice(bits.byteOffset, bits.byteOffset + bits.length);
};

const mostRandomBytes = 65536;
function randomFillSync(buffer, offset = 0, size = buffer.byteLength - offset) {
  const bytes = new Uint8Array(buffer.buffer ?? buffer, (buffer.byteOffset ?? 0) + offset, size);
  for (let at = 0; at < bytes.length; at += mostRandomBytes) globalThis.crypto.getRandomValues(bytes.subarray(at, at + mostRandomBytes));
  return buffer;
}

function randomIntSync(least, most) {
  if (most === undefined) [least, most] = [0, least];
  const range = most - least;
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(most) || range <= 0 || range > 2 ** 48 - 1)
    throw coded(new RangeError('The value of "max" is out of range'), 'ERR_OUT_OF_RANGE');
  const limit = 2 ** 48 - (2 ** 48 % range);
  for (;;) {
    const number = randomFillSync(Buffer.alloc(6)).readUIntBE(0, 6);
    if (number < limit) return least + (number % range);
  }
}

function generateKeyPairSync(type, { modulusLength = 2048, publicExponent = 0x10001, namedCurve, publicKeyEncoding, privateKeyEncoding } = {}) {
  const curve = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[namedCurve] ?? namedCurve;
  const algorithm = {
    rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength, publicExponent: new Uint8Array([publicExponent >> 16, publicExponent >> 8, publicExponent]) },
    ec: { name: 'ECDSA', namedCurve: curve },
    ed25519: { name: 'Ed25519' },
    x25519: { name: 'X25519' },
  }[type];
  if (!algorithm) throw notSupported(`keys of the kind ${type}`);
  const pair = subtle.generateKey(algorithm, true, type === 'x25519' ? ['deriveBits'] : ['sign', 'verify']);
  const [publicKey, privateKey] = [KeyObject.from(pair.publicKey), KeyObject.from(pair.privateKey)];
  return {
    publicKey: publicKeyEncoding ? publicKey.export(publicKeyEncoding) : publicKey,
    privateKey: privateKeyEncoding ? privateKey.export(privateKeyEncoding) : privateKey,
  };
}

const generateKeySync = (type, { length }) => new KeyObject('secret', randomFillSync(Buffer.alloc(length >> 3)));

function diffieHellman({ privateKey, publicKey }) {
  const [secret, other] = [toPrivateKey(privateKey), toPublicKey(publicKey)].map((key) => key.webKey({ derive: true }));
  return Buffer.from(subtle.deriveBits({ name: secret.algorithm.name, public: other }, secret, null));
}

function oaep(key, given) {
  if ((given.padding ?? constants.RSA_PKCS1_OAEP_PADDING) !== constants.RSA_PKCS1_OAEP_PADDING) throw notSupported('encryption with this padding');
  const label = given.oaepLabel && { label: given.oaepLabel };
  return [{ name: 'RSA-OAEP', ...label }, key.webKey({ hash: webHash(given.oaepHash ?? 'sha1'), oaep: true })];
}

function timingSafeEqual(left, right) {
  const [a, b] = [dataOf(left), dataOf(right)];
  if (a.length !== b.length) throw coded(new RangeError('Input buffers must have the same byte length'), 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH');
  let difference = 0;
  for (let i = 0; i < a.length; ++i) difference |= a[i] ^ b[i];
  return difference === 0;
}

// The same with a callback at the end: it is done at once, and the callback called later.
const later = (compute) => (...args) => {
  const callback = args.pop();
  if (typeof callback !== 'function') throw coded(new TypeError('The "callback" argument must be of type function'), 'ERR_INVALID_ARG_TYPE');
  let results;
  try {
    results = [null, compute(...args)];
  } catch (error) {
    results = [error];
  }
  queueMicrotask(() => callback(...results));
};
const orLater = (compute) => (...args) => (typeof args.at(-1) === 'function' ? later(compute)(...args) : compute(...args));
const pairLater = (type, options, callback) => later(generateKeyPairSync)(type, options, (error, pair) => callback(error, pair?.publicKey, pair?.privateKey));
pairLater[Symbol.for('nodejs.util.promisify.custom')] = async (type, options) => generateKeyPairSync(type, options);

// `new` or not, as Node's.
const callable = (Class) => new Proxy(Class, { apply: (target, self, args) => new target(...args) });

module.exports = {
  constants,
  Hash: callable(Hash),
  Hmac: callable(Hmac),
  Sign: callable(Sign),
  Verify: callable(Verify),
  KeyObject,
  createHash: (name, options) => new Hash(name, options),
  createHmac: (name, key, options) => new Hmac(name, key, options),
  createSign: (algorithm, options) => new Sign(algorithm, options),
  createVerify: (algorithm, options) => new Verify(algorithm, options),
  createCipheriv: (name, key, iv, options) => new Cipher(true, name, key, iv, options),
  createDecipheriv: (name, key, iv, options) => new Cipher(false, name, key, iv, options),
  createSecretKey: (key, encoding) => new KeyObject('secret', Buffer.from(dataOf(key, encoding))),
  createPublicKey: toPublicKey,
  createPrivateKey: toPrivateKey,
  hash: (name, data, encoding = 'hex') => encoded(digestOf(hashName(name), dataOf(data)), encoding),
  sign: orLater((algorithm, data, key) => signed(algorithm, dataOf(data), key)),
  verify: orLater((algorithm, data, key, signature) => verified(algorithm, dataOf(data), key, dataOf(signature))),
  publicEncrypt(given, data) {
    const [how, key] = oaep(toPublicKey(given), given);
    return Buffer.from(subtle.encrypt(how, key, dataOf(data)));
  },
  privateDecrypt(given, data) {
    const [how, key] = oaep(toPrivateKey(given), given);
    return Buffer.from(subtle.decrypt(how, key, dataOf(data)));
  },
  pbkdf2Sync,
  pbkdf2: later(pbkdf2Sync),
  scryptSync,
  scrypt: later(scryptSync),
  hkdfSync,
  hkdf: later(hkdfSync),
  randomBytes: orLater((size) => randomFillSync(Buffer.alloc(size))),
  pseudoRandomBytes: orLater((size) => randomFillSync(Buffer.alloc(size))),
  randomFillSync,
  randomFill: later(randomFillSync),
  randomInt: orLater(randomIntSync),
  randomUUID: () => globalThis.crypto.randomUUID(),
  generateKeyPairSync,
  generateKeyPair: pairLater,
  generateKeySync,
  generateKey: later(generateKeySync),
  diffieHellman,
  timingSafeEqual,
  getHashes: () => [...Object.keys(webHashes), ...Object.keys(otherHashes)],
  getCiphers: () => [128, 192, 256].flatMap((bits) => ['cbc', 'ctr', 'gcm'].map((mode) => `aes-${bits}-${mode}`)),
  getCurves: () => ['prime256v1', 'secp384r1', 'secp521r1'],
  getFips: () => 0,
  getRandomValues: (array) => globalThis.crypto.getRandomValues(array),
  get webcrypto() {
    return globalThis.crypto;
  },
  get subtle() {
    return globalThis.crypto.subtle;
  },
};
