// SPDX-License-Identifier: Apache-2.0
// Primitive values and names as text, and how wide a text is.
'use strict';
import { append, charCodeAt, codePointAt, includes, indexOf, is, joined, list, normalize, numberText, repeat, slice, symbolText } from './builtins.js';

const shortEscapes = { __proto__: null, 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 39: "\\'", 92: '\\\\' };
const hexadecimal = (code) => (code < 16 ? '0' : '') + upper(numberText(code, 16));
function upper(digits) {
  let text = '';
  for (let i = 0; i < digits.length; ++i) {
    const at = indexOf('abcdef', digits[i]);
    text += at < 0 ? digits[i] : 'ABCDEF'[at];
  }
  return text;
}

// Control characters, backslashes, lone surrogates and `quote` (a character code) escaped.
export function escaped(text, quote) {
  let result = '';
  let from = 0;
  for (let i = 0; i < text.length; ++i) {
    const code = charCodeAt(text, i);
    let escape;
    if (code === quote || code === 92 || code < 32 || (code > 126 && code < 160)) {
      escape = shortEscapes[code] ?? `\\x${hexadecimal(code)}`;
    } else if (code >= 0xd800 && code <= 0xdfff) {
      const after = code <= 0xdbff && i + 1 < text.length ? charCodeAt(text, i + 1) : 0;
      if (after >= 0xdc00 && after <= 0xdfff) {
        ++i;
        continue;
      }
      escape = `\\u${numberText(code, 16)}`;
    } else {
      continue;
    }
    result += slice(text, from, i) + escape;
    from = i + 1;
  }
  return from === 0 ? text : result + slice(text, from);
}

// In single quotes, or in those of the others that need no escape.
export function quoted(text) {
  if (!includes(text, "'")) return `'${escaped(text, 39)}'`;
  if (!includes(text, '"')) return `"${escaped(text, -1)}"`;
  if (!includes(text, '`') && !includes(text, '${')) return `\`${escaped(text, -1)}\``;
  return `'${escaped(text, 39)}'`;
}

// From the right in threes: 1_234_567.
function grouped(digits) {
  const first = digits[0] === '-' ? 1 : 0;
  let text = '';
  let end = digits.length;
  for (; end >= first + 4; end -= 3) text = `_${slice(digits, end - 3, end)}${text}`;
  return slice(digits, 0, end) + text;
}
// From the left: 123_456_7.
function groupedFraction(digits) {
  let text = '';
  let from = 0;
  for (; from < digits.length - 3; from += 3) text += `${slice(digits, from, from + 3)}_`;
  return text + slice(digits, from);
}

export function shownNumber(number, separated) {
  if (is(number, -0)) return separated ? '0' : '-0';
  const text = `${number}`;
  const point = indexOf(text, '.');
  if (!separated || number !== number || number - number !== 0 || includes(text, 'e')) return text;
  return point < 0 ? grouped(text) : `${grouped(slice(text, 0, point))}.${groupedFraction(slice(text, point + 1))}`;
}
export const shownBigInt = (bigint, separated) => `${separated ? grouped(`${bigint}`) : bigint}n`;

const leastBrokenLength = 16;

// A string that does not fit into its line is broken behind its line ends.
function shownString(text, view) {
  let trailer = '';
  if (text.length > view.maxStringLength) {
    const remaining = text.length - view.maxStringLength;
    text = slice(text, 0, view.maxStringLength);
    trailer = `... ${remaining} more character${remaining > 1 ? 's' : ''}`;
  }
  if (view.compact === true || text.length <= leastBrokenLength || text.length <= view.breakLength - view.indentation - 4) return quoted(text) + trailer;
  const parts = list();
  for (let from = 0; from < text.length; ) {
    const end = indexOf(text, '\n', from) + 1;
    append(parts, quoted(slice(text, from, end === 0 ? text.length : end)));
    from = end === 0 ? text.length : end;
  }
  return joined(parts, ` +\n${repeat(' ', view.indentation + 2)}`) + trailer;
}

export function shownPrimitive(value, view) {
  switch (typeof value) {
    case 'string':
      return shownString(value, view);
    case 'number':
      return shownNumber(value, view.numericSeparator);
    case 'bigint':
      return shownBigInt(value, view.numericSeparator);
    case 'symbol':
      return symbolText(value);
    default:
      return `${value}`;
  }
}

function isWord(text) {
  for (let i = 0; i < text.length; ++i) {
    const code = charCodeAt(text, i);
    const isLetter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
    if (!isLetter && !(i > 0 && code >= 48 && code <= 57)) return false;
  }
  return text !== '';
}

