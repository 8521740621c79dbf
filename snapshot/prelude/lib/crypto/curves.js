// SPDX-License-Identifier: Apache-2.0
// ECDSA, ECDH, Ed25519, X25519. The material of a key is {point} if it is public, {point, d} if it is
// private; points of P-256 and so on are uncompressed.
import native from 'lethe:native';
import { bitLength, copyOf, firstBits } from './bytes.js';
import * as der from './der.js';
import { computed, dataError, invalidAccessError, notSupportedError, operationError } from './errors.js';
import { hashBits } from './hashes.js';
import { checkJwk, checkJwkAlgorithm, jwkBytes, makeJwk } from './jwk.js';
import { makeKey, requireType, slotsOf, wrongFormat } from './key.js';
import { cryptoKey, hash, register, required, string } from './normalize.js';
import { both, checkUsages } from './usages.js';

const idEcPublicKey = '2a8648ce3d0201';
const edIdentifier = '2b6570';
const xIdentifier = '2b656e';

// --- the curves: what their keys look like in each format -----------------------------------------

class NistCurve {
  constructor(bits, identifier, jwkAlgorithm) {
    Object.assign(this, { name: `P-${bits}`, bits, bytes: Math.ceil(bits / 8), identifier, jwkAlgorithm });
  }
  get kty() {
    return 'EC';
  }
  generate() {
    const d = new Uint8Array(computed(native.ecGenerate(this.bits), 'No key can be made'));
    return { d, point: this.publicOf(d) };
  }
  publicOf(d) {
    const point = native.ecPublic(this.bits, d);
    if (point === undefined) throw dataError(`The number is not a private key of ${this.name}`);
    return new Uint8Array(point);
  }
  checkedPoint(bytes) {
    const point = native.ecPoint(this.bits, bytes);
    if (point === undefined) throw dataError(`The key data are not a point of ${this.name}`);
    return new Uint8Array(point);
  }
  #check({ identifier, curve, hasParameters }) {
    if (identifier !== idEcPublicKey || !hasParameters || curve !== this.identifier) throw dataError(`The key is not one of ${this.name}`);
  }
  fromSpki(info) {
    this.#check(info);
    return { point: this.checkedPoint(info.key) };
  }
  // ECPrivateKey: RFC 5915
  fromPkcs8(info) {
    this.#check(info);
    const outer = new der.DerReader(info.key, 'ECPrivateKey');
    const key = outer.sequence();
    outer.end();
    if (key.version(1) !== 1) throw dataError('The key data are not an ECPrivateKey');
    const number = key.octets();
    const parameters = key.optional(0);
    if (parameters && parameters.identifier() !== this.identifier) throw dataError(`The key is not one of ${this.name}`);
    const encoded = key.optional(1)?.bits();
    key.end();
    return this.#pair(this.#padded(number), encoded && this.checkedPoint(encoded));
  }
  #padded(number) {
    if (number.length >= this.bytes) return number;
    const d = new Uint8Array(this.bytes);
    d.set(number, this.bytes - number.length);
    return d;
  }
  #pair(d, given) {
    const point = this.publicOf(d);
    if (given && !native.equalBytes(point, given)) throw dataError('The public key does not belong to the private key');
    return { d, point };
  }
  fromJwk(jwk) {
    const point = new Uint8Array(1 + 2 * this.bytes);
    point[0] = 4;
    point.set(jwkBytes(jwk, 'x', this.bytes), 1);
    point.set(jwkBytes(jwk, 'y', this.bytes), 1 + this.bytes);
    this.checkedPoint(point);
    return jwk.d === undefined ? { point } : this.#pair(jwkBytes(jwk, 'd', this.bytes), point);
  }
  toSpki({ point }) {
    return der.writeSpki(idEcPublicKey, this.identifier, point);
  }
  toPkcs8({ d, point }) {
    const key = der.sequence(der.unsigned([1]), der.octets(d), der.explicit(1, der.bits(point)));
    return der.writePkcs8(idEcPublicKey, this.identifier, key);
  }
  toJwk({ point, d }) {
    const [x, y] = [point.subarray(1, 1 + this.bytes), point.subarray(1 + this.bytes)];
    return d ? { x, y, d } : { x, y };
  }
}

