// SPDX-License-Identifier: Apache-2.0
// JSON Web Keys: RFC 7517 and the dictionary JsonWebKey.
import { iterated, toDictionary, toDOMString } from '../webidl.js';
import { fromBase64url, toBase64url } from './bytes.js';
import { dataError } from './errors.js';

const members = ['alg', 'crv', 'd', 'dp', 'dq', 'e', 'ext', 'k', 'key_ops', 'kty', 'n', 'oth', 'p', 'q', 'qi', 'use', 'x', 'y'];

function toStrings(items, where) {
  return Array.from(items, (item) => toDOMString(item, where));
}

// The dictionary, its members in the order in which Web IDL reads them.
export function toJwk(value, itemsOf = iterated) {
  const source = toDictionary(value, 'The key data');
  const jwk = { __proto__: null };
  for (const name of members) {
    const member = source[name];
    if (member === undefined) continue;
    const where = `The member "${name}" of the JSON Web Key`;
    if (name === 'ext') jwk.ext = !!member;
    else if (name === 'key_ops') jwk.key_ops = toStrings(itemsOf(member, where), where);
    else if (name === 'oth') jwk.oth = Array.from(itemsOf(member, where));
    else jwk[name] = toDOMString(member, where);
  }
  return jwk;
}

// What all kinds of keys have in common. `use`: "sig", "enc", or undefined if it must not be there at all.
export function checkJwk(jwk, { kty, use, usages, extractable }) {
  if (jwk.kty !== kty) throw dataError(`The member "kty" of the JSON Web Key is not "${kty}"`);
  if (usages.length > 0 && jwk.use !== undefined && jwk.use !== use)
    throw dataError('The member "use" of the JSON Web Key does not allow these usages');
  if (jwk.key_ops !== undefined) {
    if (new Set(jwk.key_ops).size !== jwk.key_ops.length) throw dataError('The member "key_ops" of the JSON Web Key has a value twice');
    for (const usage of usages)
      if (!jwk.key_ops.includes(usage)) throw dataError(`The member "key_ops" of the JSON Web Key does not allow "${usage}"`);
  }
  if (jwk.ext === false && extractable) throw dataError('The JSON Web Key is not extractable');
}

export function checkJwkAlgorithm(jwk, ...expected) {
  if (jwk.alg !== undefined && !expected.includes(jwk.alg))
    throw dataError(`The member "alg" of the JSON Web Key is not "${expected[0]}"`);
}

// The bytes of a member that must be there; if `bytes` is given, as many.
export function jwkBytes(jwk, name, bytes) {
  const where = `The member "${name}" of the JSON Web Key`;
  if (jwk[name] === undefined) throw dataError(`${where} is missing`);
  const value = fromBase64url(jwk[name], where);
  if (bytes !== undefined && value.length !== bytes) throw dataError(`${where} is not ${bytes} bytes long`);
  return value;
}

// The object that exportKey() gives; `parts`: names and Uint8Arrays.
export function makeJwk(kty, others, parts, slots) {
  const jwk = { kty, ...others };
  for (const [name, bytes] of Object.entries(parts)) jwk[name] = toBase64url(bytes);
  jwk.key_ops = [...slots.usages];
  jwk.ext = slots.extractable;
  return jwk;
}

// As JSON.stringify() in a world whose prototypes nobody has changed. All values are base64url or names.
export function jwkToBytes(jwk) {
  const quoted = (text) => `"${text}"`;
  const pairs = [];
  for (const [name, value] of Object.entries(jwk)) {
    const json = typeof value === 'string' ? quoted(value) : typeof value === 'boolean' ? `${value}` : `[${value.map(quoted).join(',')}]`;
    pairs.push(`${quoted(name)}:${json}`);
  }
  return Uint8Array.from(`{${pairs.join(',')}}`, (letter) => letter.charCodeAt(0));
}

export function jwkFromBytes(bytes) {
  let parsed;
  try {
    let text = '';
    for (const byte of bytes) text += byte < 0x80 && byte !== 0x25 ? String.fromCharCode(byte) : `%${(byte + 256).toString(16).slice(1)}`;
    parsed = JSON.parse(decodeURIComponent(text));
  } catch {
    throw dataError('What was unwrapped is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw dataError('What was unwrapped is not a JSON Web Key');
  // Its lists are our own: a script must not see them.
  const jwk = toJwk(parsed, (items, where) => (Array.isArray(items) ? items : iterated(items, where)));
  if (jwk.kty === undefined) throw dataError('The member "kty" of the JSON Web Key is missing');
  return jwk;
}
