// SPDX-License-Identifier: Apache-2.0
// Headers, Request, Response and FormData: https://fetch.spec.whatwg.org/, https://xhr.spec.whatwg.org/#interface-formdata
const bodyMethods = { arrayBuffer: 0, blob: 0, bytes: 0, clone: 0, formData: 0, json: 0, text: 0 };
test(() => {
  assert_interface('Headers', { methods: { append: 2, delete: 1, get: 1, getSetCookie: 0, has: 1, set: 2, forEach: 1, entries: 0, keys: 0, values: 0 } });
  assert_interface('FormData', { methods: { append: 2, delete: 1, get: 1, getAll: 1, has: 1, set: 2, forEach: 1, entries: 0 } });
  assert_interface('Request', {
    length: 1,
    attributes: ['method', 'url', 'headers', 'destination', 'referrer', 'referrerPolicy', 'mode', 'credentials', 'cache', 'redirect', 'integrity', 'keepalive', 'signal', 'duplex', 'body', 'bodyUsed'],
    methods: bodyMethods,
  });
  assert_interface('Response', { attributes: ['type', 'url', 'redirected', 'status', 'ok', 'statusText', 'headers', 'body', 'bodyUsed'], methods: bodyMethods, statics: { error: 0, redirect: 1, json: 1 } });
  for (const Interface of [Headers, FormData]) assert_equals(Interface.prototype[Symbol.iterator], Interface.prototype.entries);
  assert_equals(fetch.length, 1);
}, 'the interfaces');

test(() => {
  const headers = new Headers([['B', ' 2\t'], ['a', '1'], ['b', '3'], ['Set-Cookie', 'x'], ['set-cookie', 'y']]);
  assert_object_equals([...headers], [['a', '1'], ['b', '2, 3'], ['set-cookie', 'x'], ['set-cookie', 'y']]);
  assert_array_equals(headers.getSetCookie(), ['x', 'y']);
  assert_array_equals([headers.get('B'), headers.get('none'), headers.has('A')], ['2, 3', null, true]);
  headers.set('b', '4');
  headers.delete('A');
  assert_object_equals([...headers.keys()], ['b', 'set-cookie', 'set-cookie']);
  assert_object_equals([...new Headers({ x: 1, Y: 'z' })], [['x', '1'], ['y', 'z']]);
  assert_equals(new Headers(new Headers({ a: 'b' })).get('a'), 'b');
  assert_equals(String(headers.entries()), '[object Headers Iterator]');
}, 'headers are sorted and combined');

test(() => {
  for (const [name, value] of [['', 'x'], ['a b', 'x'], ['ä', 'x'], ['a', 'x\ny'], ['a', 'x\0'], ['a', '\u0100']])
    assert_throws_js(TypeError, () => new Headers([[name, value]]), JSON.stringify([name, value]));
  for (const init of [null, 'a', 5, [['a']], [['a', 'b', 'c']], ['ab', 5]]) assert_throws_js(TypeError, () => new Headers(init), JSON.stringify(init));
  assert_throws_js(TypeError, () => new Headers().append('a'));
  assert_throws_js(TypeError, () => Headers.prototype.get.call({}, 'a'));
}, 'what are no headers');

promise_test(async () => {
  const response = new Response('{"a": "ä"}', { status: 201, statusText: 'Made', headers: { x: 'y' } });
  assert_array_equals([response.status, response.ok, response.statusText, response.type, response.url, response.redirected], [201, true, 'Made', 'default', '', false]);
  assert_equals(response.headers.get('content-type'), 'text/plain;charset=UTF-8');
  const copy = response.clone();
  assert_object_equals(await response.json(), { a: 'ä' });
  assert_true(response.bodyUsed);
  assert_false(copy.bodyUsed);
  assert_equals(await copy.text(), '{"a": "ä"}');
}, 'a response');

promise_test(async (t) => {
  const response = new Response('x');
  await response.text();
  await promise_rejects_js(t, TypeError, response.text());
  assert_throws_js(TypeError, () => response.clone());
  await promise_rejects_js(t, SyntaxError, new Response('{').json());
  await promise_rejects_js(t, TypeError, Response.prototype.text.call({}));
  const locked = new Response('x');
  locked.body.getReader();
  await promise_rejects_js(t, TypeError, locked.text());
}, 'a body is read once');

