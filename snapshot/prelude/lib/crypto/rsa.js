// SPDX-License-Identifier: Apache-2.0
// RSASSA-PKCS1-v1_5, RSA-PSS, RSA-OAEP. The material of a key is the list of its numbers as native functions
// take it: [n, e] or [n, e, d, p, q, dp, dq, qi].
import native from 'lethe:native';
import { copyOf, trimmed } from './bytes.js';
import * as der from './der.js';
import { computed, dataError, notSupportedError } from './errors.js';
import { hashBits, jwkHash } from './hashes.js';
import { checkJwk, checkJwkAlgorithm, jwkBytes, makeJwk } from './jwk.js';
import { makeKey, requireType, wrongFormat } from './key.js';
import { bigInteger, bytes, hash, optional, register, required, unsignedLong } from './normalize.js';
import { both, checkUsages } from './usages.js';

const rsaEncryption = '2a864886f70d010101';
const publicNames = ['n', 'e'];
const privateNames = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];

function makeRsaKey(name, hashName, parts, extractable, usages) {
  const [n, e] = parts;
  const modulusLength = n.length * 8 - Math.clz32(n[0]) + 24;
  const algorithm = { name, modulusLength, publicExponent: e, hash: hashName };
  return makeKey(parts.length === publicNames.length ? 'public' : 'private', extractable, algorithm, usages, parts);
}

function readPublicKey(encoded) {
  const outer = new der.DerReader(encoded, 'RSAPublicKey');
  const numbers = outer.sequence();
  outer.end();
  const parts = publicNames.map(() => numbers.unsigned());
  numbers.end();
  return parts;
}

function readPrivateKey(encoded) {
  const outer = new der.DerReader(encoded, 'RSAPrivateKey');
  const numbers = outer.sequence();
  outer.end();
  numbers.version(0); // 1: more than two primes
  const parts = privateNames.map(() => numbers.unsigned());
  numbers.end();
  return parts;
}

function fromDer(read, parse, data) {
  const { identifier, key } = read(copyOf(data));
  if (identifier !== rsaEncryption) throw dataError('The key is not one for RSA');
  return parse(key);
}

function fromJwk(jwk) {
  if (jwk.oth !== undefined) throw notSupportedError('Keys for RSA with more than two primes are not supported');
  return (jwk.d === undefined ? publicNames : privateNames).map((name) => trimmed(jwkBytes(jwk, name)));
}

function checkNumbers(parts) {
  const isZero = (number) => number.length === 0 || (number.length === 1 && number[0] === 0);
  if (parts.some(isZero) || parts[0].length > 2048 || (parts.length > 2 && !native.rsaIsConsistent(parts)))
    throw dataError('The numbers are not a key for RSA');
}

// What the algorithms have in common. `jwkName(hash)`: its name in JSON Web Keys.
function algorithm(name, { publicUsages, privateUsages, use, jwkName }, operations) {
  const what = `A key for ${name}`;
  const importKey = {
    parameters: [required('hash', hash)],
    run(normalized, format, data, extractable, usages) {
      const isPublic = format === 'spki' || (format === 'jwk' && data.d === undefined);
      if (format === 'raw') throw notSupportedError(`${what} has no format "raw"`);
      checkUsages(usages, isPublic ? publicUsages : privateUsages, `${what} (${isPublic ? 'public' : 'private'})`);
      let parts;
      if (format === 'jwk') {
        checkJwk(data, { kty: 'RSA', use, usages, extractable });
        checkJwkAlgorithm(data, jwkName(normalized.hash));
        parts = fromJwk(data);
      } else {
        parts = isPublic ? fromDer(der.readSpki, readPublicKey, data) : fromDer(der.readPkcs8, readPrivateKey, data);
      }
      checkNumbers(parts);
      return makeRsaKey(name, normalized.hash, parts, extractable, usages);
    },
  };
  register({
    name,
    ...operations,
    importKey,
    generateKey: {
      parameters: [required('modulusLength', unsignedLong), required('publicExponent', bigInteger), required('hash', hash)],
      run({ modulusLength, publicExponent, hash: hashName }, extractable, usages) {
        checkUsages(usages, [...publicUsages, ...privateUsages], what);
        const generated = computed(native.rsaGenerate(modulusLength, publicExponent), 'There is no such key for RSA');
        const parts = generated.map((number) => new Uint8Array(number));
        return {
          publicKey: makeRsaKey(name, hashName, parts.slice(0, publicNames.length), true, both(usages, publicUsages)),
          privateKey: makeRsaKey(name, hashName, parts, extractable, both(usages, privateUsages)),
        };
      },
    },
    exportKey: {
      run(format, slots) {
        const { material, type } = slots;
        const numbers = material.map((number) => der.unsigned(number));
        if (format === 'jwk') {
          const names = type === 'public' ? publicNames : privateNames;
          const members = Object.fromEntries(names.map((member, i) => [member, material[i]]));
          return makeJwk('RSA', { alg: jwkName(slots.algorithm.hash) }, members, slots);
        }
        if (format === 'spki' && type === 'public') return der.writeSpki(rsaEncryption, null, der.sequence(...numbers)).buffer;
        if (format === 'pkcs8' && type === 'private')
          return der.writePkcs8(rsaEncryption, null, der.sequence(der.unsigned([0]), ...numbers)).buffer;
        throw wrongFormat(what, format, type, ['spki', 'pkcs8']);
      },
    },
  });
}

const signatureUsages = { publicUsages: ['verify'], privateUsages: ['sign'], use: 'sig' };

// `salt(algorithm)`: its length, or undefined if there is none.
const signature = (parameters, salt) => ({
  sign: {
    parameters,
    run(normalized, key, data) {
      requireType(key, 'private');
      return computed(native.rsaSign(key.material, hashBits[key.algorithm.hash], salt(normalized), data),
        'The key is too short for this hash and salt');
    },
  },
  verify: {
    parameters,
    run(normalized, key, signed, data) {
      requireType(key, 'public');
      return native.rsaVerify(key.material, hashBits[key.algorithm.hash], salt(normalized), data, signed);
    },
  },
});

algorithm('RSASSA-PKCS1-v1_5', { ...signatureUsages, jwkName: (name) => `RS${jwkHash(name)}` }, signature([], () => undefined));
algorithm('RSA-PSS', { ...signatureUsages, jwkName: (name) => `PS${jwkHash(name)}` },
  signature([required('saltLength', unsignedLong)], ({ saltLength }) => saltLength));

const noBytes = new Uint8Array(0);

const oaep = (encrypts) => ({
  parameters: [optional('label', bytes)],
  run({ label = noBytes }, key, data) {
    requireType(key, encrypts ? 'public' : 'private');
    return computed(native.rsaOaep(encrypts, key.material, hashBits[key.algorithm.hash], label, data),
      encrypts ? 'The data are too long for this key' : 'The data were not encrypted for this key');
  },
});
algorithm('RSA-OAEP', {
  publicUsages: ['encrypt', 'wrapKey'], privateUsages: ['decrypt', 'unwrapKey'], use: 'enc',
  jwkName: (name) => (name === 'SHA-1' ? 'RSA-OAEP' : `RSA-OAEP-${jwkHash(name)}`),
}, { encrypt: oaep(true), decrypt: oaep(false) });
