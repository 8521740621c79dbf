// SPDX-License-Identifier: Apache-2.0
'use strict';
const escape = (text) => encodeURIComponent(text);
function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return letheNode.Buffer.from(text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString();
  }
}

const shown = (value) => (typeof value === 'string' ? value : ['number', 'bigint', 'boolean'].includes(typeof value) && !Number.isNaN(value) && Math.abs(Number(value)) !== Infinity ? `${value}` : '');

function parse(text, separator = '&', equals = '=', { maxKeys = 1000, decodeURIComponent: decode = module.exports.unescape } = {}) {
  const result = { __proto__: null };
  if (typeof text !== 'string' || text === '') return result;
  const decoded = (part) => {
    try {
      return decode(part.replaceAll('+', ' '));
    } catch {
      return unescape(part.replaceAll('+', ' '));
    }
  };
  for (const pair of text.split(separator).slice(0, maxKeys > 0 ? maxKeys : undefined)) {
    if (pair === '') continue;
    const at = pair.indexOf(equals);
    const key = decoded(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? '' : decoded(pair.slice(at + equals.length));
    if (!(key in result)) result[key] = value;
    else if (Array.isArray(result[key])) result[key].push(value);
    else result[key] = [result[key], value];
  }
  return result;
}

function stringify(object, separator = '&', equals = '=', { encodeURIComponent: encode = module.exports.escape } = {}) {
  if (typeof object !== 'object' || object === null) return '';
  return Object.entries(object)
    .flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((each) => `${encode(shown(key))}${equals}${encode(shown(each))}`))
    .join(separator);
}

module.exports = { escape, unescape, parse, stringify, decode: parse, encode: stringify, unescapeBuffer: (text) => letheNode.Buffer.from(unescape(text)) };
