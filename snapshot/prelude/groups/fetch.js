// SPDX-License-Identifier: Apache-2.0
// Request, Response and fetch: https://fetch.spec.whatwg.org/. The network is the client's: fetch is the host
// call named "fetch" with one argument
//   {url, method, headers: [[name, value], …], body: bytes or null, redirect: "follow", "error" or "manual"}
// which is answered by
//   {status, statusText, headers: [[name, value], …] or {name: value}, body: bytes or text or null, url, redirected}
// All but the status may be left out. An error becomes a TypeError, as that of a network.
import { abortReason, dependentSignal, forgetWhenAborted, isAbortSignal, isSignalAborted, whenAborted } from 'lethe:abort';
import { appendHeader, Headers, headerList, headerValue, makeHeaders, makeImmutable, token } from 'lethe:headers';
import native from 'lethe:native';
import { showAttributes } from 'lethe:shown';
import { Address } from 'lethe:url';
import { Body, extractBody, mixInBody, Source } from '../lib/body.js';
import { decodeDataUrl } from '../lib/data_url.js';
import { asLatin1, copyBytes, encodeText, isBufferSource } from '../lib/bytes.js';
import { asInterface, isObject, requireArguments, toDictionary, toDOMString, toInteger, toUSVString } from '../lib/webidl.js';

const nullBodyStatuses = [101, 103, 204, 205, 304];
const redirectStatuses = [301, 302, 303, 307, 308];
const normalizedMethods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'];
const enumerations = {
  cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'],
  credentials: ['omit', 'same-origin', 'include'],
  duplex: ['half'],
  mode: ['navigate', 'same-origin', 'no-cors', 'cors'],
  priority: ['high', 'low', 'auto'],
  redirect: ['follow', 'error', 'manual'],
  referrerPolicy: ['', 'no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin', 'origin-when-cross-origin', 'strict-origin-when-cross-origin', 'unsafe-url'],
};
let requestState, responseState, isRequest, isResponse, makeResponse;

function toMethod(value) {
  const method = toDOMString(value, 'Request: the method');
  if (!token.test(method)) throw new TypeError(`Request: "${method}" is not a method`);
  const upper = method.toUpperCase();
  if (['CONNECT', 'TRACE', 'TRACK'].includes(upper)) throw new TypeError(`Request: the method ${upper} is forbidden`);
  return normalizedMethods.includes(upper) ? upper : method;
}

// RequestInit, each member converted, in the order in which Web IDL reads them.
function toRequestInit(init) {
  const dictionary = toDictionary(init, 'Request: the second argument');
  const result = {};
  const members = ['body', 'cache', 'credentials', 'duplex', 'headers', 'integrity', 'keepalive', 'method', 'mode', 'priority', 'redirect', 'referrer', 'referrerPolicy', 'signal', 'window'];
  for (const member of members) {
    const value = dictionary[member];
    if (value === undefined) continue;
    if (member in enumerations) {
      const text = toDOMString(value, `Request: ${member}`);
      if (!enumerations[member].includes(text)) throw new TypeError(`Request: "${text}" is not a value of ${member}`);
      result[member] = text;
    } else if (member === 'signal') {
      if (value !== null && !isAbortSignal(value)) throw new TypeError('Request: the signal is not an AbortSignal');
      result.signal = value;
    } else if (member === 'method') result.method = toMethod(value);
    else if (member === 'keepalive') result.keepalive = !!value;
    else if (member === 'integrity') result.integrity = toDOMString(value);
    else if (member === 'referrer') result.referrer = toUSVString(value);
    else result[member] = value;
  }
  return result;
}

function toUrl(text, where) {
  let url;
  try {
    url = new Address(text);
  } catch {
    throw new TypeError(`${where}: "${text}" is not an absolute URL`);
  }
  if (url.username !== '' || url.password !== '') throw new TypeError(`${where}: the URL has a name or a password`);
  return url.href;
}

export class Request {
  #state;

