// SPDX-License-Identifier: Apache-2.0
// usage: node.js LIBRARY SOCKET. NODE_PATH has the libraries.
'use strict';
const net = require('node:net');
const util = require('node:util');

const [library, path] = process.argv.slice(2);

const streamed = stream => take => {
  stream.on('data', message => take(message)).on('error', error => take(null, error));
  return chunk => {
    try {
      stream.write(chunk);
    } catch (error) {
      take(null, error);
    }
  };
};

function msgpack(options) {
  const { encode, decodeMultiStream } = require('@msgpack/msgpack');
  return {
    encode: value => encode(value, options),
    reader: take => {
      const { readable, writable } = new TransformStream();
      const writer = writable.getWriter();
      const read = async () => { for await (const message of decodeMultiStream(readable, options)) take(message); };
      read().catch(error => take(null, error));
      return chunk => { writer.write(chunk).catch(() => {}); };
    },
  };
}

function msgpackr(more) {
  const { Packr, UnpackrStream } = require('msgpackr');
  const options = { useRecords: false, int64AsType: 'auto', encodeUndefinedAsNil: true, ...more };
  const packr = new Packr(options);
  return { encode: value => packr.pack(value), reader: take => streamed(new UnpackrStream(options))(take) };
}

// Its own extensions for Date and others are not those of the specification.
function lite() {
  const { createCodec, createDecodeStream, encode } = require('msgpack-lite');
  const codec = createCodec({ usemap: true });
  codec.addExtPacker(0xff, Date, date => {
    const bytes = Buffer.alloc(12);
    const seconds = Math.floor(date / 1000);
    bytes.writeUInt32BE((date - seconds * 1000) * 1e6);
    bytes.writeBigInt64BE(BigInt(seconds), 4);
    return bytes;
  });
  codec.addExtUnpacker(0xff, bytes => {
    if (bytes.length === 4) return new Date(bytes.readUInt32BE() * 1000);
    if (bytes.length === 12) return new Date(Number(bytes.readBigInt64BE(4)) * 1000 + bytes.readUInt32BE() / 1e6);
    return new Date(((bytes[3] & 3) * 2 ** 32 + bytes.readUInt32BE(4)) * 1000 + (bytes.readUInt32BE() >>> 2) / 1e6);
  });
  return { encode: value => encode(value, { codec }), reader: take => streamed(createDecodeStream({ codec }))(take) };
}

function msgpack5() {
  const codec = require('msgpack5')();
  return { encode: value => codec.encode(value).slice(), reader: take => streamed(codec.decoder({ header: false }))(take) };
}

// It has no reader for streams: whether a message has ended is found by trying, and there must be none behind it.
function notepack() {
  const { encode, decode } = require('notepack.io');
  const reader = take => {
    let received = Buffer.alloc(0);
    return chunk => {
      received = Buffer.concat([received, chunk]);
      let message;
      try {
        message = decode(received);
      } catch (error) {
        return error instanceof RangeError ? undefined : take(null, error);
      }
      received = Buffer.alloc(0);
      return take(message);
    };
  };
  return { encode, reader };
}

// `encode`, and `reader`: makes, of a function that takes messages, one that takes chunks of bytes.
const { encode, reader } = {
  msgpack: () => msgpack({ maxDepth: 300 }),
  'msgpack-bigint': () => msgpack({ maxDepth: 300, useBigInt64: true }),
  msgpackr: () => msgpackr(),
  'msgpackr-maps': () => msgpackr({ mapsAsObjects: false }),
  'msgpack-lite': lite,
  msgpack5,
  notepack,
}[library]();

const get = (map, key) => (map instanceof Map ? map.get(key) : map[key]);

// Resolves with a result and the console lines that came before; rejects with the error map. One connection for each.
function call(name, parameters = [], options = null, host = null) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path);
    const console = [];
    const end = (settle, value) => { settle(value); socket.destroy(); };
    const feed = reader((message, failure) => {
      if (failure) return end(reject, failure);
      const [type, ...rest] = message;
      if (type === 0) return void socket.write(encode([1, rest[0], ...host(...rest[2].slice(1))]));
      if (type === 2) return void console.push(rest[1].slice(1));
      return rest[1] ? end(reject, { refused: rest[1] }) : end(resolve, [rest[2], console]);
    });
    socket.on('data', feed).on('error', reject).on('close', () => reject(new Error('connection closed')));
    try {
      socket.write(encode([0, 1, 'call', ['interop', name, parameters, options]]));
    } catch (error) {
      end(reject, error);
    }
  });
}

async function say(name, attempt) {
  let outcome;
  try {
    const patience = new Promise((resolve, reject) => setTimeout(reject, 5000, new Error('no answer in 5 s')).unref());
    outcome = await Promise.race([attempt(), patience]);
  } catch (error) {
    const map = error.refused;
    outcome = map ? ['code', 'name', 'message'].map(key => get(map, key)).filter(Boolean).join(' ') : `${error.name}: ${error.message}`;
  }
  process.stdout.write(`${name}\t${outcome}\n`);
}

function same(value, other) {
  if (value instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(value, other) === 0;
  return util.isDeepStrictEqual(value, other);
}

const values = {
  nil: null, booleans: [true, false], integers: [0, 7, -7, 300, -70000, 2 ** 40], largest_safe: 2 ** 53 - 1, beyond_safe: 2n ** 53n + 1n,
  largest_uint64: 2n ** 64n - 1n, smallest_int64: -(2n ** 63n), float: 1.5, whole_float: 1e18, minus_zero: -0, infinity: Infinity, nan: NaN,
  text: 'grüße 😀', long_text: '\ufeff' + 'long '.repeat(60), digits: '42', bytes: Uint8Array.of(0, 0xff, 0x80),
  date: new Date('2024-01-31T10:20:30.250Z'), date_before_1970: new Date('1969-07-20T20:17:40.500Z'), date_in_3000: new Date('3000-01-01'),
  array: [1, ['a', null]], empty_array: [], map: { name: 'Ada', tags: { admin: true } }, empty_map: {},
  map_by_numbers: new Map([[1, 'one'], [-2, 'minus two']]), map_by_arrays: new Map([[[1, 2], 'a pair']]),
  map_with_nil: new Map([[null, 'Session'], ['name', 'Ada']]), map_with_proto: { ['__proto__']: { admin: true }, name: 'Ada' },
  deep: JSON.parse('['.repeat(250) + ']'.repeat(250)),
};

(async () => {
  for (const [name, value] of Object.entries(values)) {
    await say(`to.${name}`, async () => (await call('take', [value]))[0]);
    await say(`from.${name}`, async () => {
      const [given] = await call('give', [name]);
      if (same(given, value)) return 'same';
      const admin = given?.admin && ', which is an admin';
      return util.inspect(given, { depth: 4, breakLength: Infinity }) + (admin || '');
    });
  }
  await say('to.buffer', async () => (await call('take', [Buffer.of(0, 0xff, 0x80)]))[0]);
  await say('to.undefined', async () => (await call('take', [undefined]))[0]);
  await say('error', () => call('fail'));
  await say('deadline', () => call('spin', [], { deadline_ms: 100 }));
  await say('true_option', async () => (await call('log', [], { console: true }))[1][0].join(' '));
  await say('no_options', async () => (await call('log', [], {}))[0]);
  await say('host_call', async () => (await call('ask', [], null, (name, [a, b]) => [null, a + b]))[0]);
  await say('host_error', async () => (await call('ask_in_vain', [], null, () => ['not allowed', null]))[0]);
  process.exit();
})();