promise_test(async () => {
  const bodies = [
    [new Uint8Array([104, 105]), null],
    [new Uint8Array([104, 105]).buffer, null],
    [new Blob(['hi'], { type: 'a/b' }), 'a/b'],
    [new URLSearchParams('hi'), 'application/x-www-form-urlencoded;charset=UTF-8', 'hi='],
    ['hi', 'text/plain;charset=UTF-8'],
    [new Blob(['hi']).stream(), null],
  ];
  for (const [body, type, text = 'hi'] of bodies) {
    const response = new Response(body);
    assert_equals(response.headers.get('content-type'), type);
    assert_equals(await response.text(), text);
  }
  assert_equals(await new Response().text(), '');
  assert_equals(new Response(null).body, null);
  assert_equals(await new Response('\ufeffx').text(), 'x');
  assert_equals((await new Response('x', { headers: { 'content-type': 'Text/HTML; charset="utf-8"' } }).blob()).type, 'text/html;charset=utf-8');
}, 'kinds of bodies');

test(() => {
  assert_throws_js(RangeError, () => new Response('', { status: 199 }));
  assert_throws_js(RangeError, () => new Response('', { status: 600 }));
  assert_throws_js(TypeError, () => new Response('x', { status: 204 }));
  assert_throws_js(TypeError, () => new Response('', { statusText: 'a\nb' }));
  assert_array_equals([Response.error().type, Response.error().status], ['error', 0]);
  const redirection = Response.redirect('http://a/ b', 307);
  assert_array_equals([redirection.status, redirection.headers.get('location')], [307, 'http://a/%20b']);
  assert_throws_js(TypeError, () => redirection.headers.set('a', 'b'));
  assert_throws_js(RangeError, () => Response.redirect('http://a/', 200));
  assert_equals(Response.json({ a: 1 }).headers.get('content-type'), 'application/json');
  assert_throws_js(TypeError, () => Response.json(undefined));
}, 'special responses');

promise_test(async () => {
  const request = new Request('http://EXAMPLE.com/a?b#c', { method: 'post', body: 'x', headers: { 'X-Y': 'z' } });
  assert_array_equals([request.method, request.url, request.mode, request.credentials, request.redirect, request.referrer], ['POST', 'http://example.com/a?b#c', 'cors', 'same-origin', 'follow', 'about:client']);
  assert_equals(request.headers.get('x-y'), 'z');
  const copy = request.clone();
  const other = new Request(request, { method: 'PUT' });
  assert_true(request.bodyUsed);
  assert_array_equals([other.method, await other.text(), await copy.text()], ['PUT', 'x', 'x']);
  assert_equals(new Request('http://a', { method: 'patch' }).method, 'patch');
  assert_true(request.signal instanceof AbortSignal);
}, 'a request');

test(() => {
  const refused = [['/relative'], ['http://u:p@a/'], ['http://a', { method: 'TRACE' }], ['http://a', { method: 'a b' }], ['http://a', { body: 'x' }], ['http://a', { mode: 'navigate' }],
    ['http://a', { mode: 'x' }], ['http://a', { cache: 'only-if-cached' }], ['http://a', { signal: {} }], ['http://a', { window: 1 }], ['http://a', { method: 'POST', body: new ReadableStream() }]];
  refused.forEach((args, i) => assert_throws_js(TypeError, () => new Request(...args), `number ${i}`));
  assert_throws_js(TypeError, () => new Request());
}, 'what are no requests');

test(() => {
  const controller = new AbortController();
  const request = new Request('http://a', { signal: controller.signal });
  const copy = new Request(request);
  controller.abort('why');
  assert_array_equals([request.signal.aborted, copy.signal.reason], [true, 'why']);
}, 'a request follows its signal');

promise_test(async () => {
  const form = new FormData();
  form.append('a', 'line\nbreak');
  form.append('"q"', new File([new Uint8Array([0, 255, 13, 10])], 'f"ä.bin', { type: 'x/y' }));
  form.append('a', new Blob(['z']));
  const response = new Response(form);
  assert_regexp_match(response.headers.get('content-type'), /^multipart\/form-data; boundary=\S{20,}$/);
  const copy = await response.formData();
  assert_object_equals([...copy.keys()], ['a', '"q"', 'a']);
  assert_equals(copy.get('a'), 'line\r\nbreak');
  const file = copy.get('"q"');
  assert_array_equals([file.name, file.type, file.size], ['f"ä.bin', 'x/y', 4]);
  assert_array_equals(await file.bytes(), [0, 255, 13, 10]);
  assert_array_equals([copy.getAll('a')[1].name, await copy.getAll('a')[1].text()], ['blob', 'z']);
}, 'a form as a body');