  constructor(input, init = {}) {
    requireArguments(arguments.length, 1, 'Request');
    const from = isRequest(input) ? requestState(input) : null;
    const text = from ? '' : toUSVString(input, 'Request: the URL');
    const options = toRequestInit(init);
    const defaults = {
      url: '', method: 'GET', mode: 'cors', credentials: 'same-origin', cache: 'default', redirect: 'follow', referrer: 'about:client',
      referrerPolicy: '', integrity: '', keepalive: false,
    };
    const state = { ...defaults, ...from, body: null };
    if (!from) state.url = toUrl(text, 'Request');
    if (options.window !== undefined && options.window !== null) throw new TypeError('Request: the member window can be null only');
    if (options.mode === 'navigate') throw new TypeError('Request: the mode cannot be "navigate"');
    for (const member of ['method', 'mode', 'credentials', 'cache', 'redirect', 'referrerPolicy', 'integrity', 'keepalive'])
      if (options[member] !== undefined) state[member] = options[member];
    if (options.referrer !== undefined) state.referrer = options.referrer === '' ? '' : toReferrer(options.referrer);
    if (state.cache === 'only-if-cached' && state.mode !== 'same-origin') throw new TypeError('Request: the cache mode "only-if-cached" wants the mode "same-origin"');
    if (state.mode === 'no-cors' && !['GET', 'HEAD', 'POST'].includes(state.method)) throw new TypeError(`Request: the method ${state.method} is not one of the mode "no-cors"`);
    const signal = options.signal === undefined ? from?.signal : options.signal;
    state.signal = dependentSignal(signal ? [signal] : []);
    state.headers = options.headers === undefined ? makeHeaders(from ? headerList(from.headers) : []) : new Headers(options.headers);
    const ownBody = options.body !== undefined && options.body !== null;
    if ((ownBody || from?.body) && (state.method === 'GET' || state.method === 'HEAD')) throw new TypeError(`Request: with the method ${state.method} there is no body`);
    if (ownBody) {
      const { body, type } = extractBody(options.body);
      if (body.isStreamGiven && options.duplex === undefined) throw new TypeError('Request: a stream as the body needs duplex: "half"');
      state.body = body;
      if (type !== null && headerValue(state.headers, 'content-type') === null) appendHeader(state.headers, 'content-type', type);
    } else if (from?.body) {
      if (from.body.isUnusable) throw new TypeError('Request: the body of the other request has been used');
      state.body = from.body.handOver();
    }
    this.#state = state;
  }

  get method() {
    return this.#state.method;
  }
  get url() {
    return this.#state.url;
  }
  get headers() {
    return this.#state.headers;
  }
  get destination() {
    this.#state;
    return '';
  }
  get referrer() {
    return this.#state.referrer;
  }
  get referrerPolicy() {
    return this.#state.referrerPolicy;
  }
  get mode() {
    return this.#state.mode;
  }
  get credentials() {
    return this.#state.credentials;
  }
  get cache() {
    return this.#state.cache;
  }
  get redirect() {
    return this.#state.redirect;
  }
  get integrity() {
    return this.#state.integrity;
  }
  get keepalive() {
    return this.#state.keepalive;
  }
  get isReloadNavigation() {
    this.#state;
    return false;
  }
  get isHistoryNavigation() {
    this.#state;
    return false;
  }
  get signal() {
    return this.#state.signal;
  }
  get duplex() {
    this.#state;
    return 'half';
  }
  clone() {
    const state = this.#state;
    if (state.body?.isUnusable) throw new TypeError('Request.clone: the body has been used');
    const copy = new Request(state.url);
    copy.#state = { ...state, headers: makeHeaders(headerList(state.headers)), body: state.body?.clone() ?? null, signal: dependentSignal([state.signal]) };
    return copy;
  }

  static {
    isRequest = (value) => typeof value === 'object' && value !== null && #state in value;
    requestState = (request) => request.#state;
  }
}
mixInBody(Request, (request) => requestState(request));
asInterface(Request, 'Request');
showAttributes(Request, 'method', 'url', 'headers', 'destination', 'referrer', 'referrerPolicy', 'mode', 'credentials', 'cache', 'redirect',
  'integrity', 'keepalive', 'isReloadNavigation', 'isHistoryNavigation', 'signal');

