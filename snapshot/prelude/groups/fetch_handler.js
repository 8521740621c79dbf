// SPDX-License-Identifier: Apache-2.0
// A call with the option "fetch": what the client sends becomes a Request for a function such as that of a Workers-like module,
//   export default { fetch(request, env, ctx) { return new Response(…); } }
// and the Response that it gives a map. Called by Runner::call (daemon/worker/scripts/runner.cc); no global name leads here.
import { isResponse, Request, responseState, toBodyBytes, toHeaderList } from 'lethe:fetch';
import { headerList, makeHeaders } from 'lethe:headers';
import { isBufferSource } from '../lib/bytes.js';
import { isObject } from '../lib/webidl.js';

const isMap = (value) => isObject(value) && !Array.isArray(value) && !isBufferSource(value);

// {url, method, headers: [[name, value], …] or {name: value}, body: bytes or text or null, redirect}; all but the url may be left out.
function toRequest(asked) {
  if (!isMap(asked)) throw new TypeError('the request is not a map with a url');
  const { url, method, headers, body, redirect } = asked;
  if (typeof url !== 'string') throw new TypeError('the request has no url');
  const init = { __proto__: null, headers: makeHeaders(toHeaderList(headers ?? [], 'the request')) };
  if (method !== undefined && method !== null) init.method = method;
  if (redirect !== undefined && redirect !== null) init.redirect = redirect;
  const bytes = toBodyBytes(body ?? null, 'the request');
  if (bytes !== null && bytes.length > 0) init.body = bytes;
  return new Request(url, init);
}

// What ctx.waitUntil() was given: the answer waits for it. That it fails is no matter of the answer.
async function settled(promise) {
  try {
    await promise;
  } catch (error) {
    require('lethe:console').ownMethods.error('Uncaught (in waitUntil)', error);
  }
}

function makeContext(pending) {
  return {
    waitUntil(promise) {
      pending.push(settled(promise));
    },
    passThroughOnException() {}, // there is nobody behind the script to pass it to
  };
}

async function toAnswer(given, pending) {
  const response = await given;
  if (!isResponse(response)) throw new TypeError('the function gave no Response');
  const { type, status, statusText, headers, body } = responseState(response);
  if (type === 'error') throw new TypeError('the function gave a network error, Response.error()');
  if (body?.isUnusable) throw new TypeError('the function gave a Response whose body has been read already, or whose stream is locked');
  const bytes = body ? await body.readAll() : null;
  for (let i = 0; i < pending.length; ++i) await pending[i];
  const list = headerList(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { __proto__: null, status, statusText, headers: list, body: bytes };
}

// [what makes a map of the function's result, and its arguments: request, env, ctx]; or [what is wrong with them, where].
export function prepare(asked, env = null, ...others) {
  if (others.length > 0) return ['a fetch call has two arguments, a request and an environment', '$[2]'];
  if (env !== null && !isMap(env)) return ['the environment is not a map', '$[1]'];
  let request;
  try {
    request = toRequest(asked);
  } catch (error) {
    return [`${error.message}`, '$[0]'];
  }
  const pending = [];
  return [(given) => toAnswer(given, pending), request, env ?? {}, makeContext(pending)];
}
