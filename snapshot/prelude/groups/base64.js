// SPDX-License-Identifier: Apache-2.0
// atob and btoa: https://html.spec.whatwg.org/multipage/webappapis.html#atob
import native from 'lethe:native';
import { DOMException } from 'lethe:dom_exception';
import { requireArguments, toDOMString } from '../lib/webidl.js';

function convert(how, name, count, data, message) {
  requireArguments(count, 1, name);
  const text = how(typeof data === 'string' ? data : toDOMString(data, `${name}: the first argument`));
  if (text === undefined) throw new DOMException(`${name}: ${message}`, 'InvalidCharacterError');
  return text;
}

// Methods cannot be constructed, as the functions of the platform.
export const { atob, btoa } = {
  atob(data) {
    return convert(native.decodeBase64, 'atob', arguments.length, data, 'the string is not base64');
  },
  btoa(data) {
    return convert(native.encodeBase64, 'btoa', arguments.length, data, 'the string has characters beyond U+00FF');
  },
};
