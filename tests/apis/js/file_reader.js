// SPDX-License-Identifier: Apache-2.0
// https://w3c.github.io/FileAPI/#APIASynch
{
  const events = ['loadstart', 'progress', 'load', 'abort', 'error', 'loadend'];

  function read(method, blob, ...args) {
    const reader = new FileReader();
    return new Promise((resolve) => {
      reader.onloadend = () => resolve(reader.result);
      reader[method](blob, ...args);
    });
  }

  test(() => {
    assert_interface('FileReader', {
      attributes: ['readyState', 'result', 'error', ...events.map((type) => `on${type}`)],
      methods: { readAsArrayBuffer: 1, readAsBinaryString: 1, readAsText: 1, readAsDataURL: 1, abort: 0 },
    });
    assert_equals(Object.getPrototypeOf(FileReader), EventTarget);
    assert_array_equals([FileReader.EMPTY, FileReader.LOADING, FileReader.prototype.DONE], [0, 1, 2]);
    const reader = new FileReader();
    assert_array_equals([reader.readyState, reader.result, reader.error, reader.onload], [0, null, null, null]);
    assert_throws_js(TypeError, () => reader.readAsText());
    assert_throws_js(TypeError, () => reader.readAsText('text'));
    assert_throws_js(TypeError, () => FileReader());
    reader.abort();
    assert_equals(reader.readyState, 0);
  }, 'the interface of FileReader');

  test(() => {
    assert_interface('ProgressEvent', { length: 1, attributes: ['lengthComputable', 'loaded', 'total'] });
    const event = new ProgressEvent('progress', { lengthComputable: 1, loaded: '2', total: 3, bubbles: true });
    assert_array_equals([event.lengthComputable, event.loaded, event.total, event.bubbles], [true, 2, 3, true]);
    assert_array_equals([new ProgressEvent('x').lengthComputable, new ProgressEvent('x').loaded], [false, 0]);
    assert_throws_js(TypeError, () => new ProgressEvent('x', { loaded: NaN }));
  }, 'the interface of ProgressEvent');

  promise_test(async () => {
    const blob = new Blob(['h\u00e9'], { type: 'text/plain' });
    assert_equals(await read('readAsText', blob), 'h\u00e9');
    assert_equals(await read('readAsText', blob, 'latin1'), 'h\u00c3\u00a9');
    assert_equals(await read('readAsText', blob, 'no such encoding'), 'h\u00e9');
    assert_equals(await read('readAsText', new Blob([new Uint8Array([0x80])], { type: 'text/plain;charset=windows-1252' })), '\u20ac');
    assert_equals(await read('readAsText', new Blob([new Uint8Array([0xfe, 0xff, 0, 0x61])]), 'utf-8'), 'a', 'a byte order mark counts most');
    assert_equals(await read('readAsBinaryString', blob), 'h\u00c3\u00a9');
    assert_equals(await read('readAsDataURL', blob), 'data:text/plain;base64,aMOp');
    assert_equals(await read('readAsDataURL', new Blob([])), 'data:application/octet-stream;base64,');
    const buffer = await read('readAsArrayBuffer', blob);
    assert_true(buffer instanceof ArrayBuffer);
    new Uint8Array(buffer).fill(0);
    assert_equals(await blob.text(), 'h\u00e9', 'the blob keeps its bytes');
  }, 'reading in each way');

  promise_test(async () => {
    for (const [text, wanted] of [['abc', 'loadstart progress load loadend'], ['', 'loadstart load loadend']]) {
      const reader = new FileReader();
      const seen = [];
      const end = new Promise((resolve) => reader.addEventListener('loadend', resolve));
      for (const type of events)
        reader.addEventListener(type, (event) => {
          assert_true(event instanceof ProgressEvent && event.isTrusted);
          assert_equals(event.total, text.length);
          assert_equals(reader.result, type.startsWith('load') && type !== 'loadstart' ? text : null, type);
          seen.push(type);
        });
      reader.readAsText(new Blob([text]));
      assert_equals(reader.readyState, FileReader.LOADING);
      assert_throws_dom('InvalidStateError', () => reader.readAsText(new Blob([])));
      assert_equals(seen.length, 0);
      await end;
      assert_equals(seen.join(' '), wanted);
      assert_equals(reader.readyState, FileReader.DONE);
    }
  }, 'events come in order, each as a task');

  promise_test(async () => {
    const reader = new FileReader();
    const seen = [];
    for (const type of events) reader.addEventListener(type, () => seen.push(type));
    reader.readAsText(new Blob(['one']));
    reader.abort();
    assert_array_equals(seen, ['abort', 'loadend']);
    assert_array_equals([reader.readyState, reader.result], [FileReader.DONE, null]);
    const again = new Promise((resolve) => {
      reader.onload = () => {
        reader.onload = resolve;
        reader.readAsText(new Blob(['three']));
      };
    });
    reader.readAsText(new Blob(['two']));
    await again;
    assert_equals(reader.result, 'three');
    assert_equals(seen.filter((type) => type === 'loadend').length, 1, 'a reading that another follows at once has no loadend');
  }, 'a reading can be given up, and another can follow');
}
