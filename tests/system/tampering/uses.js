// SPDX-License-Identifier: Apache-2.0
// Uses of the APIs behind which there is native code, in a world of recorders: what comes out is told to own(), and returned to
// be compared. No method of the language is called here: that would only tell what the script did itself.
const bytesOf = (length, first) => {
  const bytes = own(new Uint8Array(length));
  for (let i = 0; i < length; ++i) bytes[i] = first + i * i;
  return bytes;
};
const given = { few: bytesOf(50, 1), some: bytesOf(5000, 2), key: bytesOf(32, 3), iv: bytesOf(16, 4), buffer: own(new ArrayBuffer(64)) };
// By these the library with other encodings makes its tables: they are no secret.
const upperHalf = own(new Uint8Array(128));
for (let i = 0; i < 128; ++i) upperHalf[i] = 128 + i;
const digits = '0123456789abcdef';
const hex = (result) => {
  const bytes = own(result) instanceof kept.ArrayBuffer ? own(new kept.Uint8Array(result)) : result;
  let text = '';
  for (let i = 0; i < bytes.length; ++i) text += digits[bytes[i] >> 4] + digits[bytes[i] & 15];
  return text;
};
const kept = { ArrayBuffer, Uint8Array };

// All that comes out of a stream that gets these chunks, each as `show` says.
async function through(stream, chunks, show) {
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const write = async () => {
    for (let i = 0; i < chunks.length; ++i) await writer.write(chunks[i]);
    await writer.close();
  };
  const written = write();
  let shown = '';
  const values = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    values[values.length] = own(value);
    shown += show(value);
  }
  await written;
  return [shown, values];
}

const uses = {
  async compression() {
    let texts = '';
    for (let i = 0; i < 3; ++i) {
      const format = i === 0 ? 'gzip' : i === 1 ? 'deflate' : 'deflate-raw';
      const [, packed] = await through(new CompressionStream(format), [given.few, given.some, given.buffer], hex);
      texts += (await through(new DecompressionStream(format), packed, hex))[0] + ';';
    }
    return texts;
  },
  async text() {
    const decoder = new TextDecoder();
    const bytes = own(new TextEncoder().encode('é€😀 and so on, for more than a few bytes'));
    const target = own(new kept.Uint8Array(40));
    const { written } = new TextEncoder().encodeInto('é€😀 and so on, for more than a few bytes', target);
    return decoder.decode(given.some, { stream: true }) + decoder.decode(bytes) + new TextDecoder('utf-16le').decode(given.some) + new TextDecoder('latin1').decode(given.some)
      + new TextDecoder('koi8-r').decode(given.some) + written + hex(target);
  },
  async 'text streams'() {
    const [, encoded] = await through(new TextEncoderStream(), ['é€😀 and so on, for more', ' than a few bytes'], hex);
    return (await through(new TextDecoderStream(), encoded, (text) => text))[0];
  },
  async digests() {
    return hex(await crypto.subtle.digest('SHA-1', given.few)) + hex(await crypto.subtle.digest('SHA-256', given.buffer)) + hex(await crypto.subtle.digest('SHA-512', given.some));
  },
  async ciphers() {
    let texts = '';
    for (let i = 0; i < 3; ++i) {
      const algorithm = i === 0 ? { name: 'AES-GCM', iv: given.iv, additionalData: given.few } : i === 1 ? { name: 'AES-CBC', iv: given.iv } : { name: 'AES-CTR', counter: given.iv, length: 64 };
      const key = await crypto.subtle.importKey('raw', given.key, algorithm.name, true, ['encrypt', 'decrypt']);
      const sealed = await crypto.subtle.encrypt(algorithm, key, given.some);
      texts += hex(sealed) + hex(await crypto.subtle.decrypt(algorithm, key, sealed)) + hex(await crypto.subtle.exportKey('raw', key)) + ';';
    }
    return texts;
  },
  async codes() {
    const hmac = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', given.key, hmac, false, ['sign', 'verify']);
    const code = own(await crypto.subtle.sign('HMAC', key, given.some));
    const secret = await crypto.subtle.importKey('raw', given.key, 'HKDF', false, ['deriveBits']);
    const derived = await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: given.iv, info: given.few }, secret, 512);
    return hex(code) + (await crypto.subtle.verify('HMAC', key, code, given.some)) + hex(derived);
  },
  async signatures() {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const signature = own(await crypto.subtle.sign(algorithm, privateKey, given.some));
    return `${await crypto.subtle.verify(algorithm, publicKey, signature, given.some)}`;
  },
  async random() {
    return `${crypto.getRandomValues(given.buffer ? bytesOf(100, 1) : 0).length},${crypto.randomUUID().length}`;
  },
  async clone() {
    const copy = structuredClone({ few: given.few, some: [given.some], view: own(new DataView(given.buffer)), error: new Error('x') });
    own(copy.view.buffer);
    return hex(copy.few) + hex(copy.some[0]) + copy.view.byteLength + copy.error.message;
  },
  async messages() {
    const { port1, port2 } = new MessageChannel();
    const got = new Promise((resolve) => {
      port2.onmessage = (event) => resolve(own(event.data));
    });
    port1.postMessage(given.some);
    return hex(await got);
  },
  async blobs() {
    const blob = new Blob([given.few, 'and a text that is long enough', new Blob([given.buffer])], { type: 'x/y' });
    const parts = await through({ writable: new WritableStream(), readable: blob.stream() }, [], hex);
    return hex(await blob.arrayBuffer()) + (await blob.slice(40, 80).text()) + parts[0] + hex(await structuredClone(blob).arrayBuffer());
  },
  async bodies() {
    return hex(await new Response(given.some).arrayBuffer()) + (await new Response('a text that is long enough').text()) + hex(await (await new Response(new Blob([given.few])).blob()).arrayBuffer());
  },
  async base64() {
    return btoa('a text that is long enough') + atob('YSB0ZXh0IHRoYXQgaXMgbG9uZyBlbm91Z2g=');
  },
  async numbers() {
    return `${Math.random() < 1}`;
  },
};