class OctetCurve {
  constructor(name, identifier, isForSignatures) {
    Object.assign(this, { name, identifier, isForSignatures });
  }
  get kty() {
    return 'OKP';
  }
  generate() {
    const d = new Uint8Array(32);
    native.randomBytes(d);
    return { d, point: this.publicOf(d) };
  }
  publicOf(d) {
    return new Uint8Array(computed(native.okpPublic(this.isForSignatures, d), 'No key can be made'));
  }
  checkedPoint(bytes) {
    if (bytes.length !== 32) throw dataError(`A key of ${this.name} is 32 bytes long`);
    return copyOf(bytes);
  }
  #check({ identifier, hasParameters }) {
    if (identifier !== this.identifier || hasParameters) throw dataError(`The key is not one for ${this.name}`);
  }
  fromSpki(info) {
    this.#check(info);
    return { point: this.checkedPoint(info.key) };
  }
  // CurvePrivateKey: RFC 8410
  fromPkcs8(info) {
    this.#check(info);
    const outer = new der.DerReader(info.key, 'CurvePrivateKey');
    const d = outer.octets();
    outer.end();
    this.checkedPoint(d);
    return { d, point: this.publicOf(d) };
  }
  fromJwk(jwk) {
    const point = jwkBytes(jwk, 'x', 32);
    if (jwk.d === undefined) return { point };
    const d = jwkBytes(jwk, 'd', 32);
    if (!native.equalBytes(this.publicOf(d), point)) throw dataError('The public key does not belong to the private key');
    return { d, point };
  }
  toSpki({ point }) {
    return der.writeSpki(this.identifier, undefined, point);
  }
  toPkcs8({ d }) {
    return der.writePkcs8(this.identifier, undefined, der.octets(d));
  }
  toJwk({ point, d }) {
    return d ? { x: point, d } : { x: point };
  }
}

const nistCurves = [
  new NistCurve(256, '2a8648ce3d030107', 'ES256'),
  new NistCurve(384, '2b81040022', 'ES384'),
  new NistCurve(521, '2b81040023', 'ES512'),
];
const nistCurve = (name) => nistCurves.find((curve) => curve.name === name);

// --- operations that all have in common -----------------------------------------------------------

// `curveOf(algorithm)`: of the algorithm's parameters or a key's algorithm. `jwkAlgorithms(curve)`: what "alg"
// may be in JSON Web Keys, the first of which is written; undefined if it may be anything.
function algorithm(name, { parameters, curveOf, publicUsages, privateUsages, use, jwkAlgorithms, jwkWritten }, operations) {
  const what = `A key for ${name}`;
  const keyAlgorithm = (curve) => (curve.kty === 'EC' ? { name, namedCurve: curve.name } : { name });

  function make(curve, material, extractable, usages) {
    return makeKey(material.d ? 'private' : 'public', extractable, keyAlgorithm(curve), usages, material);
  }

  function readJwk(curve, jwk, extractable, usages) {
    checkJwk(jwk, { kty: curve.kty, use, usages, extractable });
    if (jwk.crv !== curve.name) throw dataError(`The member "crv" of the JSON Web Key is not "${curve.name}"`);
    if (jwkAlgorithms) checkJwkAlgorithm(jwk, ...jwkAlgorithms(curve));
    return curve.fromJwk(jwk);
  }

  register({
    name,
    ...operations,
    generateKey: {
      parameters,
      run(normalized, extractable, usages) {
        const curve = curveOf(normalized);
        checkUsages(usages, [...publicUsages, ...privateUsages], what);
        if (!curve) throw notSupportedError(`There is no curve "${normalized.namedCurve}"`);
        const { point, d } = curve.generate();
        return {
          publicKey: make(curve, { point }, true, both(usages, publicUsages)),
          privateKey: make(curve, { point, d }, extractable, both(usages, privateUsages)),
        };
      },
    },
    importKey: {
      parameters,
      run(normalized, format, data, extractable, usages) {
        const curve = curveOf(normalized);
        const isPublic = format === 'spki' || format === 'raw' || (format === 'jwk' && data.d === undefined);
        checkUsages(usages, isPublic ? publicUsages : privateUsages, `${what} (${isPublic ? 'public' : 'private'})`);
        if (!curve) throw notSupportedError(`There is no curve "${normalized.namedCurve}"`);
        const material = format === 'spki' ? curve.fromSpki(der.readSpki(copyOf(data)))
          : format === 'pkcs8' ? curve.fromPkcs8(der.readPkcs8(copyOf(data)))
          : format === 'jwk' ? readJwk(curve, data, extractable, usages)
          : { point: curve.checkedPoint(copyOf(data)) };
        return make(curve, material, extractable, usages);
      },
    },
    exportKey: {
      run(format, slots) {
        const { type, material } = slots;
        const curve = curveOf(slots.algorithm);
        if (format === 'jwk') return makeJwk(curve.kty, { ...jwkWritten, crv: curve.name }, curve.toJwk(material), slots);
        if (format === 'spki' && type === 'public') return curve.toSpki(material).buffer;
        if (format === 'raw' && type === 'public') return material.point.slice().buffer;
        if (format === 'pkcs8' && type === 'private') return curve.toPkcs8(material).buffer;
        throw wrongFormat(what, format, type, ['spki', 'pkcs8', 'raw']);
      },
    },
  });
}

