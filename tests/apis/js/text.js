// SPDX-License-Identifier: Apache-2.0
// TextEncoder and TextDecoder.
const bytes = (...values) => new Uint8Array(values);
const hex = (view) => Array.from(view, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

test(() => {
  assert_interface('TextEncoder', { attributes: ['encoding'], methods: { encode: 0, encodeInto: 2 } });
  assert_interface('TextDecoder', { attributes: ['encoding', 'fatal', 'ignoreBOM'], methods: { decode: 0 } });
  assert_throws_js(TypeError, () => TextEncoder.prototype.encode.call({}, 'x'));
  assert_throws_js(TypeError, () => TextDecoder.prototype.decode.call({}));
  assert_equals(Object.prototype.toString.call(new TextDecoder()), '[object TextDecoder]');
}, 'the interfaces are as Web IDL has them');

test(() => {
  const encoder = new TextEncoder();
  assert_equals(encoder.encoding, 'utf-8');
  for (const [text, wanted] of [
    [undefined, ''], ['', ''], ['abc', '61 62 63'], ['\0', '00'], ['\x7f\x80', '7f c2 80'], ['é', 'c3 a9'], ['\u07ff\u0800', 'df bf e0 a0 80'], ['€', 'e2 82 ac'],
    ['\uffff', 'ef bf bf'], ['😀', 'f0 9f 98 80'], ['\u{10ffff}', 'f4 8f bf bf'], ['\ud800', 'ef bf bd'], ['\udc00', 'ef bf bd'], ['a\ud800b', '61 ef bf bd 62'],
    ['\udc00\ud800', 'ef bf bd ef bf bd'], ['\ud83d😀', 'ef bf bd f0 9f 98 80'], [null, '6e 75 6c 6c'], [12, '31 32'],
  ]) {
    const result = encoder.encode(text);
    assert_true(result instanceof Uint8Array);
    assert_equals(hex(result), wanted, String(text));
    assert_equals(result.byteOffset, 0);
    assert_equals(result.buffer.byteLength, result.length);
  }
  assert_throws_js(TypeError, () => encoder.encode(Symbol('s')));
}, 'encode() gives UTF-8');

test(() => {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (const unit of ['a', 'aé', 'é', '€', 'aé€😀', 'x😀']) {
    for (const length of [1, 2, 7, 8, 9, 31, 32, 33, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4097, 20000]) {
      const text = unit.repeat(length);
      const result = encoder.encode(text);
      assert_equals(decoder.decode(result), text, `${length} times ${unit}`);
      const target = new Uint8Array(result.length + 3);
      const { read, written } = encoder.encodeInto(text, target);
      assert_equals(read, text.length);
      assert_equals(written, result.length);
      assert_equals(decoder.decode(target.subarray(0, written)), text);
    }
  }
  // A rope, and a slice of it that V8 keeps as a reference.
  let rope = '';
  for (let i = 0; i < 500; ++i) rope += `${i}€😀`;
  assert_equals(decoder.decode(encoder.encode(rope)), rope);
  assert_equals(decoder.decode(encoder.encode(rope.slice(700))), rope.slice(700));
  assert_equals(decoder.decode(encoder.encode(`😀${'a'.repeat(3000)}`.slice(2))), 'a'.repeat(3000));
}, 'texts of every length and width go through');

test(() => {
  const encoder = new TextEncoder();
  for (const [text, room, read, wanted] of [
    ['abc', 2, 2, '61 62'], ['abc', 0, 0, ''], ['é', 1, 0, '00'], ['aé', 2, 1, '61 00'], ['aé', 3, 2, '61 c3 a9'], ['€€', 5, 1, 'e2 82 ac 00 00'],
    ['😀', 3, 0, '00 00 00'], ['😀', 4, 2, 'f0 9f 98 80'], ['a😀b', 5, 3, '61 f0 9f 98 80'], ['\ud800x', 4, 2, 'ef bf bd 78'], ['x\udc00', 3, 1, '78 00 00'],
  ]) {
    const target = new Uint8Array(room);
    const result = encoder.encodeInto(text, target);
    assert_equals(result.read, read, text);
    assert_equals(hex(target), wanted, text);
    assert_equals(Object.keys(result).join(), 'read,written');
  }
  const shared = new Uint8Array(new SharedArrayBuffer(4), 1, 2);
  assert_equals(encoder.encodeInto('xyz', shared).written, 2);
  assert_equals(hex(new Uint8Array(shared.buffer)), '00 78 79 00');
  for (const target of [new ArrayBuffer(4), new Int8Array(4), new DataView(new ArrayBuffer(4)), [], null]) assert_throws_js(TypeError, () => encoder.encodeInto('x', target));
  assert_throws_js(TypeError, () => encoder.encodeInto('x'));
  const detached = new Uint8Array(4);
  structuredClone(detached, { transfer: [detached.buffer] });
  assert_object_equals(encoder.encodeInto('x', detached), { read: 0, written: 0 });
}, 'encodeInto() writes whole characters only');

test(() => {
  const decoder = new TextDecoder();
  const fatal = new TextDecoder('utf-8', { fatal: true });
  assert_equals(decoder.encoding, 'utf-8');
  assert_false(decoder.fatal);
  assert_true(fatal.fatal);
  for (const [input, wanted] of [
    // The highest and lowest of each length, then what is malformed: one U+FFFD for each maximal part.
    [[0x7f], '\x7f'], [[0xc2, 0x80], '\x80'], [[0xdf, 0xbf], '\u07ff'], [[0xe0, 0xa0, 0x80], '\u0800'], [[0xed, 0x9f, 0xbf], '\ud7ff'], [[0xee, 0x80, 0x80], '\ue000'],
    [[0xf0, 0x90, 0x80, 0x80], '\u{10000}'], [[0xf4, 0x8f, 0xbf, 0xbf], '\u{10ffff}'], [[0xff], '\ufffd'], [[0x80], '\ufffd'], [[0xc0, 0x80], '\ufffd\ufffd'],
    [[0xc1, 0xbf], '\ufffd\ufffd'], [[0xc2], '\ufffd'], [[0xc2, 0x41], '\ufffdA'], [[0xe0, 0x80, 0x80], '\ufffd\ufffd\ufffd'], [[0xe2, 0x82], '\ufffd'],
    [[0xe2, 0x82, 0x41], '\ufffdA'], [[0xe2, 0xe2, 0x82, 0xac], '\ufffd€'], [[0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd'], [[0xf0, 0x80, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd'],
    [[0xf0, 0x9f, 0x98], '\ufffd'], [[0xf0, 0x9f, 0x98, 0x41], '\ufffdA'], [[0xf4, 0x90, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd'], [[0xf5, 0x80], '\ufffd\ufffd'],
    [[0x61, 0xf0, 0x9f, 0xc3, 0xa9, 0x62], 'a\ufffdéb'],
  ]) {
    assert_equals(decoder.decode(bytes(...input)), wanted, hex(input));
  }
  for (const input of [[0xff], [0xc2], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0xc0]]) {
    assert_throws_js(TypeError, () => fatal.decode(bytes(...input)), hex(input));
    assert_equals(fatal.decode(bytes(0x61)), 'a');
  }
}, 'UTF-8 is decoded as the Encoding standard says');

test(() => {
  const encoder = new TextEncoder();
  const text = 'a\0é\u07ff€\ud7ff\ue000\uffff😀\u{10ffff}zz'.repeat(3);
  const samples = { 'utf-8': encoder.encode(text), 'utf-16le': new Uint8Array(text.length * 2), 'utf-16be': new Uint8Array(text.length * 2) };
  for (let i = 0; i < text.length; ++i) {
    new DataView(samples['utf-16le'].buffer).setUint16(2 * i, text.charCodeAt(i), true);
    new DataView(samples['utf-16be'].buffer).setUint16(2 * i, text.charCodeAt(i), false);
  }
  for (const [encoding, all] of Object.entries(samples)) {
    for (let size = 1; size <= 9; ++size) {
      for (const make of [(part) => part, (part) => part.slice().buffer, (part) => new DataView(part.buffer, part.byteOffset, part.byteLength)]) {
        const decoder = new TextDecoder(encoding, { fatal: true });
        let result = '';
        for (let at = 0; at < all.length; at += size) result += decoder.decode(make(all.subarray(at, at + size)), { stream: true });
        assert_equals(result + decoder.decode(), text, `${encoding} by ${size}`);
      }
    }
  }
}, 'streams give the same for pieces of every size');

test(() => {
  const decoder = new TextDecoder();
  assert_equals(decoder.decode(bytes(0xf0, 0x9f), { stream: true }), '');
  assert_equals(decoder.decode(bytes(0x98), { stream: true }), '');
  assert_equals(decoder.decode(), '\ufffd');
  assert_equals(decoder.decode(bytes(0x98)), '\ufffd');
  assert_equals(decoder.decode(bytes(0xc3), { stream: true }), '');
  assert_equals(decoder.decode(bytes(0x41), { stream: true }), '\ufffdA');
  assert_equals(decoder.decode(bytes(0xc3), { stream: true }), '');
  assert_equals(decoder.decode(bytes(0xa9)), 'é');
  const fatal = new TextDecoder('utf-8', { fatal: true });
  assert_equals(fatal.decode(bytes(0xc3), { stream: true }), '');
  assert_throws_js(TypeError, () => fatal.decode());
  assert_equals(fatal.decode(bytes(0xa9 - 0x80 + 0x20)), 'I');
}, 'what a stream has left is given at its end, once');

test(() => {
  for (const [encoding, mark] of [['utf-8', [0xef, 0xbb, 0xbf]], ['utf-16le', [0xff, 0xfe]], ['utf-16be', [0xfe, 0xff]]]) {
    const decoder = new TextDecoder(encoding);
    assert_equals(decoder.decode(bytes(...mark)), '');
    assert_equals(decoder.decode(bytes(...mark, ...mark)), '\ufeff', encoding);
    assert_equals(decoder.decode(bytes(...mark)), '', 'once more');
    assert_equals(new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes(...mark)), '\ufeff');
    const stream = new TextDecoder(encoding);
    assert_equals([...mark, ...mark].map((byte) => stream.decode(bytes(byte), { stream: true })).join('') + stream.decode(), '\ufeff', `${encoding} as a stream`);
  }
}, 'one byte order mark at the beginning is dropped');

test(() => {
  const decoder = new TextDecoder('utf-16le');
  for (const [input, wanted] of [
    [[0x3d, 0xd8, 0x00, 0xde], '😀'], [[0x3d, 0xd8], '\ufffd'], [[0x00, 0xde], '\ufffd'], [[0x3d, 0xd8, 0x41, 0], '\ufffdA'], [[0x41], '\ufffd'], [[0x41, 0, 0x42], 'A\ufffd'],
    [[0x3d, 0xd8, 0x3d, 0xd8, 0x00, 0xde], '\ufffd😀'], [[0x00, 0xde, 0x3d, 0xd8], '\ufffd\ufffd'], [[0x3d, 0xd8, 0x41], '\ufffd'],
  ]) {
    assert_equals(decoder.decode(bytes(...input)), wanted, hex(input));
    if (wanted.includes('\ufffd')) assert_throws_js(TypeError, () => new TextDecoder('utf-16le', { fatal: true }).decode(bytes(...input)), hex(input));
  }
  assert_equals(new TextDecoder('utf-16be').decode(bytes(0xd8, 0x3d, 0xde, 0x00)), '😀');
}, 'UTF-16 with lone surrogates and odd lengths');

test(() => {
  for (const [label, encoding] of [
    ['utf-8', 'utf-8'], [' UTF8\n', 'utf-8'], ['unicode-1-1-utf-8', 'utf-8'], ['utf-16', 'utf-16le'], ['ucs-2', 'utf-16le'], ['unicodefffe', 'utf-16be'],
    ['latin1', 'windows-1252'], ['ISO-8859-1', 'windows-1252'], ['ascii', 'windows-1252'], ['us-ascii', 'windows-1252'], ['l1', 'windows-1252'], ['x-cp1252', 'windows-1252'],
    ['cp1252', 'windows-1252'], ['iso8859-15', 'iso-8859-15'], ['cyrillic', 'iso-8859-5'], ['koi', 'koi8-r'], ['sjis', 'shift_jis'], ['gb2312', 'gbk'], ['cp866', 'ibm866'],
    ['mac', 'macintosh'], ['x-user-defined', 'x-user-defined'], ['logical', 'iso-8859-8-i'], ['big5-hkscs', 'big5'], ['windows-949', 'euc-kr'],
  ]) assert_equals(new TextDecoder(label).encoding, encoding, label);
  for (const label of ['', 'utf-7', 'utf-32', 'replacement', 'hz-gb-2312', 'iso-2022-kr', 'utf-8\u00a0', '\0utf-8', 'utf-8\v', 'constructor', '__proto__', null])
    assert_throws_js(RangeError, () => new TextDecoder(label), String(label));
  assert_throws_js(TypeError, () => new TextDecoder(Symbol('s')));
  assert_throws_js(TypeError, () => new TextDecoder('utf-8', 1));
}, 'labels');

test(() => {
  const upper = Uint8Array.from({ length: 128 }, (_, i) => 128 + i);
  assert_equals(new TextDecoder('latin1').decode(upper.subarray(0, 32)), '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ');
  assert_equals(new TextDecoder('latin1').decode(upper.subarray(32)), String.fromCharCode(...upper.subarray(32)));
  assert_equals(new TextDecoder('latin1', { fatal: true }).decode(bytes(0x61, 0xe9)), 'aé');
  assert_equals(new TextDecoder('windows-1253').decode(bytes(0x61, 0xaa, 0xe1)), 'a\ufffdα');
  assert_throws_js(TypeError, () => new TextDecoder('windows-1253', { fatal: true }).decode(bytes(0xaa)));
  assert_equals(new TextDecoder('koi8-r').decode(bytes(0xf0, 0xd2, 0xc9)), 'При');
  assert_equals(new TextDecoder('iso-8859-15').decode(bytes(0xa4, 0)), '€\0');
  for (const [encoding, input, wanted] of [
    ['shift_jis', [0x83, 0x65, 0x58, 0xb1], 'テXｱ'], ['euc-jp', [0xa5, 0xc6, 0x8e, 0xb1], 'テｱ'], ['iso-2022-jp', [0x1b, 0x24, 0x42, 0x25, 0x46, 0x1b, 0x28, 0x42, 0x58], 'テX'],
    ['gbk', [0xc4, 0xe3, 0x80], '你€'], ['gb18030', [0x94, 0x39, 0xda, 0x33], '💩'], ['big5', [0xa7, 0x41, 0x88, 0x62], '你Ê̄'], ['euc-kr', [0xb0, 0xa1], '가'],
  ]) {
    assert_equals(new TextDecoder(encoding, { fatal: true }).decode(bytes(...input)), wanted, encoding);
    const stream = new TextDecoder(encoding);
    assert_equals(input.map((byte) => stream.decode(bytes(byte), { stream: true })).join('') + stream.decode(), wanted, `${encoding} as a stream`);
    assert_throws_js(TypeError, () => new TextDecoder(encoding, { fatal: true }).decode(bytes(0xff)), encoding);
    assert_equals(new TextDecoder(encoding).decode(bytes(0xff, 0x41)), '\ufffdA', encoding);
  }
}, 'other encodings than those of Unicode');

test(() => {
  const decoder = new TextDecoder();
  assert_equals(decoder.decode(new Uint8Array(new SharedArrayBuffer(2))), '\0\0');
  assert_equals(decoder.decode(new SharedArrayBuffer(2)), '\0\0');
  assert_equals(decoder.decode(new Uint16Array([0x6261]).buffer), 'ab');
  assert_equals(decoder.decode(new DataView(bytes(1, 0x61, 0x62, 1).buffer, 1, 2)), 'ab');
  assert_equals(decoder.decode(undefined), '');
  const detached = bytes(0x61);
  structuredClone(detached, { transfer: [detached.buffer] });
  assert_equals(decoder.decode(detached), '');
  for (const input of [null, 'abc', 1, [97], { buffer: bytes(97).buffer }, {}]) assert_throws_js(TypeError, () => decoder.decode(input), String(input));
  assert_throws_js(TypeError, () => decoder.decode(bytes(97), 'stream'));
}, 'decode() takes buffers and views of every kind, and nothing else');

test(() => {
  const changed = [[TextDecoder.prototype, 'decode'], [Array.prototype, 'push'], [Map.prototype, 'get'], [Reflect, 'apply'], [ArrayBuffer, 'isView']];
  const originals = changed.map(([object, name]) => object[name]);
  const { decode } = TextDecoder.prototype;
  const results = [];
  const a = bytes(65, 0);
  for (let i = 0; i < changed.length; ++i) changed[i][0][changed[i][1]] = () => 'changed';
  try {
    results[0] = decode.call(new TextDecoder(), new TextEncoder().encode('é'));
    results[1] = decode.call(new TextDecoder('utf-16'), a, { stream: true });
    results[2] = new TextEncoder().encodeInto('é', new Uint8Array(2)).written;
  } finally {
    for (let i = 0; i < changed.length; ++i) changed[i][0][changed[i][1]] = originals[i];
  }
  assert_array_equals(results, ['é', 'A', 2]);
}, 'changed built-in functions change nothing');
