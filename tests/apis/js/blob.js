// SPDX-License-Identifier: Apache-2.0
// https://w3c.github.io/FileAPI/
test(() => {
  assert_interface('Blob', { attributes: ['size', 'type'], methods: { slice: 0, stream: 0, text: 0, arrayBuffer: 0, bytes: 0 } });
  assert_interface('File', { length: 2, attributes: ['name', 'lastModified'] });
}, 'the interfaces');

promise_test(async () => {
  const blob = new Blob(['aä', new Uint8Array([98, 99]).subarray(1), new Uint8Array([100]).buffer, new Blob(['e']), 5], { type: 'Text/Plain' });
  assert_equals(blob.type, 'text/plain');
  assert_equals(blob.size, 7);
  assert_equals(await blob.text(), 'aäcde5');
  assert_array_equals(new Uint8Array(await blob.arrayBuffer()), [97, 195, 164, 99, 100, 101, 53]);
  assert_array_equals(await blob.bytes(), [97, 195, 164, 99, 100, 101, 53]);
  assert_equals(new Blob([], { type: 'a\u00e4' }).type, '');
  assert_equals(await new Blob(['a\r\nb\rc'], { endings: 'native' }).text(), 'a\nb\nc');
  assert_equals(await new Blob(['\ud800']).text(), '\ufffd');
}, 'parts');

test(() => {
  for (const parts of [null, 'text', 5, {}]) assert_throws_js(TypeError, () => new Blob(parts), String(parts));
  assert_throws_js(TypeError, () => new Blob([], { endings: 'other' }));
  assert_equals(new Blob(undefined, null).size, 0);
  assert_throws_js(TypeError, () => Blob.prototype.slice.call({}));
}, 'what are no parts');

promise_test(async () => {
  const blob = new Blob(['0123456789']);
  const slices = [[[], '0123456789'], [[2, 5], '234'], [[-3], '789'], [[0, -8], '01'], [[7, 3], ''], [[NaN, 99], '0123456789'], [[5, undefined], '56789']];
  for (const [args, wanted] of slices) assert_equals(await blob.slice(...args).text(), wanted, String(args));
  assert_equals(blob.slice(0, 1, 'X/Y').type, 'x/y');
}, 'slices');

promise_test(async () => {
  let length = 0;
  for await (const chunk of new Blob(['x'.repeat(150000)]).stream()) {
    assert_true(chunk instanceof Uint8Array);
    length += chunk.length;
  }
  assert_equals(length, 150000);
  const reader = new Blob(['abc']).stream().getReader({ mode: 'byob' });
  assert_array_equals((await reader.read(new Uint8Array(2))).value, [97, 98]);
  assert_true((await new Blob([]).stream().getReader().read()).done);
}, 'streams');

promise_test(async () => {
  const file = new File(['abc'], 'a/b.txt', { type: 'text/plain', lastModified: 7.9 });
  assert_array_equals([file.name, file.type, file.lastModified, file.size, await file.text()], ['a/b.txt', 'text/plain', 7, 3, 'abc']);
  assert_true(file instanceof Blob);
  assert_less_than(Math.abs(new File([], '').lastModified - Date.now()), 60000);
  assert_throws_js(TypeError, () => new File([]));
  assert_false(file.slice() instanceof File);
}, 'files');

promise_test(async () => {
  const [file, blob] = structuredClone([new File(['abc'], 'n', { type: 'a/b', lastModified: 5 }), new Blob(['d'])]);
  assert_array_equals([file.name, file.type, file.lastModified, await file.text(), await blob.text()], ['n', 'a/b', 5, 'abc', 'd']);
  assert_true(file instanceof File && !(blob instanceof File));
}, 'clones');

test(() => {
  const read = [];
  const member = (name, text) => ({ toString: () => (read.push(`${name} to text`), text) });
  new Blob([], {
    get type() {
      read.push('type');
      return member('type', 'a/b');
    },
    get endings() {
      read.push('endings');
      return member('endings', 'native');
    },
  });
  assert_array_equals(read, ['endings', 'endings to text', 'type', 'type to text']);
}, 'each option is read and converted once, in the order of their names');
