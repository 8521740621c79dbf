// SPDX-License-Identifier: Apache-2.0
// What Buffer does, as a list of texts: the same in Node.js and in a script with node_globals.
function bufferCases() {
  const texts = ['', 'a', 'hello', 'Zürich', 'ÿ\u0100\u0080', '😀', 'a\ud800b', '\udc00', 'x\0y', '\u20ac1.50', 'ab'.repeat(40)];
  const coded = ['', '0', 'ff', 'FFg0', '0g', 'abc', 'YQ==', 'YQ', 'YWI=', '-_-_', '+/+/', 'Y Q\n=\t=', 'YQ==YQ==', 'Y', 'YQ=', '=', 'Y=Q=', '😀', '\u0161'];
  const encodings = ['utf8', 'utf-8', 'UTF-8', 'ucs2', 'ucs-2', 'utf16le', 'utf-16le', 'UTF-16LE', 'latin1', 'binary', 'Latin1', 'base64', 'BASE64', 'base64url', 'hex', 'HEX', 'ascii'];
  const noEncodings = ['utf32', 'utf7', '', null, 5, 'hexx', 'utf8 ', {}, true];
  const bytes = [[], [0], [255], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xc0, 0x80, 0x41], [0xed, 0xa0, 0x80], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], Array.from({ length: 256 }, (_, i) => i)];
  const list = [];

  function shown(value) {
    if (value === undefined) return 'undefined';
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
    if (typeof value === 'string') return `"${[...value].map((c) => (c < ' ' || c > '~' ? `\\u{${c.codePointAt(0).toString(16)}}` : c)).join('')}"`;
    if (Buffer.isBuffer(value)) return `<${[...value].join(' ')}>`;
    if (value instanceof ArrayBuffer) return `buffer ${value.byteLength}`;
    if (Array.isArray(value) || value instanceof Uint8Array) return `${value.constructor.name}[${[...value].map(shown).join(', ')}]`;
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
  }
  function tried(label, action) {
    let result;
    try {
      result = shown(action());
    } catch (error) {
      result = `throws ${error.name} ${error.code}`;
    }
    list.push(`${label} = ${result}`);
  }
  // Calls a method of a new buffer; the result, and the buffer afterwards where that is another.
  function called(content, name, ...args) {
    tried(`${shown(content)}.${name}(${args.map(shown).join(', ')})`, () => {
      const buffer = Buffer.from(content);
      const result = buffer[name](...args);
      return buffer.equals(Buffer.from(content)) ? result : [result === buffer ? 'itself' : result, [...buffer].join(' ')];
    });
  }
  const each = (values, action) => values.forEach((value) => action(value));

  // --- made from something ---
  for (const encoding of encodings)
    for (const text of [...texts, ...coded]) {
      tried(`from(${shown(text)}, ${encoding})`, () => Buffer.from(text, encoding));
      tried(`byteLength(${shown(text)}, ${encoding})`, () => Buffer.byteLength(text, encoding));
    }
  for (const encoding of noEncodings) {
    tried(`from with ${shown(encoding)}`, () => Buffer.from('abc', encoding));
    tried(`toString with ${shown(encoding)}`, () => Buffer.from('abc').toString(encoding));
    tried(`byteLength with ${shown(encoding)}`, () => Buffer.byteLength('abc', encoding));
    tried(`isEncoding ${shown(encoding)}`, () => Buffer.isEncoding(encoding));
    tried(`write with ${shown(encoding)}`, () => Buffer.alloc(3).write('abc', encoding));
    tried(`fill with ${shown(encoding)}`, () => Buffer.alloc(3).fill('abc', 0, 3, encoding));
    tried(`indexOf with ${shown(encoding)}`, () => Buffer.from('abc').indexOf('b', 0, encoding));
  }
  each(encodings, (encoding) => tried(`isEncoding ${encoding}`, () => Buffer.isEncoding(encoding)));
  const shared = new Uint8Array([1, 2, 3, 4]).buffer;
  const sources = {
    array: [1, -1, 256, 2.9, '7', 'x', NaN, null, undefined, true], holes: [1, , 3], typed: new Uint16Array([1, 256, 511]), floats: new Float32Array([1.5, -1]),
    buffer: Buffer.from('abc'), like: { length: 2, 0: 5, 1: 6 }, likeText: { length: '2' }, badLength: { length: NaN }, json: { type: 'Buffer', data: [1, 2] }, jsonText: JSON.parse(JSON.stringify(Buffer.from('hi'))),
    boxed: new String('abc'), primitive: { [Symbol.toPrimitive]: () => 'prim' }, valued: { valueOf: () => 'val' }, view: new DataView(shared), set: new Set([1]),
    number: 5, none: null, missing: undefined, truth: true, symbol: Symbol('s'), object: {}, fn() {}, big: 5n, date: new Date(0),
  };
  for (const [name, source] of Object.entries(sources)) {
    tried(`from ${name}`, () => Buffer.from(source));
    tried(`byteLength ${name}`, () => Buffer.byteLength(source));
    tried(`isBuffer ${name}`, () => Buffer.isBuffer(source));
    tried(`alloc filled with ${name}`, () => Buffer.alloc(5, source));
    tried(`concat ${name}`, () => Buffer.concat(source));
    tried(`concat in a list ${name}`, () => Buffer.concat([source]));
    tried(`compare ${name}`, () => Buffer.compare(Buffer.from('abc'), source));
    tried(`equals ${name}`, () => Buffer.from('abc').equals(source));
    tried(`method compare ${name}`, () => Buffer.from('abc').compare(source));
    tried(`indexOf ${name}`, () => Buffer.from([5, 97, 98, 99, 1, 2]).indexOf(source));
    tried(`includes ${name}`, () => Buffer.from([5, 97, 98, 99]).includes(source));
    tried(`copy to ${name}`, () => Buffer.from('abc').copy(source));
    tried(`write ${name}`, () => Buffer.alloc(4).write(source));
    tried(`fill ${name}`, () => Buffer.alloc(4).fill(source));
  }
  for (const [offset, length] of [[], [0], [1], [4], [5], [-1], [1.5], ['1'], [NaN], [undefined], [null], [1, 2], [1, 4], [0, -1], [0, NaN], [1, undefined], [1, '2']])
    tried(`from ArrayBuffer ${shown(offset)} ${shown(length)}`, () => { const b = Buffer.from(shared, offset, length); return [b, b.byteOffset, b.buffer === shared]; });
  for (const method of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'])
    for (const size of [0, 1, 5, -1, 1.5, NaN, '5', null, undefined, 2 ** 53, Infinity, {}, true]) tried(`${method}(${shown(size)})`, () => Buffer[method](size).length);
  for (const fill of ['a', 'ab', 'é', '', 0, 1, 256, -1, 'zz']) for (const encoding of [undefined, 'utf8', 'hex', 'latin1', 'utf16le', 'base64'])
    tried(`alloc(5, ${shown(fill)}, ${encoding})`, () => Buffer.alloc(5, fill, encoding));
  for (const [parts, length] of [[['a', 'bc']], [['a', 'bc'], 2], [['a', 'bc'], 5], [['a'], 0], [[], 3], [['a'], -1], [['a'], NaN], [['a'], '2'], [['a'], undefined]])
    tried(`concat ${shown(parts)} ${shown(length)}`, () => Buffer.concat(parts.map((p) => Buffer.from(p)), length));
  tried('concat of Uint8Array', () => Buffer.concat([new Uint8Array([1]), Buffer.from([2])]));
  tried('of', () => Buffer.of(1, 2, 300));
  for (const [view, ...range] of [[new Uint16Array([1, 2, 3])], [new Uint16Array([1, 2, 3]), 1], [new Uint16Array([1, 2, 3]), 1, 1], [new Uint8Array(2), 5], [new Uint8Array(2), -1], [[1]], ['a']])
    tried(`copyBytesFrom ${shown(view)} ${shown(range)}`, () => Buffer.copyBytesFrom(view, ...range));

  // --- read as a text ---
  for (const content of bytes) {
    for (const encoding of encodings) called(content, 'toString', encoding);
    called(content, 'toString');
    called(content, 'toJSON');
    called(content, 'toLocaleString', 'hex');
  }
  const ten = bytes[7];
  for (const range of [[0], [1], [3, 5], [-1], [-3, 20], [5, 3], [NaN, 2], ['1', '3'], [1.9, 3.9], [null, null], [undefined, 4], [11], [Infinity]]) {
    called(ten, 'toString', 'hex', ...range);
    each(['slice', 'subarray'], (name) => called(ten, name, ...range));
    each(['latin1Slice', 'hexSlice', 'utf8Slice', 'base64Slice', 'base64urlSlice', 'asciiSlice', 'ucs2Slice'], (name) => called(ten, name, ...range));
  }

  // --- compared, searched, filled, copied, swapped ---
  for (const [a, b] of [['a', 'b'], ['b', 'a'], ['a', 'a'], ['a', 'ab'], ['', 'a'], ['\u00ff', 'a']]) {
    tried(`compare ${a} ${b}`, () => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    called(a, 'equals', Buffer.from(b));
    called(a, 'compare', Buffer.from(b));
  }
  for (const range of [[0, 2], [1, 3, 0, 2], [0, 10], [0, 3, 4], [2, 1], [-1], [0, 4], [0, 3, -1], [0, 3, 0, 4], [undefined, undefined, 1, 2], ['1'], [1.5], [NaN], [3, 3], [4, 3]])
    called('abc', 'compare', Buffer.from('bcd'), ...range);
  const haystack = 'abcabcé😀abc';
  for (const name of ['indexOf', 'lastIndexOf', 'includes'])
    for (const needle of ['abc', 'c', '', 'é', '😀', 'x', 97, 97.9, 353, -159, NaN, Buffer.from('ca'), new Uint8Array([98]), Buffer.alloc(0), true, null, undefined, {}])
      for (const offset of [undefined, 0, 1, 5, -1, -3, 100, -100, '1', NaN, null, {}, [], 'utf8', 1.9, Infinity, -Infinity]) called(haystack, name, needle, offset);
  for (const encoding of ['ucs2', 'latin1', 'hex', 'base64', 'utf8', 'ascii', 'base64url'])
    for (const needle of ['a', 'ab', '61', 'YWI', '\u0061\u0062', 'é']) for (const name of ['indexOf', 'lastIndexOf', 'includes']) {
      tried(`${name} ${needle} ${encoding}`, () => Buffer.from('xaab', encoding === 'ucs2' ? 'ucs2' : 'utf8')[name](needle, encoding));
      tried(`${name} ${needle} 1 ${encoding}`, () => Buffer.from('xaab', encoding === 'ucs2' ? 'ucs2' : 'utf8')[name](needle, 1, encoding));
    }
  for (const value of ['a', 'ab', 'é', '', 'abcdefghijkl', 0, 1, 256, -1, 1.9, NaN, true, null, undefined, Buffer.from('xy'), Buffer.alloc(0), new Uint8Array([9]), [1], {}])
    for (const range of [[], [2], [2, 4], [4, 2], [-1], [0, 11], [11], [0, 5, 'hex'], ['hex'], [1, 'latin1'], ['1'], [NaN], [undefined, 3], [null], [1.5, 3]]) called(ten, 'fill', value, ...range);
  for (const range of [[], [1], [1, 2], [1, 2, 4], [0, 9], [3], [-1], [0, -1], [0, 0, -1], [0, 11], ['1', '2'], [NaN, NaN, NaN], [1.9, 2.9, 4.9], [0, 5, 3], [undefined, 8], [null, 8], [Infinity], [0, 10]])
    tried(`copy ${shown(range)}`, () => { const target = Buffer.alloc(4, 'z'); return [Buffer.from(ten).copy(target, ...range), target]; });
  tried('copy within itself', () => { const b = Buffer.from(ten); return [b.copy(b, 2, 0, 5), b]; });
  tried('copy to a Uint8Array', () => { const target = new Uint8Array(4); return [Buffer.from(ten).copy(target, 1), target]; });
  for (const name of ['swap16', 'swap32', 'swap64']) for (const length of [0, 1, 2, 4, 6, 8, 16, 200]) called(Array.from({ length }, (_, i) => i), name);

  // --- written ---
  for (const encoding of [undefined, ...encodings])
    for (const text of ['abc', 'é😀', 'YWJj', '616', 'zz', '']) for (const range of [[], [1], [7], [8], [9], [-1], [0, 2], [1, 3], [6, 5], [0, -1], ['1'], [1.5], [NaN]])
      tried(`write ${shown(text)} ${shown(range)} ${encoding}`, () => { const b = Buffer.alloc(8, '.'); return [encoding ? b.write(text, ...range, encoding) : b.write(text, ...range), b]; });
  tried('write with undefined', () => { const b = Buffer.alloc(8, '.'); return [b.write('abc', undefined, undefined, 'hex'), b.write('abc', 1, undefined, 'utf8'), b.write('abc', undefined), b]; });
  for (const name of ['utf8Write', 'latin1Write', 'hexWrite', 'base64Write', 'asciiWrite', 'ucs2Write', 'base64urlWrite'])
    for (const range of [[], [1], [1, 2]]) tried(`${name} ${shown(range)}`, () => { const b = Buffer.alloc(6, '.'); return [b[name]('abcd', ...range), b]; });

  // --- numbers ---
  const kinds = [['Int8', 1], ['UInt8', 1], ['Uint8', 1]];
  for (const [kind, width] of [['Int16', 2], ['UInt16', 2], ['Uint16', 2], ['Int32', 4], ['UInt32', 4], ['Uint32', 4], ['BigInt64', 8], ['BigUInt64', 8], ['BigUint64', 8], ['Float', 4], ['Double', 8]])
    kinds.push([`${kind}LE`, width], [`${kind}BE`, width]);
  const edges = [0, -0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, 65535, 65536, 2147483647, 2147483648, -2147483648, -2147483649, 4294967295, 4294967296,
    1.5, -1.5, NaN, Infinity, -Infinity, 3.4028234663852886e38, 1e39, '5', 'x', null, undefined, true, 0n, 5n, -1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 63n), -(2n ** 63n) - 1n];
  const offsets = [undefined, 0, 1, 2, 6, 8, 9, 10, 11, -1, 0.5, NaN, Infinity, '1', null, {}, true];
  for (const [kind, width] of kinds) {
    for (const offset of offsets) {
      called(ten, `read${kind}`, offset);
      tried(`write${kind} at ${shown(offset)}`, () => { const b = Buffer.alloc(10); return [b[`write${kind}`](kind.startsWith('Big') ? 3n : 3, offset), b]; });
    }
    for (const value of edges) tried(`write${kind}(${shown(value)})`, () => { const b = Buffer.alloc(width); return [b[`write${kind}`](value), b]; });
    for (const content of [[255, 255, 255, 255, 255, 255, 255, 255], [128, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 128], [127, 192, 0, 0, 0, 0, 192, 127]]) called(content, `read${kind}`, 0);
    tried(`write${kind} without`, () => Buffer.alloc(width - 1)[`write${kind}`](kind.startsWith('Big') ? 3n : 3));
  }
  for (const kind of ['IntLE', 'IntBE', 'UIntLE', 'UIntBE', 'UintLE', 'UintBE']) {
    for (const width of [0, 1, 2, 3, 4, 5, 6, 7, -1, 1.5, NaN, '2', null, undefined]) for (const offset of [0, 1, 4, 9, -1, 1.5, '1', undefined]) {
      called(ten, `read${kind}`, offset, width);
      called([200, 201, 202, 203, 204, 205, 206, 207], `read${kind}`, offset, width);
      tried(`write${kind} ${shown(offset)} ${shown(width)}`, () => { const b = Buffer.alloc(10); return [b[`write${kind}`](5, offset, width), b]; });
    }
    for (const width of [1, 2, 3, 4, 5, 6]) for (const value of [0, -1, 1.7, 2 ** (8 * width - 1) - 1, 2 ** (8 * width - 1), 2 ** (8 * width) - 1, 2 ** (8 * width), -(2 ** (8 * width - 1)), -(2 ** (8 * width - 1)) - 1, NaN, '7'])
      tried(`write${kind}(${value}) of ${width}`, () => { const b = Buffer.alloc(8); return [b[`write${kind}`](value, 1, width), b]; });
  }

  // --- what it is ---
  const one = Buffer.from('abc');
  tried('statics', () => Object.getOwnPropertyNames(Buffer).filter((name) => name !== 'arguments' && name !== 'caller').sort().join(' '));
  tried('methods', () => Object.getOwnPropertyNames(Buffer.prototype).sort().join(' '));
  tried('enumerable keys', () => Object.keys(one).join(' ') + '; ' + JSON.stringify(one) + '; ' + Object.prototype.toString.call(one));
  tried('poolSize', () => [typeof Buffer.poolSize, Buffer.name, Buffer.length, one.constructor === Buffer, one instanceof Uint8Array, Object.getPrototypeOf(Buffer) === Uint8Array]);
  tried('parent and offset', () => [one.parent === one.buffer, one.offset === one.byteOffset]);
  tried('iteration', () => [[...one], [...one.entries()], [...one.keys()], [...one.values()]]);
  tried('as an array', () => [one.map((x) => x + 1), one.filter((x) => x > 97), one.slice(1).length, one.subarray(1) instanceof Buffer, one.map((x) => x) instanceof Buffer]);
  tried('slice shares', () => { const b = Buffer.from('abc'); b.slice(1)[0] = 0; return b; });
  tried('Buffer() called', () => [Buffer('ab'), new Buffer('ab'), Buffer(2).length, new Buffer([1, 2]), Buffer('ff', 'hex')]);
  tried('from(5)', () => Buffer.from(5));
  tried('new Buffer of a number and an encoding', () => new Buffer(5, 'utf8'));
  tried('text concatenation', () => `${one}` + one);
  tried('not a buffer', () => Buffer.prototype.toString.call({}, 'hex'));
  return list;
}