export function shownKey(key, isHidden) {
  if (typeof key === 'symbol') return `[${escaped(symbolText(key), 39)}]`;
  if (key === '__proto__') return "['__proto__']";
  if (isHidden) return `[${escaped(key, 39)}]`;
  return isWord(key) ? key : quoted(key);
}

// First and last code points of what is two columns wide (Unicode's East Asian Width, and emoji), and of what has none.
const wide = [0x1100, 0x115f, 0x231a, 0x231b, 0x2329, 0x232a, 0x23e9, 0x23ec, 0x23f0, 0x23f0, 0x23f3, 0x23f3, 0x25fd, 0x25fe, 0x2614, 0x2615, 0x2648, 0x2653, 0x267f, 0x267f, 0x2693, 0x2693, 0x26a1, 0x26a1, 0x26aa, 0x26ab, 0x26bd, 0x26be, 0x26c4, 0x26c5, 0x26ce, 0x26ce, 0x26d4, 0x26d4, 0x26ea, 0x26ea, 0x26f2, 0x26f3, 0x26f5, 0x26f5, 0x26fa, 0x26fa, 0x26fd, 0x26fd, 0x2705, 0x2705, 0x270a, 0x270b, 0x2728, 0x2728, 0x274c, 0x274c, 0x274e, 0x274e, 0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797, 0x27b0, 0x27b0, 0x27bf, 0x27bf, 0x2b1b, 0x2b1c, 0x2b50, 0x2b50, 0x2b55, 0x2b55, 0x2e80, 0x303e, 0x3041, 0x3247, 0x3250, 0x4dbf, 0x4e00, 0xa4c6, 0xa960, 0xa97c, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe10, 0xfe19, 0xfe30, 0xfe6b, 0xff01, 0xff60, 0xffe0, 0xffe6, 0x1b000, 0x1b001, 0x1f004, 0x1f004, 0x1f0cf, 0x1f0cf, 0x1f18e, 0x1f18e, 0x1f191, 0x1f19a, 0x1f200, 0x1f251, 0x1f300, 0x1f320, 0x1f32d, 0x1f335, 0x1f337, 0x1f37c, 0x1f37e, 0x1f393, 0x1f3a0, 0x1f3ca, 0x1f3cf, 0x1f3d3, 0x1f3e0, 0x1f3f0, 0x1f3f4, 0x1f3f4, 0x1f3f8, 0x1f43e, 0x1f440, 0x1f440, 0x1f442, 0x1f4fc, 0x1f4ff, 0x1f53d, 0x1f54b, 0x1f54e, 0x1f550, 0x1f567, 0x1f57a, 0x1f57a, 0x1f595, 0x1f596, 0x1f5a4, 0x1f5a4, 0x1f5fb, 0x1f64f, 0x1f680, 0x1f6c5, 0x1f6cc, 0x1f6cc, 0x1f6d0, 0x1f6d2, 0x1f6d5, 0x1f6d7, 0x1f6dd, 0x1f6df, 0x1f6eb, 0x1f6ec, 0x1f6f4, 0x1f6fc, 0x1f7e0, 0x1f7eb, 0x1f7f0, 0x1f7f0, 0x1f90c, 0x1f93a, 0x1f93c, 0x1f945, 0x1f947, 0x1f9ff, 0x1fa70, 0x1faff, 0x20000, 0x3fffd];
const narrow = [0, 0x1f, 0x7f, 0x9f, 0x300, 0x36f, 0x200b, 0x200f, 0x20d0, 0x20ff, 0xfe00, 0xfe0f, 0xfe20, 0xfe2f, 0xe0100, 0xe01ef];

function isWithin(ranges, code) {
  for (let i = 0; i < ranges.length && ranges[i] <= code; i += 2) if (code <= ranges[i + 1]) return true;
  return false;
}

// How many columns of a terminal the text takes.
export function widthOf(text) {
  let at = 0;
  while (at < text.length && charCodeAt(text, at) >= 32 && charCodeAt(text, at) < 127) ++at;
  if (at === text.length) return at;
  const rest = normalize(slice(text, at), 'NFC');
  let width = at;
  for (let i = 0; i < rest.length; ++i) {
    const code = codePointAt(rest, i);
    if (code > 0xffff) ++i;
    if (!isWithin(narrow, code)) width += isWithin(wide, code) ? 2 : 1;
  }
  return width;
}
