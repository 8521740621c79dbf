// SPDX-License-Identifier: Apache-2.0
// Recorders in the place of every built-in: each calls through, and notes which objects and functions it got to see: `this`,
// arguments and what it returns. record(true): of the language only, so that what else there is will be made in a world of
// recorders. record(): of all that there is.
const { record, own, overwriteStrangers, strangers } = (() => {
  const { Proxy, Set, Map, ArrayBuffer, Object, Promise, Uint8Array: Bytes } = globalThis;
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
  const { isView } = ArrayBuffer;
  const getterOf = (object, name) => getOwnPropertyDescriptor(object, name).get;
  const TypedArray = getPrototypeOf(Uint8Array);
  const tagOf = getterOf(TypedArray.prototype, Symbol.toStringTag);
  const bufferOfArray = getterOf(TypedArray.prototype, 'buffer');
  const bufferOfView = getterOf(DataView.prototype, 'buffer');
  const sizeOf = getterOf(ArrayBuffer.prototype, 'byteLength');
  const { toString } = Object.prototype;
  const { add, has } = Set.prototype;
  const { get: getFrom, set: setIn, has: hasKey } = Map.prototype;
  const PromisePrototype = Promise.prototype;
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

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

  const owned = new Set();
  const seen = []; // [object, path of who saw it first, as what]
  const known = new Set();
  let isRecording = false;

  function note(value, path, role) {
    if (!isObject(value) || apply(has, known, [value])) return;
    apply(add, known, [value]);
    seen[seen.length] = [value, path, role];
  }
  function noteAll(self, list, path) {
    if (!isRecording) return;
    isRecording = false;
    note(self, path, 'this');
    for (let i = 0; i < list.length; ++i) note(list[i], path, `argument ${i}`);
    isRecording = true;
  }
  function noteResult(value, path) {
    if (isRecording) note(value, path, 'result');
    return value;
  }

  function areOwned(list) {
    for (let i = 0; i < list.length; ++i) if (isObject(list[i]) && !apply(has, owned, [list[i]])) return false;
    return true;
  }

  const recorderOf = new Map();
  function recorder(original, path) {
    let made = apply(getFrom, recorderOf, [original]);
    if (made !== undefined) return made;
    made = new Proxy(original, {
      __proto__: null,
      apply(target, self, list) {
        noteAll(self, list, path);
        const result = apply(target, self, list);
        // Of what it has already a script may know all: the iterator of its own list, for instance.
        if (isRecording && isObject(self) && apply(has, owned, [self]) && areOwned(list) && isObject(result)) apply(add, owned, [result]);
        return noteResult(result, path);
      },
      construct(target, list, newTarget) {
        noteAll(undefined, list, path);
        return noteResult(construct(target, list, newTarget === made ? target : newTarget), path);
      },
    });
    apply(setIn, recorderOf, [original, made]);
    apply(add, owned, [made]);
    return made;
  }

  // What a script makes, gets or hands over, with what is in it: whoever sees that sees nothing new.
  function ownAll(value, depth) {
    if (!isObject(value) || (depth > 0 && apply(has, owned, [value]))) return;
    apply(add, owned, [value]);
    const buffer = bufferOf(value);
    if (buffer !== undefined) {
      apply(add, owned, [buffer]);
      return;
    }
    // So that `await` here looks nothing up that has been replaced.
    if (getPrototypeOf(value) === PromisePrototype) defineProperty(value, 'constructor', { __proto__: null, value: Promise, configurable: true, writable: true });
    if (depth > 4) return;
    const keys = ownKeys(value);
    for (let i = 0; i < keys.length && i < 200; ++i) {
      const property = getOwnPropertyDescriptor(value, keys[i]);
      if (property !== undefined && apply(hasOwn, property, ['value'])) ownAll(property.value, depth + 1);
    }
  }
  const hasOwn = Object.prototype.hasOwnProperty;

  function kindOf(value) {
    if (typeof value === 'function') return `function ${getOwnPropertyDescriptor(value, 'name')?.value}`;
    const buffer = bufferOf(value);
    return `${apply(toString, value, [])}${buffer === undefined ? '' : ` of ${apply(sizeOf, buffer, [])} bytes`}`;
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
    own(value) {
      const wasRecording = isRecording;
      isRecording = false;
      ownAll(value, 0);
      isRecording = wasRecording;
      return value;
    },
    record(onlyLanguage = false) {
      const changes = [];
      for (const [object, path] of reachable(onlyLanguage)) {
        apply(add, owned, [object]);
        for (const key of object === globalThis && onlyLanguage ? language : ownKeys(object)) {
          const property = getOwnPropertyDescriptor(object, key);
          if (property === undefined || (!property.configurable && !property.writable)) continue;
          const name = path === 'globalThis' ? String(key) : `${path}.${String(key)}`;
          if (typeof property.value === 'function') changes.push([object, key, { __proto__: null, value: recorder(property.value, name) }]);
          else if (property.get || property.set)
            changes.push([object, key, { __proto__: null, get: property.get && recorder(property.get, name), set: property.set && recorder(property.set, name) }]);
        }
      }
      for (let i = 0; i < changes.length; ++i) defineProperty(changes[i][0], changes[i][1], changes[i][2]);
      isRecording = true;
      return changes.length;
    },
    // As a script would that means harm: zeros into all memory that was seen and is not its own.
    overwriteStrangers() {
      isRecording = false;
      for (let i = 0; i < seen.length; ++i) {
        const buffer = apply(has, owned, [seen[i][0]]) ? undefined : bufferOf(seen[i][0]);
        if (buffer === undefined || apply(has, owned, [buffer])) continue;
        const bytes = new Bytes(buffer);
        for (let k = 0; k < bytes.length; ++k) bytes[k] = 0;
      }
      isRecording = true;
    },
    // Who saw an object that the script neither made nor got: ["NAME: WHAT as ROLE", …].
    strangers() {
      isRecording = false;
      // What was made since can be reached as well: constructors, prototypes, their methods.
      for (const [object] of reachable(false)) apply(add, owned, [object]);
      const texts = [];
      for (let i = 0; i < seen.length; ++i) if (!apply(has, owned, [seen[i][0]])) texts[texts.length] = `${seen[i][1]}: ${kindOf(seen[i][0])} as ${seen[i][2]}`;
      return texts;
    },
  };
})();
