// SPDX-License-Identifier: Apache-2.0
// FormData: https://xhr.spec.whatwg.org/#interface-formdata, and its two forms as a body.
import native from 'lethe:native';
import { blobBytes, blobType, fileNames, isBlob, isFile, makeFile } from 'lethe:blob';
import { showFields } from 'lethe:shown';
import { asLatin1, concatenate, decodeText, encodeText } from '../lib/bytes.js';
import { makePairIterable } from '../lib/pair_iterable.js';
import { asInterface, isObject, requireArguments, toUSVString } from '../lib/webidl.js';

let entriesOf, isFormData;
const append = (form, name, value) => entriesOf(form).push([name, value]);

// https://xhr.spec.whatwg.org/#create-an-entry, from the arguments of append and set
function toEntry(args, where) {
  const name = toUSVString(args[0], `${where}: the name`);
  if (args.length < 3 && !isBlob(args[1])) return [name, toUSVString(args[1], `${where}: the value`)];
  const blob = args[1];
  if (!isBlob(blob)) throw new TypeError(`${where}: the value is not a Blob, but a file's name is given`);
  if (args[2] === undefined) return [name, isFile(blob) ? blob : makeFile(blobBytes(blob), 'blob', blobType(blob))];
  return [name, makeFile(blobBytes(blob), toUSVString(args[2], `${where}: the file's name`), blobType(blob), isFile(blob) ? fileNames(blob)[1] : undefined)];
}

export class FormData {
  #entries = [];
  constructor(form = undefined, submitter = undefined) {
    if (form !== undefined || (submitter !== undefined && submitter !== null)) throw new TypeError('FormData: there are no HTML forms here');
  }
  append(name, value) {
    const entries = this.#entries;
    requireArguments(arguments.length, 2, 'FormData.append');
    entries.push(toEntry(arguments, 'FormData.append'));
  }
  delete(name) {
    const entries = this.#entries;
    requireArguments(arguments.length, 1, 'FormData.delete');
    const key = toUSVString(name);
    this.#entries = entries.filter(([other]) => other !== key);
  }
  get(name) {
    const entries = this.#entries;
    requireArguments(arguments.length, 1, 'FormData.get');
    const key = toUSVString(name);
    return entries.find(([other]) => other === key)?.[1] ?? null;
  }
  getAll(name) {
    const entries = this.#entries;
    requireArguments(arguments.length, 1, 'FormData.getAll');
    const key = toUSVString(name);
    return entries.filter(([other]) => other === key).map(([, value]) => value);
  }
  has(name) {
    const entries = this.#entries;
    requireArguments(arguments.length, 1, 'FormData.has');
    const key = toUSVString(name);
    return entries.some(([other]) => other === key);
  }
  set(name, value) {
    const entries = this.#entries;
    requireArguments(arguments.length, 2, 'FormData.set');
    const entry = toEntry(arguments, 'FormData.set');
    const first = entries.findIndex(([other]) => other === entry[0]);
    if (first < 0) return void entries.push(entry);
    entries[first] = entry;
    this.#entries = entries.filter(([other], i) => i <= first || other !== entry[0]);
  }
  static {
    isFormData = (value) => isObject(value) && #entries in value;
    entriesOf = (form) => form.#entries;
  }
}
makePairIterable(FormData, 'FormData', (form) => entriesOf(form));
asInterface(FormData, 'FormData');
showFields(FormData, (form) => {
  const shown = new Map(); // name → [name, its value, or a list of them]
  for (const [name, value] of entriesOf(form)) {
    const entry = shown.get(name);
    if (!entry) shown.set(name, [name, value]);
    else if (Array.isArray(entry[1])) entry[1].push(value);
    else entry[1] = [entry[1], value];
  }
  return [...shown.values()];
});

export { isFormData };

// --- as a body ---------------------------------------------------------------------------------------------

const escapeName = (text) => text.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
const withLineBreaks = (text) => text.replace(/\r\n?|\n/g, '\r\n');

// https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
export function encodeMultipart(form) {
  const boundary = `----LetheFormBoundary${native.randomUuid().replaceAll('-', '').slice(0, 22)}`;
  const parts = [];
  for (const [name, value] of entriesOf(form)) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(withLineBreaks(name))}"`;
    if (typeof value === 'string') parts.push(encodeText(`${head}\r\n\r\n${withLineBreaks(value)}\r\n`));
    else {
      parts.push(encodeText(`${head}; filename="${escapeName(fileNames(value)[0])}"\r\nContent-Type: ${blobType(value) || 'application/octet-stream'}\r\n\r\n`));
      parts.push(blobBytes(value), encodeText('\r\n'));
    }
  }
  parts.push(encodeText(`--${boundary}--\r\n`));
  return { bytes: concatenate(parts), boundary };
}

const unescapeName = (text) => text.replace(/%0A/gi, '\n').replace(/%0D/gi, '\r').replace(/%22/g, '"');
const fromUtf8 = (latin1) => decodeText(Uint8Array.from(latin1, (c) => c.charCodeAt(0)));

// https://andreubotella.github.io/multipart-form-data/#multipart-form-data-parser; throws a TypeError
export function decodeMultipart(bytes, boundary) {
  const fail = () => {
    throw new TypeError('The body is not multipart/form-data');
  };
  if (!/^[-0-9A-Za-z'()+_,./:=? ]{1,70}$/.test(boundary)) fail();
  const text = asLatin1(bytes); // offsets are those of the bytes
  const delimiter = `--${boundary}`;
  const form = new FormData();
  let at = text.startsWith('\r\n') ? 2 : 0;
  if (!text.startsWith(delimiter, at)) fail();
  at += delimiter.length;
  while (!/^--(?:\r\n)?$/.test(text.slice(at, at + 5))) {
    if (!text.startsWith('\r\n', at)) fail();
    at += 2;
    let [name, filename, type] = [null, null, 'text/plain'];
    while (!text.startsWith('\r\n', at)) {
      const end = text.indexOf('\r\n', at);
      const header = /^([-!#$%&'*+.^_`|~0-9A-Za-z]+)[\t ]*:[\t ]*(.*?)[\t ]*$/.exec(text.slice(at, end < 0 ? undefined : end));
      if (end < 0 || !header) fail();
      const key = header[1].toLowerCase();
      if (key === 'content-disposition') {
        const parsed = /^form-data[\t ]*;[\t ]*name="([^"]*)"(?:[\t ]*;[\t ]*filename="([^"]*)")?/.exec(header[2]);
        if (!parsed) fail();
        name = fromUtf8(unescapeName(parsed[1]));
        if (parsed[2] !== undefined) filename = fromUtf8(unescapeName(parsed[2]));
      } else if (key === 'content-type') type = header[2];
      at = end + 2;
    }
    if (name === null) fail();
    at += 2;
    const end = text.indexOf(`\r\n${delimiter}`, at);
    if (end < 0) fail();
    const value = bytes.slice(at, end);
    if (filename === null) append(form, name, decodeText(value));
    else append(form, name, makeFile(value, filename, type.toLowerCase()));
    at = end + 2 + delimiter.length;
  }
  return form;
}

export function decodeUrlEncoded(bytes) {
  const form = new FormData();
  for (const [name, value] of require('lethe:url').parseQuery(bytes)) append(form, name, value);
  return form;
}