// {USE: what came out}
async function useAll() {
  const results = {};
  for (const name in uses) results[name] = await uses[name]();
  return results;
}
async function useAllWithRecorders(onlyLanguage) {
  const count = record(onlyLanguage);
  const results = await useAll();
  return { count, results, strangers: strangers() };
}

// Between two chunks of each stream all is overwritten that the script has got hold of.
async function compressAndOverwrite(onlyLanguage) {
  record(onlyLanguage);
  const pass = async (stream, chunks) => {
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    const pieces = [];
    const read = async () => {
      for (let next; !(next = await reader.read()).done; ) pieces[pieces.length] = own(next.value);
    };
    const isRead = read();
    for (let i = 0; i < chunks.length; ++i) {
      await writer.write(chunks[i]);
      await new Promise((resolve) => setTimeout(resolve, 0)); // then all pieces have been read
      overwriteStrangers();
    }
    await writer.close();
    await isRead;
    return pieces;
  };
  let text = '';
  for (let i = 0; i < 3; ++i) {
    const format = i === 0 ? 'gzip' : i === 1 ? 'deflate' : 'deflate-raw';
    // Noise, so that each chunk gives output.
    const noise = own(new kept.Uint8Array(200000));
    for (let k = 0, state = 1; k < noise.length; ++k) noise[k] = (state = (state * 48271) % 2147483647) >> 8;
    const packed = await pass(new CompressionStream(format), [noise, noise]);
    const unpacked = await pass(new DecompressionStream(format), packed);
    let at = 0;
    let isSame = true;
    for (let k = 0; k < unpacked.length; ++k) for (let j = 0; j < unpacked[k].length; ++j, ++at) isSame = isSame && unpacked[k][j] === noise[at % noise.length];
    text += `${format}: ${at} bytes, ${isSame ? 'the same' : 'others'};`;
  }
  return text;
}