function toReferrer(text) {
  try {
    return new Address(text).href;
  } catch {
    throw new TypeError(`Request: the referrer "${text}" is not an absolute URL`);
  }
}

// --- responses ---------------------------------------------------------------------------------------------

const ours = Symbol('ours');

export class Response {
  #state;

  constructor(body = null, init = {}) {
    if (body === ours) {
      this.#state = init;
      return;
    }
    const extracted = body === null ? null : extractBody(body);
    this.#state = toResponse(extracted, init, 'Response');
  }

  static error() {
    return makeResponse({ type: 'error', status: 0, statusText: '', headers: makeImmutable(new Headers()), body: null, url: '', redirected: false });
  }
  static redirect(url, status = 302) {
    requireArguments(arguments.length, 1, 'Response.redirect');
    const text = toUSVString(url);
    const code = toInteger(status, 16);
    let location;
    try {
      location = new Address(text).href;
    } catch {
      throw new TypeError(`Response.redirect: "${text}" is not an absolute URL`);
    }
    if (!redirectStatuses.includes(code)) throw new RangeError(`Response.redirect: ${code} is not the status of a redirection`);
    const headers = makeImmutable(makeHeaders([['location', location]]));
    return makeResponse({ type: 'default', status: code, statusText: '', headers, body: null, url: '', redirected: false });
  }
  static json(data, init = {}) {
    requireArguments(arguments.length, 1, 'Response.json');
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError('Response.json: the value cannot be converted to JSON');
    return makeResponse(toResponse({ body: new Body(encodeText(text)), type: 'application/json' }, init, 'Response.json'));
  }

  get type() {
    return this.#state.type;
  }
  get url() {
    return this.#state.url;
  }
  get redirected() {
    return this.#state.redirected;
  }
  get status() {
    return this.#state.status;
  }
  get ok() {
    return this.#state.status >= 200 && this.#state.status <= 299;
  }
  get statusText() {
    return this.#state.statusText;
  }
  get headers() {
    return this.#state.headers;
  }
  clone() {
    const state = this.#state;
    if (state.body?.isUnusable) throw new TypeError('Response.clone: the body has been used');
    return makeResponse({ ...state, headers: makeHeaders(headerList(state.headers)), body: state.body?.clone() ?? null });
  }

  static {
    isResponse = (value) => typeof value === 'object' && value !== null && #state in value;
    responseState = (response) => response.#state;
    makeResponse = (state) => new Response(ours, state);
  }
}
mixInBody(Response, (response) => responseState(response));
asInterface(Response, 'Response');
showAttributes(Response, 'status', 'statusText', 'headers', 'body', 'bodyUsed', 'ok', 'redirected', 'type', 'url');

// https://fetch.spec.whatwg.org/#initialize-a-response
function toResponse(extracted, init, where) {
  const { headers, status = 200, statusText = '' } = toDictionary(init, `${where}: the options`);
  const list = new Headers(headers);
  const code = toInteger(status, 16);
  const reason = toDOMString(statusText);
  if (code < 200 || code > 599) throw new RangeError(`${where}: the status ${code} is not between 200 and 599`);
  if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) throw new TypeError(`${where}: the status text has characters that are not allowed`);
  if (extracted) {
    if (nullBodyStatuses.includes(code)) throw new TypeError(`${where}: with the status ${code} there is no body`);
    if (extracted.type !== null && headerValue(list, 'content-type') === null) appendHeader(list, 'content-type', extracted.type);
  }
  return { type: 'default', url: '', redirected: false, status: code, statusText: reason, headers: list, body: extracted?.body ?? null };
}

// --- fetch -------------------------------------------------------------------------------------------------

const networkError = (cause) => new TypeError(`fetch failed: ${cause?.message ?? cause}`, { cause });

const isPair = (value) => Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string';

