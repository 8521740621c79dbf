// SPDX-License-Identifier: Apache-2.0
// MIME types: https://mimesniff.spec.whatwg.org/#parsing-a-mime-type

const token = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;
const quotable = /^[\t\x20-\x7e\x80-\xff]*$/;
const trim = (text) => text.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');

// https://fetch.spec.whatwg.org/#collect-an-http-quoted-string. A backslash at the very end stands for itself.
const unquoted = (text) => /^"((?:[^"\\]|\\.)*\\?)/s.exec(text)[1].replace(/\\(.)/gs, '$1');

// {type, subtype, essence, parameters}, or null
export function parseMimeType(text) {
  const [essence, ...rest] = splitOutsideQuotes(trim(text), ';');
  const slash = essence.indexOf('/');
  const type = essence.slice(0, slash).toLowerCase();
  const subtype = essence.slice(slash + 1).replace(/[\t\n\r ]+$/, '').toLowerCase();
  if (slash < 0 || !token.test(type) || !token.test(subtype)) return null;
  const parameters = new Map();
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const name = part.slice(0, equals).replace(/^[\t\n\r ]+/, '').toLowerCase();
    let value = part.slice(equals + 1);
    if (value.startsWith('"')) value = unquoted(value);
    else {
      value = value.replace(/[\t\n\r ]+$/, '');
      if (value === '') continue;
    }
    if (token.test(name) && quotable.test(value) && !parameters.has(name)) parameters.set(name, value);
  }
  return { type, subtype, essence: `${type}/${subtype}`, parameters };
}

export function serializeMimeType({ essence, parameters }) {
  let text = essence;
  for (const [name, value] of parameters) text += `;${name}=${token.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`;
  return text;
}

function splitOutsideQuotes(text, separator) {
  const parts = [];
  let [from, quoted] = [0, false];
  for (let i = 0; i < text.length; ++i) {
    if (quoted && text[i] === '\\') ++i;
    else if (text[i] === '"' && (quoted || separator === ',' || /=$/.test(text.slice(from, i)))) quoted = !quoted;
    else if (text[i] === separator && !quoted) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

// https://fetch.spec.whatwg.org/#concept-header-extract-mime-type of the combined value of Content-Type
export function extractMimeType(value) {
  let [charset, essence, result] = [null, null, null];
  if (value === null) return null;
  for (const part of splitOutsideQuotes(value, ',')) {
    const type = parseMimeType(part);
    if (type === null || type.essence === '*/*') continue;
    result = type;
    if (type.essence !== essence) {
      charset = type.parameters.get('charset') ?? null;
      essence = type.essence;
    } else if (!type.parameters.has('charset') && charset !== null) type.parameters.set('charset', charset);
  }
  return result;
}
