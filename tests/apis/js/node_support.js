// SPDX-License-Identifier: Apache-2.0
// What the modules of `lethe bundle` are made of.
const { continuation, crypto: operations, format, inspect, kindOf, setContinuation } = letheNode;

// Calls with a value that what awaits in it is to find.
function within(value, action) {
  const before = continuation();
  setContinuation(value);
  try {
    return action();
  } finally {
    setContinuation(before);
  }
}

promise_test(async () => {
  assert_equals(continuation(), undefined);
  const seen = await Promise.all(['a', 'b'].map((value) => within(value, async () => {
    const values = [];
    const note = () => values.push(continuation());
    await undefined;
    note();
    await new Promise((resolve) => setTimeout(resolve, 1));
    note();
    await Promise.reject(new Error('x')).catch(note);
    note();
    for await (const each of [1, 2]) note(each);
    await crypto.subtle.digest('SHA-256', new Uint8Array(1)).then(note);
    await { then: (resolve) => resolve() };
    note();
    return values;
  })));
  assert_equals(JSON.stringify(seen), JSON.stringify(['a', 'b'].map((value) => Array(8).fill(value))));
  assert_equals(continuation(), undefined);
}, 'a continuation is that of what awaits, whatever else runs meanwhile');

promise_test(async () => {
  const data = new Uint8Array([1, 2, 3]);
  const bytes = (buffer) => String(new Uint8Array(buffer));
  assert_equals(bytes(operations.digest('SHA-256', data)), bytes(await crypto.subtle.digest('SHA-256', data)));
  const key = operations.importKey('raw', data, { name: 'HMAC', hash: 'SHA-1' }, true, ['sign']);
  assert_true(key instanceof CryptoKey);
  assert_equals(bytes(operations.sign('HMAC', key, data)), bytes(await crypto.subtle.sign('HMAC', key, data)));
  const { privateKey, publicKey } = operations.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  assert_true(operations.verify(algorithm, publicKey, operations.sign(algorithm, privateKey, data), data));
  let error;
  try {
    operations.exportKey('pkcs8', privateKey);
  } catch (thrown) {
    error = thrown;
  }
  assert_equals(error.name, 'InvalidAccessError');
}, 'the operations of crypto.subtle without promises');

promise_test(async () => {
  const text = new TextEncoder().encode('x');
  operations.digest = () => {
    throw new Error('changed');
  };
  assert_equals((await crypto.subtle.digest('SHA-1', text)).byteLength, 20);
}, 'what a script does to them is nothing to crypto.subtle');

test(() => {
  assert_equals(format('%s %d', 'a', 1, { b: 2 }), 'a 1 { b: 2 }');
  assert_equals(inspect(new Map([[1, [2]]])), 'Map(1) { 1 => [ 2 ] }');
  assert_equals([new Date(), new Proxy({}, {}), async () => {}, {}].map(kindOf).join(), 'Date,Proxy,AsyncFunction,');
  assert_equals(letheNode.Buffer.from('é').toString('hex'), 'c3a9');
  assert_equals(letheNode.process.platform, 'linux');
  assert_equals(typeof Buffer + typeof process, 'undefinedundefined');
}, 'texts, kinds, Buffer and process');