// --- signatures -----------------------------------------------------------------------------------

const signatureUsages = { publicUsages: ['verify'], privateUsages: ['sign'], use: 'sig' };
const namedCurve = [required('namedCurve', string)];
const nistKeys = { parameters: namedCurve, curveOf: ({ namedCurve: name }) => nistCurve(name) };

algorithm('ECDSA', { ...nistKeys, ...signatureUsages, jwkAlgorithms: (curve) => [curve.jwkAlgorithm] }, {
  sign: {
    parameters: [required('hash', hash)],
    run(normalized, key, data) {
      requireType(key, 'private');
      const { bits } = nistCurve(key.algorithm.namedCurve);
      return computed(native.ecSign(bits, key.material.d, hashBits[normalized.hash], data), 'The data cannot be signed');
    },
  },
  verify: {
    parameters: [required('hash', hash)],
    run(normalized, key, signature, data) {
      requireType(key, 'public');
      const { bits } = nistCurve(key.algorithm.namedCurve);
      return native.ecVerify(bits, key.material.point, hashBits[normalized.hash], data, signature);
    },
  },
});

const ed25519 = new OctetCurve('Ed25519', edIdentifier, true);
algorithm('Ed25519', {
  parameters: [], curveOf: () => ed25519, ...signatureUsages, jwkAlgorithms: () => ['Ed25519', 'EdDSA'], jwkWritten: { alg: 'Ed25519' },
}, {
  sign: {
    parameters: [],
    run(normalized, key, data) {
      requireType(key, 'private');
      return computed(native.edSign(key.material.d, data), 'The data cannot be signed');
    },
  },
  verify: {
    parameters: [],
    run(normalized, key, signature, data) {
      requireType(key, 'public');
      return native.edVerify(key.material.point, data, signature);
    },
  },
});

// --- agreement ------------------------------------------------------------------------------------

const agreementUsages = { publicUsages: [], privateUsages: ['deriveKey', 'deriveBits'], use: 'enc' };

const agreement = (secretOf) => ({
  deriveBits: {
    parameters: [required('public', cryptoKey)],
    run(normalized, key, length) {
      requireType(key, 'private');
      const other = slotsOf(normalized.public);
      requireType(other, 'public');
      if (other.algorithm.name !== key.algorithm.name) throw invalidAccessError('The public key is one for another algorithm');
      if (other.algorithm.namedCurve !== key.algorithm.namedCurve) throw invalidAccessError('The public key is one of another curve');
      const secret = computed(secretOf(key, other), 'There is no secret for these keys');
      if (length === null) return secret;
      if (length > bitLength(new Uint8Array(secret))) throw operationError('The secret is shorter than the length that is wanted');
      return firstBits(new Uint8Array(secret), length).buffer;
    },
  },
});

algorithm('ECDH', { ...nistKeys, ...agreementUsages }, agreement((key, other) =>
  native.ecDerive(nistCurve(key.algorithm.namedCurve).bits, key.material.d, other.material.point)));

const x25519 = new OctetCurve('X25519', xIdentifier, false);
algorithm('X25519', { parameters: [], curveOf: () => x25519, ...agreementUsages }, agreement((key, other) =>
  native.xDerive(key.material.d, other.material.point)));
