// SPDX-License-Identifier: Apache-2.0
// Recorders in the place of every built-in: each calls through, and notes which buffers it got to see. record(true): of the
// language only, so that what else there is will be made in a world of recorders. record(): of all that there is.
const { record, own, overwriteStrangers, strangers } = (() => {
  const { Proxy, Set, ArrayBuffer, Object, Uint8Array: Bytes } = globalThis;
  const { fromCharCode } = String;
  const { includes, charCodeAt } = String.prototype;
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { isView } = ArrayBuffer;
  const { isArray } = Array;
  const getterOf = (object, name) => getOwnPropertyDescriptor(object, name).get;
  const TypedArray = getPrototypeOf(Uint8Array);
  const tagOf = getterOf(TypedArray.prototype, Symbol.toStringTag);
  const bufferOfArray = getterOf(TypedArray.prototype, 'buffer');
  const bufferOfView = getterOf(DataView.prototype, 'buffer');
  const sizeOf = getterOf(ArrayBuffer.prototype, 'byteLength');
  const { add, has } = Set.prototype;
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

  const leastBytes = 17;
  const mostDepth = 2; // a buffer that is in an array of the arguments is seen, too

  // The ArrayBuffer that a value is, or is a view on.
  function bufferOf(value) {
    if (isView(value)) return apply(apply(tagOf, value, []) === undefined ? bufferOfView : bufferOfArray, value, []);
    try {
      apply(sizeOf, value, []);
      return value;
    } catch {
      return undefined;
    }
  }

  // A character for each byte; of one that is detached: none.
  function textOf(buffer) {
    let text = '';
    try {
      const bytes = new Bytes(buffer);
      for (let i = 0; i < bytes.length; ++i) text += fromCharCode(bytes[i]);
    } catch {}
    return text;
  }
  const beginning = (text) => {
    let shown = '';
    for (let i = 0; i < text.length && i < 16; ++i) shown += ` ${apply(charCodeAt, text, [i])}`;
    return shown;
  };

  const owned = new Set();
  const seen = []; // [buffer, path of who saw it first, what was in it then]
  const known = new Set();
  let isRecording = false;

  function note(value, path, depth) {
    if (typeof value !== 'object' || value === null || apply(has, recorders, [value])) return;
    const buffer = bufferOf(value);
    if (buffer !== undefined) {
      if (apply(has, known, [buffer])) return;
      apply(add, known, [buffer]);
      seen[seen.length] = [buffer, path, textOf(buffer)];
    } else if (depth < mostDepth) {
      const keys = ownKeys(value);
      for (let i = 0; i < keys.length && i < 100; ++i) {
        const property = getOwnPropertyDescriptor(value, keys[i]);
        if (property !== undefined) note(property.value, path, depth + 1);
      }
    }
  }
  function noteAll(self, list, path) {
    if (!isRecording) return;
    isRecording = false;
    note(self, path, 0);
    for (let i = 0; i < list.length; ++i) note(list[i], path, 0);
    isRecording = true;
  }

  const recorders = new Set();
  const recorderOf = new Map();
  const { get: getFrom, set: setIn } = Map.prototype;
  function recorder(original, path) {
    let made = apply(getFrom, recorderOf, [original]);
    if (made !== undefined) return made;
    made = new Proxy(original, {
      apply(target, self, list) {
        noteAll(self, list, path);
        return apply(target, self, list);
      },
      construct(target, list, newTarget) {
        noteAll(undefined, list, path);
        return construct(target, list, newTarget === made ? target : newTarget);
      },
    });
    apply(setIn, recorderOf, [original, made]);
    apply(add, recorders, [made]);
    return made;
  }

  const language = ['Object', 'Function', 'Array', 'Number', 'Boolean', 'String', 'Symbol', 'BigInt', 'Date', 'Promise', 'RegExp', 'Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError', 'AggregateError', 'JSON', 'Math', 'ArrayBuffer', 'SharedArrayBuffer', 'Atomics', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'DataView', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry', 'Proxy', 'Reflect', 'Intl', 'WebAssembly', 'Iterator', 'parseInt', 'parseFloat', 'isNaN', 'isFinite', 'decodeURIComponent', 'encodeURIComponent', 'setTimeout', 'setImmediate', 'queueMicrotask'];

  // [object, path] of all that can be reached.
  function reachable(onlyLanguage) {
    const paths = new Map([[globalThis, 'globalThis']]);
    const visit = (value, path) => isObject(value) && !paths.has(value) && paths.set(value, path);
    for (const object of [new String(''), function* () {}, async function* () {}, async () => {}, [].values(), ''.matchAll(/./g), new Map().keys(), new Set().keys()]) visit(getPrototypeOf(object), Object.prototype.toString.call(object));
    for (const [object, path] of paths) {
      visit(getPrototypeOf(object), `${path}.__proto__`);
      for (const key of object === globalThis && onlyLanguage ? language : ownKeys(object)) {
        const { value, get, set } = getOwnPropertyDescriptor(object, key) ?? {};
        const name = path === 'globalThis' ? String(key) : `${path}.${String(key)}`;
        visit(value, name), visit(get, `${name} (get)`), visit(set, `${name} (set)`);
      }
    }
    if (onlyLanguage) paths.set(globalThis, 'globalThis');
    return paths;
  }

  return {
    // What the script has made or got: whoever sees that sees nothing new.
    own(value) {
      const wasRecording = isRecording;
      isRecording = false;
      const buffer = isObject(value) ? bufferOf(value) : undefined;
      if (buffer !== undefined) apply(add, owned, [buffer]);
      isRecording = wasRecording;
      return value;
    },
    record(onlyLanguage = false) {
      const changes = [];
      for (const [object, path] of reachable(onlyLanguage))
        for (const key of object === globalThis && onlyLanguage ? language : ownKeys(object)) {
          const property = getOwnPropertyDescriptor(object, key);
          if (property === undefined || (!property.configurable && !property.writable)) continue;
          const name = path === 'globalThis' ? String(key) : `${path}.${String(key)}`;
          if (typeof property.value === 'function') changes.push([object, key, { __proto__: null, value: recorder(property.value, name) }]);
          else if (property.get || property.set)
            changes.push([object, key, { __proto__: null, get: property.get && recorder(property.get, name), set: property.set && recorder(property.set, name) }]);
        }
      for (let i = 0; i < changes.length; ++i) defineProperty(changes[i][0], changes[i][1], changes[i][2]);
      isRecording = true;
      return changes.length;
    },
    // As a script would that means harm: zeros into all that was seen and is not its own.
    overwriteStrangers() {
      isRecording = false;
      for (let i = 0; i < seen.length; ++i) {
        if (apply(has, owned, [seen[i][0]])) continue;
        const bytes = new Bytes(seen[i][0]);
        for (let k = 0; k < bytes.length; ++k) bytes[k] = 0;
      }
      isRecording = true;
    },
    // Who saw a buffer that the script neither made nor got, nor is a copy of a part of one of these: ["NAME: bytes", …].
    strangers() {
      isRecording = false;
      let ownedText = '';
      for (const buffer of owned) ownedText += `${textOf(buffer)}\u{100}`;
      const texts = [];
      for (let i = 0; i < seen.length; ++i) {
        const [buffer, path, before] = seen[i];
        const now = textOf(buffer);
        if (before.length < leastBytes || apply(has, owned, [buffer]) || apply(includes, ownedText, [before])) continue;
        if (now.length !== before.length || !apply(includes, ownedText, [now])) texts[texts.length] = `${path}: ${before.length} bytes,${beginning(before)} …`;
      }
      return texts;
    },
  };
})();