promise_test(async (t) => {
  const form = new FormData();
  form.append('a', 1);
  form.append('b', 2);
  form.append('a', 3);
  form.set('a', 4);
  form.delete('b');
  assert_object_equals([...form], [['a', '4']]);
  assert_throws_js(TypeError, () => form.append('a'));
  assert_throws_js(TypeError, () => form.append('a', 'text', 'name'));
  assert_throws_js(TypeError, () => new FormData({}));
  const decoded = await new Response(new URLSearchParams('x=1&y=a+b')).formData();
  assert_object_equals([...decoded], [['x', '1'], ['y', 'a b']]);
  await promise_rejects_js(t, TypeError, new Response('x').formData());
  await promise_rejects_js(t, TypeError, new Response('x', { headers: { 'content-type': 'multipart/form-data; boundary=b' } }).formData());
}, 'FormData');

promise_test(async (t) => {
  const response = await fetch('data:text/html;charset=utf-8,a%20b%ff');
  assert_array_equals([response.status, response.headers.get('content-type'), response.url], [200, 'text/html;charset=utf-8', 'data:text/html;charset=utf-8,a%20b%ff']);
  assert_array_equals(await response.bytes(), [97, 32, 98, 255]);
  assert_throws_js(TypeError, () => response.headers.append('a', 'b'));
  await promise_rejects_js(t, TypeError, fetch('data:text/html'));
  await promise_rejects_js(t, TypeError, fetch('/relative'));
  await promise_rejects_js(t, TypeError, fetch());
  const reason = {};
  await promise_rejects_exactly(t, reason, fetch('data:,x', { signal: AbortSignal.abort(reason) }));
}, 'fetch of data URLs');

promise_test(async (t) => {
  await promise_rejects_js(t, TypeError, fetch('http://a/'));
}, 'without a client that answers there is no network');

promise_test(async () => {
  for (const [contentType, type] of [
    ['TEXT/Plain;Charset=GBK', 'text/plain;charset=GBK'],
    ['x/x;test="\\', 'x/x;test="\\\\"'],
    ['x/x;test="a\\"b"', 'x/x;test="a\\"b"'],
    ['x/x; a=B ; c="d e";a=f', 'x/x;a=B;c="d e"'],
    ['no type', ''],
  ])
    for (const body of [new Response('', { headers: { 'Content-Type': contentType } }), new Request('http://a/', { method: 'POST', body: '', headers: { 'Content-Type': contentType } })])
      assert_equals((await body.blob()).type, type);
}, "a body's blob has the serialized type");

promise_test(async () => {
  const chunks = () => new ReadableStream({ start(c) { c.enqueue(new Uint8Array([1])); c.close(); } });
  for (const one of [new Response(chunks()), new Request('http://a/', { method: 'POST', body: chunks(), duplex: 'half' }), new Response('\u0001')]) {
    const two = one.clone();
    const first = (await one.body.getReader().read()).value;
    const second = (await two.body.getReader().read()).value;
    first[0] = 9;
    assert_true(first !== second);
    assert_array_equals([...second], [1]);
  }
}, "what a clone's body gives is its own");

promise_test(async (t) => {
  for (const make of [() => new Response('abc'), () => new Response(new Blob(['abc'])), () => new Request('http://a/', { method: 'POST', body: 'abc' }), () => new Response(new Response('abc').body)]) {
    for (const seeBefore of [false, true]) {
      const consumed = make();
      if (seeBefore) consumed.body;
      await consumed.text();
      assert_true(consumed.body.locked);
      assert_throws_js(TypeError, () => consumed.body.getReader());
      assert_throws_js(TypeError, () => consumed.clone());
    }
  }
  assert_equals(new Response().body, null);
}, 'the stream of a body that was consumed is locked');

promise_test(async (t) => {
  for (const init of ['x', new ReadableStream({ start(c) { c.enqueue(new Uint8Array([120])); c.close(); } })]) {
    const old = new Request('http://a/', { method: 'POST', body: init, duplex: 'half' });
    const { body } = old;
    const made = new Request(old);
    assert_array_equals([old.body === body, body.locked, old.bodyUsed, made.bodyUsed], [true, true, true, false]);
    assert_throws_js(TypeError, () => new Request(old));
    await promise_rejects_js(t, TypeError, old.text());
    assert_equals(await made.text(), 'x');
  }
  const unread = new Request('http://a/', { method: 'POST', body: 'y' });
  const other = new Request(unread, { body: 'z' });
  assert_array_equals([unread.bodyUsed, await unread.text(), await other.text()], [false, 'y', 'z']);
}, 'a request that is made of another uses it up');
