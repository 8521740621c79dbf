// SPDX-License-Identifier: Apache-2.0
// Uses of all that client/SCRIPTS.md names and the language does not have, in a world of recorders. What is handed over and
// what comes out is told to own(); what comes out is returned, too, to be compared. No method of the language is called here,
// nothing is iterated: that would only tell what the script did itself.
const kept = { ArrayBuffer, DataView, Error, Map, Object, Promise, Set, TypeError, Uint8Array, apply: Reflect.apply, then: Promise.prototype.then, construct: Reflect.construct, stringify: JSON.stringify, setInMap: Map.prototype.set, addToSet: Set.prototype.add, setTimeout };

const ownEach = (list) => {
  for (let i = 0; i < list.length; ++i) own(list[i]);
  return own(list);
};
const make = (Class, ...list) => own(kept.construct(own(Class), ownEach(list)));
const send = (object, name, ...list) => own(kept.apply(own(own(object)[name]), object, ownEach(list)));
const get = (object, name) => own(own(object)[name]);
const wait = (promise) => own(kept.apply(kept.then, own(promise), [own]));
// A promise that the script resolves.
function later() {
  const result = own({ promise: null, resolve: null });
  result.promise = own(new kept.Promise(own((resolve) => (result.resolve = own(resolve)))));
  return result;
}
const pause = () => own(new kept.Promise(own((resolve) => kept.setTimeout(own(resolve), 0))));

const bytesOf = (length, first) => {
  const bytes = own(new kept.Uint8Array(length));
  for (let i = 0; i < length; ++i) bytes[i] = first + i * i;
  return bytes;
};
const given = { few: bytesOf(50, 1), some: bytesOf(5000, 2), key: bytesOf(32, 3), iv: bytesOf(16, 4), buffer: own(new ArrayBuffer(64)) };
const bytesIn = (...list) => {
  const bytes = bytesOf(list.length, 0);
  for (let i = 0; i < list.length; ++i) bytes[i] = list[i];
  return bytes;
};
const mapOf = (key, value) => {
  const map = own(new kept.Map());
  kept.apply(kept.setInMap, map, [key, own(value)]);
  return map;
};
const setOf = (value) => {
  const set = own(new kept.Set());
  kept.apply(kept.addToSet, set, [value]);
  return set;
};
const digits = '0123456789abcdef';
const hex = (result) => {
  const bytes = own(result) instanceof kept.ArrayBuffer ? own(new kept.Uint8Array(result)) : result;
  let text = '';
  for (let i = 0; i < bytes.length; ++i) text += digits[bytes[i] >> 4] + digits[bytes[i] & 15];
  return text;
};
const failure = (action) => {
  try {
    return own(action());
  } catch (error) {
    return `${own(error).name}: ${error.message}`;
  }
};
const rejection = (promise) => own(kept.apply(kept.then, own(promise), [() => 'none', (error) => `${own(error).name}: ${error.message}`]));

// All that comes out of a readable stream, each as `show` says.
async function drain(readable, show, options = undefined) {
  const reader = options ? send(readable, 'getReader', options) : send(readable, 'getReader');
  let shown = '';
  const values = own([]);
  for (;;) {
    const { value, done } = await wait(options ? send(reader, 'read', own(new kept.Uint8Array(100))) : send(reader, 'read'));
    if (done) break;
    values[values.length] = value;
    shown += show(value);
  }
  await wait(get(reader, 'closed'));
  send(reader, 'releaseLock');
  return own([shown, values]);
}
// … of a stream that gets these chunks.
async function through(stream, chunks, show) {
  const writer = send(get(stream, 'writable'), 'getWriter');
  const write = async () => {
    for (let i = 0; i < chunks.length; ++i) {
      await wait(get(writer, 'ready'));
      await wait(send(writer, 'write', chunks[i]));
    }
    await wait(send(writer, 'close'));
    return `${get(writer, 'desiredSize')}`;
  };
  const written = own(write());
  const result = await wait(drain(get(stream, 'readable'), show));
  await wait(written);
  return result;
}
const numbers = (count, extra = {}) => {
  let at = 0;
  return make(ReadableStream, own({
    start: own((controller) => void own(controller)),
    pull: own((controller) => {
      own(controller);
      if (at < count) send(controller, 'enqueue', at++);
      else send(controller, 'close');
      return pause();
    }),
    ...extra,
  }), own({ highWaterMark: 2 }));
};
const text = (value) => `${value},`;
own(hex), own(text);