function toHeaderList(headers, where) {
  const list = isObject(headers) && !isBufferSource(headers) ? (Array.isArray(headers) ? headers : Object.entries(headers)) : null;
  if (!list?.every(isPair)) throw new TypeError(`${where} has headers that are neither pairs of texts nor a map of texts`);
  return list;
}

function toBodyBytes(body, where) {
  if (body === null) return null;
  if (typeof body === 'string') return encodeText(body);
  if (!isBufferSource(body)) throw new TypeError(`${where} has a body that is neither bytes nor a text`);
  return copyBytes(body);
}

// https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist
function requireIntegrity(metadata, bytes) {
  let [strongest, digests] = [0, []];
  for (const item of metadata.split(/[\t\n\f\r ]/g)) {
    const [, bits, digest] = /^sha(256|384|512)-([-+/\w]+={0,2})(?:\?|$)/.exec(item) ?? [];
    if (bits === undefined || +bits < strongest) continue;
    if (+bits > strongest) [strongest, digests] = [+bits, []];
    digests.push(digest.replaceAll('-', '+').replaceAll('_', '/'));
  }
  if (strongest === 0) return;
  if (bytes === null || !digests.includes(native.encodeBase64(asLatin1(new Uint8Array(native.digest(strongest, bytes)))))) throw new TypeError('the body is not the one that integrity asks for');
}

// What the client has answered, as a response.
function toAnswer(answer, request) {
  if (typeof answer !== 'object' || answer === null) throw new TypeError('the client\'s answer is not a map with a status');
  const { status, statusText = '', headers = [], body = null, url = request.url, redirected = url !== request.url } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new TypeError('the client\'s answer has no status between 200 and 599');
  if (typeof statusText !== 'string' || typeof url !== 'string' || typeof redirected !== 'boolean')
    throw new TypeError('the client\'s answer has a statusText or url that is no text, or a redirected that is no boolean');
  const list = makeHeaders(toHeaderList(headers, 'the client\'s answer'));
  const bytes = toBodyBytes(body, 'the client\'s answer');
  requireIntegrity(request.integrity, bytes);
  return makeResponse({
    type: 'default',
    status,
    statusText,
    headers: makeImmutable(list),
    body: bytes === null || nullBodyStatuses.includes(status) ? null : new Body(bytes),
    url: url.replace(/#.*$/s, ''),
    redirected,
  });
}

async function ask(state) {
  if (state.url.startsWith('data:')) {
    const { type, bytes } = decodeDataUrl(state.url);
    return toAnswer({ status: 200, statusText: 'OK', headers: [['content-type', type]], body: bytes }, state);
  }
  const headers = headerList(state.headers).map(([name, value]) => [name, value]);
  const body = state.body ? await state.body.readAll() : null;
  return toAnswer(await native.call('fetch', [{ url: state.url, method: state.method, headers, body, redirect: state.redirect }]), state);
}

export const { fetch } = {
  async fetch(input, init = undefined) {
    requireArguments(arguments.length, 1, 'fetch');
    const request = new Request(input, init);
    const state = requestState(request);
    if (isSignalAborted(state.signal)) throw abortReason(state.signal);
    let onAbort;
    const aborted = new Promise((resolve, reject) => {
      onAbort = () => {
        const reason = abortReason(state.signal);
        if (state.body?.stream) require('lethe:streams').cancelStream(state.body.stream, reason).catch(() => {});
        reject(reason);
      };
      whenAborted(state.signal, onAbort);
    });
    const answered = ask(state).catch((error) => {
      throw networkError(error);
    });
    try {
      const response = await Promise.race([answered, aborted]);
      if (isSignalAborted(state.signal)) throw abortReason(state.signal);
      const { body } = responseState(response);
      if (body) {
        body.source = new Source();
        whenAborted(state.signal, () => body.source.abort(abortReason(state.signal)));
      }
      return response;
    } finally {
      forgetWhenAborted(state.signal, onAbort);
    }
  },
};

// For the other way, in which the client asks and the script answers.
export { isResponse, responseState, toBodyBytes, toHeaderList };
export function warmUp() {
  require('lethe:fetch_handler');
}