const uses = {
  async compression() {
    let texts = '';
    for (let i = 0; i < 3; ++i) {
      const format = i === 0 ? 'gzip' : i === 1 ? 'deflate' : 'deflate-raw';
      const packed = (await wait(through(make(CompressionStream, format), own([given.few, given.some, given.buffer]), hex)))[1];
      texts += (await wait(through(make(DecompressionStream, format), packed, hex)))[0] + ';';
    }
    return texts;
  },
  async text() {
    const decoder = make(TextDecoder);
    const bytes = send(make(TextEncoder), 'encode', 'é€😀 and so on, for more than a few bytes');
    const target = own(new kept.Uint8Array(40));
    const { written } = send(make(TextEncoder), 'encodeInto', 'é€😀 and so on, for more than a few bytes', target);
    return send(decoder, 'decode', given.some, own({ stream: true })) + send(decoder, 'decode', bytes) + send(make(TextDecoder, 'utf-16le'), 'decode', given.some) + send(make(TextDecoder, 'latin1'), 'decode', given.some)
      + send(make(TextDecoder, 'koi8-r'), 'decode', given.some) + written + hex(target) + get(decoder, 'encoding') + get(decoder, 'fatal') + get(decoder, 'ignoreBOM');
  },
  async 'legacy encodings'() {
    let texts = '';
    const labels = own(['shift_jis', 'gb18030', 'big5', 'euc-kr', 'euc-jp', 'iso-2022-jp', 'windows-1251', 'x-user-defined']);
    for (let i = 0; i < labels.length; ++i) texts += send(make(TextDecoder, labels[i]), 'decode', given.few) + send(make(TextDecoder, labels[i]), 'decode', given.few, own({ stream: true }));
    return texts + failure(() => send(make(TextDecoder, 'utf-8', own({ fatal: true })), 'decode', given.some)) + failure(() => make(TextDecoder, 'none'));
  },
  async 'text streams'() {
    const encoded = await wait(through(make(TextEncoderStream), own(['é€😀 and so on, for more', ' than a few bytes']), hex));
    return (await wait(through(make(TextDecoderStream), encoded[1], text)))[0];
  },
  async digests() {
    let texts = '';
    const names = own(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']);
    for (let i = 0; i < names.length; ++i) texts += hex(await wait(send(get(crypto, 'subtle'), 'digest', names[i], i % 2 ? given.buffer : given.some)));
    return texts + (await rejection(send(get(crypto, 'subtle'), 'digest', 'none', given.few)));
  },
  async ciphers() {
    let texts = '';
    for (let i = 0; i < 3; ++i) {
      const algorithm = own(i === 0 ? { name: 'AES-GCM', iv: given.iv, additionalData: given.few } : i === 1 ? { name: 'AES-CBC', iv: given.iv } : { name: 'AES-CTR', counter: given.iv, length: 64 });
      const key = await wait(send(get(crypto, 'subtle'), 'importKey', 'raw', given.key, algorithm.name, true, own(['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'])));
      const sealed = await wait(send(get(crypto, 'subtle'), 'encrypt', algorithm, key, given.some));
      texts += hex(sealed) + hex(await wait(send(get(crypto, 'subtle'), 'decrypt', algorithm, key, sealed))) + hex(await wait(send(get(crypto, 'subtle'), 'exportKey', 'raw', key))) + ';';
      const wrapped = await wait(send(get(crypto, 'subtle'), 'wrapKey', 'jwk', key, key, algorithm));
      const unwrapped = await wait(send(get(crypto, 'subtle'), 'unwrapKey', 'jwk', wrapped, key, algorithm, algorithm.name, true, own(['encrypt'])));
      texts += hex(wrapped) + kept.stringify(await wait(send(get(crypto, 'subtle'), 'exportKey', 'jwk', unwrapped))) + kept.stringify(get(unwrapped, 'algorithm')) + get(unwrapped, 'usages')[0] + get(unwrapped, 'type') + get(unwrapped, 'extractable');
    }
    const wrapping = await wait(send(get(crypto, 'subtle'), 'importKey', 'raw', given.iv, 'AES-KW', true, own(['wrapKey', 'unwrapKey'])));
    const made = await wait(send(get(crypto, 'subtle'), 'importKey', 'raw', given.key, own({ name: 'AES-CBC' }), true, own(['encrypt'])));
    return texts + hex(await wait(send(get(crypto, 'subtle'), 'wrapKey', 'raw', made, wrapping, 'AES-KW')));
  },
  async codes() {
    const hmac = own({ name: 'HMAC', hash: 'SHA-256' });
    const key = await wait(send(get(crypto, 'subtle'), 'importKey', 'raw', given.key, hmac, false, own(['sign', 'verify'])));
    const code = await wait(send(get(crypto, 'subtle'), 'sign', 'HMAC', key, given.some));
    const secret = await wait(send(get(crypto, 'subtle'), 'importKey', 'raw', given.key, 'HKDF', false, own(['deriveBits', 'deriveKey'])));
    const hkdf = own({ name: 'HKDF', hash: 'SHA-256', salt: given.iv, info: given.few });
    const derived = await wait(send(get(crypto, 'subtle'), 'deriveBits', hkdf, secret, 512));
    const derivedKey = await wait(send(get(crypto, 'subtle'), 'deriveKey', hkdf, secret, own({ name: 'AES-GCM', length: 256 }), true, own(['encrypt'])));
    const password = await wait(send(get(crypto, 'subtle'), 'importKey', 'raw', given.few, 'PBKDF2', false, own(['deriveBits'])));
    const stretched = await wait(send(get(crypto, 'subtle'), 'deriveBits', own({ name: 'PBKDF2', hash: 'SHA-512', salt: given.iv, iterations: 3 }), password, 256));
    const random = await wait(send(get(crypto, 'subtle'), 'generateKey', hmac, true, own(['sign'])));
    return hex(code) + (await wait(send(get(crypto, 'subtle'), 'verify', 'HMAC', key, code, given.some))) + hex(derived) + hex(await wait(send(get(crypto, 'subtle'), 'exportKey', 'raw', derivedKey))) + hex(stretched) + get(random, 'type');
  },
  async signatures() {
    let texts = '';
    const kinds = own([
      [{ name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }, 'verify'], [{ name: 'Ed25519' }, 'verify'],
      [{ name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: bytesIn(1, 0, 1), hash: 'SHA-256' }, 'verify'],
      [{ name: 'RSA-PSS', modulusLength: 1024, publicExponent: bytesIn(1, 0, 1), hash: 'SHA-256', saltLength: 16 }, 'verify'],
    ]);
    for (let i = 0; i < kinds.length; ++i) {
      const algorithm = kinds[i][0];
      const pair = await wait(send(get(crypto, 'subtle'), 'generateKey', algorithm, true, own(['sign', 'verify'])));
      const signature = await wait(send(get(crypto, 'subtle'), 'sign', algorithm, pair.privateKey, given.some));
      const jwk = await wait(send(get(crypto, 'subtle'), 'exportKey', 'jwk', pair.publicKey));
      const again = await wait(send(get(crypto, 'subtle'), 'importKey', 'jwk', jwk, algorithm, true, own(['verify'])));
      const spki = await wait(send(get(crypto, 'subtle'), 'exportKey', 'spki', again));
      const third = await wait(send(get(crypto, 'subtle'), 'importKey', 'spki', spki, algorithm, true, own(['verify'])));
      const pkcs8 = await wait(send(get(crypto, 'subtle'), 'exportKey', 'pkcs8', pair.privateKey));
      await wait(send(get(crypto, 'subtle'), 'importKey', 'pkcs8', pkcs8, algorithm, true, own(['sign'])));
      texts += (await wait(send(get(crypto, 'subtle'), 'verify', algorithm, third, signature, given.some))) + jwk.kty;
    }
    return texts;
  },
  async agreement() {
    let texts = '';
    for (let i = 0; i < 2; ++i) {
      const algorithm = own(i === 0 ? { name: 'ECDH', namedCurve: 'P-384' } : { name: 'X25519' });
      const pair = await wait(send(get(crypto, 'subtle'), 'generateKey', algorithm, true, own(['deriveBits'])));
      const bits = await wait(send(get(crypto, 'subtle'), 'deriveBits', own({ name: algorithm.name, public: pair.publicKey }), pair.privateKey, 256));
      texts += get(bits, 'byteLength');
    }
    const rsa = own({ name: 'RSA-OAEP', modulusLength: 1024, publicExponent: bytesIn(1, 0, 1), hash: 'SHA-1' });
    const pair = await wait(send(get(crypto, 'subtle'), 'generateKey', rsa, false, own(['encrypt', 'decrypt'])));
    const sealed = await wait(send(get(crypto, 'subtle'), 'encrypt', rsa, pair.publicKey, given.iv));
    return texts + hex(await wait(send(get(crypto, 'subtle'), 'decrypt', rsa, pair.privateKey, sealed)));
  },
  async random() {
    return `${send(crypto, 'getRandomValues', bytesOf(100, 1)).length},${send(crypto, 'randomUUID').length},${Math.random() < 1}`;
  },
  async clone() {
    const value = own({ few: given.few, some: [given.some], view: new kept.DataView(given.buffer), error: new kept.TypeError('x'), map: mapOf('a', { b: 1 }), set: setOf(1), date: new Date(5), pattern: /a/gi, boxed: new String('s'), big: 5n });
    const copy = send(globalThis, 'structuredClone', value);
    own(copy.view.buffer);
    const moved = send(globalThis, 'structuredClone', bytesOf(5, 1), own({ transfer: [] }));
    return hex(copy.few) + hex(copy.some[0]) + copy.view.byteLength + copy.error.message + copy.map.size + copy.set.size + copy.date.valueOf() + copy.pattern.source + hex(moved) + failure(() => send(globalThis, 'structuredClone', own(() => {})))
      + failure(() => send(globalThis, 'structuredClone', make(URL, 'http://x/')));
  },
  async messages() {
    const channel = make(MessageChannel);
    const got = later();
    get(channel, 'port2').onmessage = own((event) => {
      own(event);
      own(get(event, 'ports'));
      got.resolve(get(event, 'data'));
    });
    send(get(channel, 'port1'), 'postMessage', given.some);
    const shown = hex(await wait(got.promise));
    send(get(channel, 'port1'), 'close');
    const event = make(MessageEvent, 'message', own({ data: 1, origin: 'o', ports: [get(channel, 'port2')] }));
    return shown + get(event, 'data') + get(event, 'origin') + get(event, 'ports').length;
  },
  async blobs() {
    const blob = make(Blob, own([given.few, 'and a text that is\r\nlong enough', make(Blob, own([given.buffer]))]), own({ type: 'x/y', endings: 'native' }));
    const file = make(File, own(['content']), 'name', own({ type: 'text/plain', lastModified: 5 }));
    return hex(await wait(send(blob, 'arrayBuffer'))) + hex(await wait(send(blob, 'bytes'))) + (await wait(send(send(blob, 'slice', 40, 80), 'text'))) + (await wait(drain(send(blob, 'stream'), hex)))[0] + (await wait(drain(send(blob, 'stream'), hex, own({ mode: 'byob' }))))[0]
      + hex(await wait(send(send(globalThis, 'structuredClone', blob), 'arrayBuffer'))) + get(blob, 'size') + get(blob, 'type') + get(file, 'name') + get(file, 'lastModified') + get(send(globalThis, 'structuredClone', file), 'name');
  },
  async 'file reader'() {
    let texts = '';
    const ways = own(['readAsText', 'readAsArrayBuffer', 'readAsBinaryString', 'readAsDataURL']);
    for (let i = 0; i < ways.length; ++i) {
      const reader = make(FileReader);
      const done = later();
      reader.onprogress = own((event) => (texts += get(event, 'loaded')));
      send(reader, 'addEventListener', 'loadend', own((event) => done.resolve(own(event))));
      send(reader, ways[i], make(Blob, own(['content é']), own({ type: 'text/plain;charset=utf-8' })));
      await wait(done.promise);
      const result = get(reader, 'result');
      texts += (typeof result === 'string' ? result : hex(result)) + get(reader, 'readyState');
    }
    return texts;
  },
  async bodies() {
    const form = make(FormData);
    send(form, 'append', 'a', 'b');
    send(form, 'append', 'f', make(File, own(['content']), 'name.txt', own({ type: 'text/plain' })));
    send(form, 'set', 'a', 'c');
    const multipart = await wait(send(make(Response, form), 'formData'));
    const encoded = await wait(send(make(Response, make(URLSearchParams, 'a=b&c=%20d')), 'formData'));
    const stream = make(Response, numbersOf(given.few));
    const copy = send(stream, 'clone');
    const blob = await wait(send(make(Response, make(Blob, own([given.few]), own({ type: 'x/y' }))), 'blob'));
    return hex(await wait(send(make(Response, given.some), 'arrayBuffer'))) + hex(await wait(send(make(Response, given.some), 'bytes'))) + (await wait(send(make(Response, 'a text that is long enough'), 'text'))) + hex(await wait(send(blob, 'arrayBuffer')))
      + get(blob, 'type') + send(multipart, 'get', 'a') + (await wait(send(send(multipart, 'get', 'f'), 'text'))) + send(encoded, 'get', 'c') + hex(await wait(send(stream, 'arrayBuffer'))) + hex(await wait(send(copy, 'arrayBuffer')))
      + kept.stringify(await wait(send(send(Response, 'json', own({ a: [1] })), 'json'))) + (await wait(drain(get(make(Response, 'text'), 'body'), hex)))[0] + get(make(Response), 'bodyUsed');
  },
  async 'form data'() {
    const form = make(FormData);
    send(form, 'append', 'a', '1');
    send(form, 'append', 'a', '2');
    send(form, 'append', 'b', make(Blob, own(['x'])), 'file');
    send(form, 'delete', 'c');
    let texts = send(form, 'getAll', 'a').length + `${send(form, 'has', 'a')}`;
    send(form, 'forEach', own((value, name, self) => (own(value), own(self), (texts += name))));
    const iterator = send(form, 'entries');
    for (let step; !(step = send(iterator, 'next')).done; ) texts += step.value[0];
    const keys = send(form, 'keys');
    const values = send(form, 'values');
    return texts + send(keys, 'next').value + send(values, 'next').value;
  },
  async headers() {
    const headers = make(Headers, own({ b: '1', A: '2' }));
    send(headers, 'append', 'b', '3');
    send(headers, 'append', 'set-cookie', 'x=y');
    send(headers, 'set', 'c', ' 4 ');
    send(headers, 'delete', 'a');
    let texts = send(headers, 'get', 'b') + send(headers, 'has', 'c') + send(headers, 'getSetCookie').length;
    const iterator = send(headers, 'entries');
    for (let step; !(step = send(iterator, 'next')).done; ) texts += step.value[0] + step.value[1];
    const other = make(Headers, headers);
    return texts + send(other, 'get', 'c') + failure(() => make(Headers, own([['a\n', 'b']])));
  },
  async fetch() {
    const response = await wait(send(globalThis, 'fetch', 'http://a.example/x?y#z', own({ method: 'POST', body: 'body', headers: { a: 'b' } })));
    const request = make(Request, 'http://a.example/', own({ method: 'put', body: given.few, headers: [['x', 'y']], referrer: 'http://b.example/' }));
    const copy = send(request, 'clone');
    const data = await wait(send(globalThis, 'fetch', 'data:text/plain;base64,aGFsbG8='));
    const streamed = await wait(send(globalThis, 'fetch', copy));
    const aborted = make(AbortController);
    send(aborted, 'abort', 'because');
    let reason;
    try {
      await own(send(globalThis, 'fetch', 'http://a.example/', own({ signal: get(aborted, 'signal') })));
    } catch (error) {
      reason = error;
    }
    const redirected = send(Response, 'redirect', 'http://a.example/r');
    return get(response, 'status') + get(response, 'statusText') + send(get(response, 'headers'), 'get', 'x') + (await wait(send(response, 'text'))) + get(response, 'url') + get(response, 'ok') + get(response, 'redirected') + get(response, 'type')
      + get(request, 'method') + get(request, 'url') + send(get(request, 'headers'), 'get', 'x') + get(request, 'referrer') + hex(await wait(send(request, 'arrayBuffer'))) + (await wait(send(data, 'text'))) + (await wait(send(streamed, 'text'))) + reason
      + send(get(redirected, 'headers'), 'get', 'location') + get(send(Response, 'error'), 'type') + (await rejection(send(globalThis, 'fetch', 'nowhere')));
  },
  async 'host calls'() {
    return kept.stringify(await wait(send(host, 'call', 'echo', own({ a: [1, 'b'] })))) + (await rejection(send(host, 'call', 'none')));
  },
  async urls() {
    const url = make(URL, '../x?y=1&b=ä#z', 'http://user:pw@ä.example:8080/a/b');
    url.hash = 'q';
    url.search = '?a=b';
    url.host = 'other.example:1';
    url.pathname = '/p a';
    const query = get(url, 'searchParams');
    send(query, 'append', 'c', 'd e');
    send(query, 'set', 'a', 'ü');
    send(query, 'sort');
    let texts = get(url, 'href') + get(url, 'origin') + get(url, 'username') + get(url, 'port') + send(query, 'toString') + send(query, 'has', 'a') + get(query, 'size') + send(url, 'toJSON');
    send(query, 'forEach', own((value, name) => (texts += name + value)));
    const iterator = send(query, 'entries');
    for (let step; !(step = send(iterator, 'next')).done; ) texts += step.value[0];
    const others = make(URLSearchParams, own([['a', 'b'], ['a', 'c']]));
    send(others, 'delete', 'a', 'b');
    return texts + send(others, 'getAll', 'a').length + send(make(URLSearchParams, own({ x: 'y' })), 'get', 'x') + send(URL, 'canParse', 'none') + get(send(URL, 'parse', 'http://1.2.3/'), 'hostname') + get(make(URL, 'http://[::1]:80/'), 'host')
      + failure(() => make(URL, 'none'));
  },
  async 'url patterns'() {
    const pattern = make(URLPattern, own({ pathname: '/:a/*.html', search: 'q=:q', hostname: '{:sub.}?ex.com' }), own({ ignoreCase: true }));
    const found = send(pattern, 'exec', 'http://w.ex.com/x/y.html?q=1');
    return get(pattern, 'pathname') + get(pattern, 'hostname') + send(pattern, 'test', 'http://z/') + get(get(get(found, 'pathname'), 'groups'), 'a') + get(get(get(found, 'search'), 'groups'), 'q') + get(make(URLPattern, 'https://*.x/(\\d+)?*'), 'protocol')
      + failure(() => make(URLPattern, own({ pathname: '/(' })));
  },
  async events() {
    const target = make(EventTarget);
    let texts = '';
    const listener = own((event) => {
      texts += get(own(event), 'type') + get(event, 'eventPhase') + send(event, 'composedPath').length + get(event, 'isTrusted');
      send(event, 'preventDefault');
    });
    const holder = own({ handleEvent: own((event) => (texts += get(own(event), 'detail'))) });
    send(target, 'addEventListener', 'x', listener, own({ once: true }));
    send(target, 'addEventListener', 'x', holder);
    texts += send(target, 'dispatchEvent', make(CustomEvent, 'x', own({ detail: 7, cancelable: true })));
    texts += send(target, 'dispatchEvent', make(CustomEvent, 'x', own({ detail: 8 })));
    send(target, 'removeEventListener', 'x', holder);
    const controller = make(AbortController);
    send(target, 'addEventListener', 'y', listener, own({ signal: get(controller, 'signal') }));
    send(controller, 'abort');
    send(target, 'dispatchEvent', make(Event, 'y'));
    const reported = own((event) => {
      texts += get(own(event), 'message') + get(own(get(event, 'error')), 'message');
      send(event, 'preventDefault');
    });
    send(globalThis, 'addEventListener', 'error', reported);
    send(globalThis, 'reportError', make(kept.Error, 'reported'));
    send(target, 'addEventListener', 'z', own(() => { throw make(kept.Error, 'thrown'); }));
    send(target, 'dispatchEvent', make(Event, 'z'));
    send(globalThis, 'removeEventListener', 'error', reported);
    send(globalThis, 'addEventListener', 'w', listener);
    send(globalThis, 'dispatchEvent', make(Event, 'w', own({ bubbles: true })));
    return texts + get(make(ErrorEvent, 'e', own({ message: 'm', error: 5 })), 'message') + get(make(ProgressEvent, 'p', own({ loaded: 2 })), 'loaded') + get(make(PromiseRejectionEvent, 'r', own({ promise: own(later().promise), reason: 3 })), 'reason');
  },
  async rejections() {
    const got = later();
    const listener = own((event) => {
      send(own(event), 'preventDefault');
      own(get(event, 'promise'));
      got.resolve(get(event, 'reason'));
    });
    send(globalThis, 'addEventListener', 'unhandledrejection', listener);
    own(new kept.Promise(own((resolve, reject) => (own(resolve), own(reject)('unhandled')))));
    const reason = await wait(got.promise);
    send(globalThis, 'removeEventListener', 'unhandledrejection', listener);
    return reason;
  },
  async aborting() {
    const controller = make(AbortController);
    const signal = get(controller, 'signal');
    const any = send(AbortSignal, 'any', own([signal, send(AbortSignal, 'timeout', 10000)]));
    let texts = '';
    any.onabort = own((event) => (own(event), (texts += 'any')));
    send(signal, 'addEventListener', 'abort', own((event) => (own(event), (texts += 'one'))));
    send(controller, 'abort', 'reason');
    const timed = send(AbortSignal, 'timeout', 1);
    const done = later();
    send(timed, 'addEventListener', 'abort', own((event) => done.resolve(own(event))));
    await wait(done.promise);
    return texts + get(any, 'aborted') + get(any, 'reason') + get(own(get(timed, 'reason')), 'name') + failure(() => send(signal, 'throwIfAborted')) + get(get(send(AbortSignal, 'abort'), 'reason'), 'name');
  },
  async exceptions() {
    const error = make(DOMException, 'message', 'AbortError');
    const quota = make(QuotaExceededError, 'message', own({ quota: 1, requested: 2 }));
    const copy = send(globalThis, 'structuredClone', error);
    return get(error, 'name') + get(error, 'message') + get(error, 'code') + get(quota, 'quota') + get(quota, 'name') + get(copy, 'name') + get(send(globalThis, 'structuredClone', quota), 'requested') + typeof error.stack;
  },
  async streams() {
    const tee = send(numbers(5), 'tee');
    const drained = own([drain(tee[0], text), drain(tee[1], text)]);
    let texts = (await wait(drained[0]))[0] + (await wait(drained[1]))[0];
    const doubled = make(TransformStream, own({
      start: own((controller) => void own(controller)),
      transform: own((chunk, controller) => send(own(controller), 'enqueue', chunk * 2)),
      flush: own((controller) => send(own(controller), 'enqueue', 'end')),
    }));
    texts += (await wait(drain(send(numbers(5), 'pipeThrough', doubled), text)))[0];
    const written = own([]);
    const sink = make(WritableStream, own({
      start: own((controller) => void get(own(controller), 'signal')),
      write: own((chunk, controller) => (own(controller), void (written[written.length] = chunk))),
      close: own(() => pause()),
      abort: own((reason) => (texts += reason)),
    }), make(CountQueuingStrategy, own({ highWaterMark: 1 })));
    await wait(send(numbers(5), 'pipeTo', sink, own({ preventClose: true, signal: get(make(AbortController), 'signal') })));
    await wait(send(sink, 'abort', 'aborted'));
    const aborted = make(AbortController);
    const piped = send(numbers(1000), 'pipeTo', make(WritableStream), own({ signal: get(aborted, 'signal') }));
    send(aborted, 'abort', make(kept.Error, 'stop'));
    texts += await rejection(piped);
    const iterator = send(numbers(3), 'values', own({ preventCancel: true }));
    for (let step; !(step = await wait(send(iterator, 'next'))).done; ) texts += step.value;
    const from = send(ReadableStream, 'from', own(['a', 'b']));
    texts += (await wait(drain(from, text)))[0];
    const canceled = numbers(3, { cancel: own((reason) => void (texts += reason)) });
    await wait(send(canceled, 'cancel', 'canceled'));
    const reader = make(ReadableStreamDefaultReader, numbers(3));
    await wait(send(reader, 'read'));
    await wait(send(reader, 'cancel'));
    const failing = make(ReadableStream, own({ pull: own(() => { throw make(kept.Error, 'failed'); }) }));
    texts += await rejection(send(send(failing, 'getReader'), 'read'));
    const counted = own(make(CountQueuingStrategy, own({ highWaterMark: 1 })));
    get(counted, 'size');
    const sized = make(ByteLengthQueuingStrategy, own({ highWaterMark: 5 }));
    return texts + written.length + get(sized, 'highWaterMark') + kept.apply(get(sized, 'size'), undefined, own([given.few])) + get(tee[0], 'locked');
  },
  async 'byte streams'() {
    const bytes = (auto) => {
      let left = 3;
      return make(ReadableStream, own({
        type: 'bytes',
        ...(auto ? { autoAllocateChunkSize: 64 } : {}),
        pull: own((controller) => {
          const request = get(own(controller), 'byobRequest');
          if (request && left > 0) {
            const view = get(request, 'view');
            view[0] = left--;
            send(request, 'respond', 1);
          } else if (left > 0) send(controller, 'enqueue', bytesOf(left--, 7));
          else {
            send(controller, 'close');
            if (request) send(request, 'respond', 0);
          }
        }),
      }));
    };
    const tee = send(bytes(false), 'tee');
    const drained = own([drain(tee[0], hex), drain(tee[1], hex, own({ mode: 'byob' }))]);
    const reader = make(ReadableStreamBYOBReader, bytes(false));
    const filled = await wait(send(reader, 'read', own(new kept.Uint8Array(8)), own({ min: 1 })));
    await wait(send(reader, 'cancel', 'x'));
    return (await wait(drain(bytes(false), hex)))[0] + (await wait(drain(bytes(true), hex)))[0] + (await wait(drain(bytes(true), hex, own({ mode: 'byob' }))))[0] + (await wait(drained[0]))[0] + (await wait(drained[1]))[0] + hex(filled.value);
  },
  async timers() {
    let texts = '';
    const done = later();
    const interval = send(globalThis, 'setInterval', own((value) => {
      texts += value;
      if (texts.length < 3) return;
      send(globalThis, 'clearInterval', interval);
      done.resolve(texts);
    }), 1, 'i');
    send(globalThis, 'clearTimeout', send(globalThis, 'setTimeout', own(() => (texts += 'never')), 1));
    send(globalThis, 'clearImmediate', send(globalThis, 'setImmediate', own(() => (texts += 'never'))));
    await wait(done.promise);
    const ordered = later();
    send(globalThis, 'setImmediate', own((value) => ordered.resolve((texts += value))), 'n');
    send(globalThis, 'queueMicrotask', own(() => (texts += 'm')));
    return await wait(ordered.promise);
  },
  async base64() {
    return send(globalThis, 'btoa', 'a text that is long enough') + send(globalThis, 'atob', 'YSB0ZXh0IHRoYXQgaXMgbG9uZyBlbm91Z2g=') + failure(() => send(globalThis, 'atob', '*'));
  },
  async performance() {
    send(performance, 'mark', 'a', own({ detail: { x: 1 }, startTime: 1 }));
    const measure = send(performance, 'measure', 'b', own({ start: 'a', end: 5, detail: [2] }));
    const got = later();
    const observer = make(PerformanceObserver, own((list, self, facts) => {
      own(self), own(facts);
      got.resolve(send(own(list), 'getEntries').length);
    }));
    send(observer, 'observe', own({ entryTypes: ['mark', 'measure'] }));
    send(performance, 'mark', 'c');
    const count = await wait(got.promise);
    send(observer, 'disconnect');
    const names = send(performance, 'getEntriesByType', 'mark').length + send(performance, 'getEntriesByName', 'b').length + send(performance, 'getEntries').length;
    send(performance, 'clearMarks', 'a');
    send(performance, 'clearMeasures');
    return count + get(measure, 'duration') + names + `${send(performance, 'now') > 0}${get(performance, 'timeOrigin') > 0}${send(measure, 'toJSON').name}`;
  },
  async console() {
    const value = own({ a: [1, 2, { b: mapOf(1, { c: 2 }) }], e: new kept.Error('shown'), f: given.few, d: new Date(5), p: /x/g, s: setOf('a'), u: make(URL, 'http://x/'), get g() { return 1; } });
    const names = own(['debug', 'error', 'info', 'log', 'warn', 'dir', 'dirxml', 'trace', 'group', 'groupEnd', 'assert']);
    for (let i = 0; i < names.length; ++i) send(console, names[i], names[i] === 'log' ? '%s %o %O %d %i %f %j %c' : value, value, value, 5);
    send(console, 'table', own([{ a: 1 }, { b: 2 }]));
    send(console, 'count', 'x'), send(console, 'countReset', 'x'), send(console, 'time', 'x'), send(console, 'timeLog', 'x', value), send(console, 'timeEnd', 'x');
    return 'written';
  },
  async scope() {
    return `${get(navigator, 'userAgent') === navigator.userAgent}${self === globalThis}`;
  },
  async 'node globals'() {
    const buffer = send(Buffer, 'from', 'a text that is long enough é');
    const joined = send(Buffer, 'concat', own([buffer, send(Buffer, 'from', given.few), send(Buffer, 'alloc', 20, 'ab')]));
    const written = send(joined, 'writeUInt32LE', 5, 0) + send(joined, 'indexOf', 'long') + send(Buffer, 'byteLength', 'é') + send(Buffer, 'compare', buffer, joined) + send(buffer, 'equals', joined);
    const ticked = later();
    send(process, 'nextTick', own((value) => ticked.resolve(value)), 'tick');
    send(get(process, 'stdout'), 'write', 'text\n');
    return send(joined, 'toString', 'hex') + send(joined, 'toString', 'base64') + send(buffer, 'toString') + hex(send(buffer, 'slice', 2, 9)) + hex(send(buffer, 'subarray', 2, 9)) + written + kept.stringify(send(buffer, 'toJSON')) + (await wait(ticked.promise))
      + send(process, 'hrtime').length + get(process, 'platform') + send(process, 'cwd') + (global === globalThis);
  },
  async letheNode() {
    const operations = get(letheNode, 'crypto');
    const key = send(operations, 'importKey', 'raw', given.key, own({ name: 'HMAC', hash: 'SHA-256' }), true, own(['sign']));
    const before = send(letheNode, 'continuation');
    send(letheNode, 'setContinuation', given.few);
    const isKept = send(letheNode, 'continuation') === given.few;
    send(letheNode, 'setContinuation', before);
    return hex(send(operations, 'digest', 'SHA-1', given.few)) + hex(send(operations, 'sign', 'HMAC', key, given.few)) + isKept + send(letheNode, 'kindOf', given.few)
      + send(letheNode, 'format', '%s %d', 'a', 1) + send(letheNode, 'inspect', own([1, own({ a: 'b' })]));
  },
};
function numbersOf(bytes) {
  return make(ReadableStream, own({ start: own((controller) => { send(own(controller), 'enqueue', bytes); send(controller, 'close'); }) }));
}

// {USE: what came out}
async function useAll() {
  const results = own({});
  for (const name in uses) results[name] = await wait(own(uses[name]()));
  return results;
}
async function useAllWithRecorders(onlyLanguage) {
  const count = record(onlyLanguage);
  const results = await own(useAll());
  return { count, results, strangers: strangers() };
}

// Between two chunks of each stream all is overwritten that the script has got hold of.
async function compressAndOverwrite(onlyLanguage) {
  record(onlyLanguage);
  const pass = async (stream, chunks) => {
    const writer = send(get(stream, 'writable'), 'getWriter');
    const reader = send(get(stream, 'readable'), 'getReader');
    const pieces = own([]);
    const read = async () => {
      for (let next; !(next = await wait(send(reader, 'read'))).done; ) pieces[pieces.length] = next.value;
    };
    const isRead = own(read());
    for (let i = 0; i < chunks.length; ++i) {
      await wait(send(writer, 'write', chunks[i]));
      await wait(pause()); // then all pieces have been read
      overwriteStrangers();
    }
    await wait(send(writer, 'close'));
    await wait(isRead);
    return pieces;
  };
  let text = '';
  for (let i = 0; i < 3; ++i) {
    const format = i === 0 ? 'gzip' : i === 1 ? 'deflate' : 'deflate-raw';
    // Noise, so that each chunk gives output.
    const noise = own(new kept.Uint8Array(200000));
    for (let k = 0, state = 1; k < noise.length; ++k) noise[k] = (state = (state * 48271) % 2147483647) >> 8;
    const packed = await wait(own(pass(make(CompressionStream, format), own([noise, noise]))));
    const unpacked = await wait(own(pass(make(DecompressionStream, format), packed)));
    let at = 0;
    let isSame = true;
    for (let k = 0; k < unpacked.length; ++k) for (let j = 0; j < unpacked[k].length; ++j, ++at) isSame = isSame && unpacked[k][j] === noise[at % noise.length];
    text += `${format}: ${at} bytes, ${isSame ? 'the same' : 'others'};`;
  }
  return text;
}
