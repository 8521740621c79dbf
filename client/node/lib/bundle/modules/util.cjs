// SPDX-License-Identifier: Apache-2.0
'use strict';
const deepEqual = require('./deep_equal.cjs');
const { format, inspect, kindOf } = letheNode;

const custom = Symbol.for('nodejs.util.promisify.custom');
function promisify(original) {
  if (typeof original !== 'function') throw Object.assign(new TypeError('The "original" argument must be of type function'), { code: 'ERR_INVALID_ARG_TYPE' });
  if (original[custom]) return original[custom];
  const promised = function (...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error, value) => (error ? reject(error) : resolve(value))]);
    });
  };
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  return Object.defineProperties(promised, { ...Object.getOwnPropertyDescriptors(original), [custom]: { value: promised, configurable: true } });
}
promisify.custom = custom;

function callbackify(original) {
  return function (...args) {
    const callback = args.pop();
    Reflect.apply(original, this, args).then(
      (value) => queueMicrotask(() => callback(null, value)),
      (error) => queueMicrotask(() => callback(error ?? Object.assign(new Error('Promise was rejected with a falsy value'), { reason: error }))),
    );
  };
}

function inherits(constructor, parent) {
  Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

// Warns once, when it is first called.
function deprecate(original, message, code) {
  let isTold = false;
  function deprecated(...args) {
    if (!isTold) console.warn(`${code ? `[${code}] ` : ''}DeprecationWarning: ${message}`);
    isTold = true;
    return new.target ? Reflect.construct(original, args, new.target === deprecated ? original : new.target) : Reflect.apply(original, this, args);
  }
  Object.setPrototypeOf(deprecated, original);
  if (original.prototype) deprecated.prototype = original.prototype;
  return deprecated;
}

const debuglog = () => Object.assign(() => {}, { enabled: false });

const isKind = (...kinds) => (value) => kinds.includes(kindOf(value));
const isTyped = (name) => (value) => kindOf(value) === 'TypedArray' && value[Symbol.toStringTag] === name;
const boxed = { isNumberObject: 'Number', isStringObject: 'String', isBooleanObject: 'Boolean', isBigIntObject: 'BigInt', isSymbolObject: 'Symbol' };
const plain = {
  isProxy: 'Proxy', isMap: 'Map', isSet: 'Set', isPromise: 'Promise', isNativeError: 'Error', isDate: 'Date', isRegExp: 'RegExp', isMapIterator: 'Map Iterator',
  isSetIterator: 'Set Iterator', isArrayBuffer: 'ArrayBuffer', isSharedArrayBuffer: 'SharedArrayBuffer', isDataView: 'DataView', isWeakMap: 'WeakMap',
  isWeakSet: 'WeakSet', isModuleNamespaceObject: 'Module', isArgumentsObject: 'Arguments', isTypedArray: 'TypedArray', ...boxed,
};
const types = {
  isAnyArrayBuffer: isKind('ArrayBuffer', 'SharedArrayBuffer'),
  isArrayBufferView: ArrayBuffer.isView,
  isAsyncFunction: isKind('AsyncFunction', 'AsyncGeneratorFunction'),
  isGeneratorFunction: isKind('GeneratorFunction', 'AsyncGeneratorFunction'),
  isGeneratorObject: (value) => Object.prototype.toString.call(value) === '[object Generator]' || Object.prototype.toString.call(value) === '[object AsyncGenerator]',
  isBoxedPrimitive: isKind(...Object.values(boxed)),
  isCryptoKey: (value) => value instanceof CryptoKey,
  isKeyObject: (value) => value?.[Symbol.toStringTag] === 'KeyObject',
  isExternal: () => false,
};
for (const [name, kind] of Object.entries(plain)) types[name] = isKind(kind);
for (const name of ['Uint8Array', 'Uint8ClampedArray', 'Uint16Array', 'Uint32Array', 'Int8Array', 'Int16Array', 'Int32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'])
  types[`is${name}`] = isTyped(name);

const escapes = /[\u001B\u009B][[\]()#;?]*(?:(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]|[^\u0007\u001B]*(?:\u0007|\u001B\\))/g;

const ownInspect = Object.assign((value, options, depth, colors) => inspect(value, typeof options === 'object' && options !== null ? options : { showHidden: !!options, depth, colors }), {
  custom: Symbol.for('nodejs.util.inspect.custom'),
  defaultOptions: {},
  colors: {},
  styles: {},
});

module.exports = {
  format,
  formatWithOptions: (options, ...data) => format(...data),
  inspect: ownInspect,
  promisify,
  callbackify,
  inherits,
  deprecate,
  debuglog,
  debug: debuglog,
  types,
  isDeepStrictEqual: (left, right) => deepEqual(left, right, true),
  stripVTControlCharacters: (text) => text.replace(escapes, ''),
  styleText: (style, text) => text,
  toUSVString: (text) => `${text}`.toWellFormed(),
  TextEncoder,
  TextDecoder,
  aborted: (signal) => new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }))),
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === 'boolean',
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === 'number',
  isString: (value) => typeof value === 'string',
  isSymbol: (value) => typeof value === 'symbol',
  isUndefined: (value) => value === undefined,
  isRegExp: types.isRegExp,
  isObject: (value) => typeof value === 'object' && value !== null,
  isDate: types.isDate,
  isError: (value) => types.isNativeError(value) || value instanceof Error,
  isFunction: (value) => typeof value === 'function',
  isPrimitive: (value) => (typeof value !== 'object' && typeof value !== 'function') || value === null,
  isBuffer: letheNode.Buffer.isBuffer,
  _extend: (target, source) => Object.assign(target, source),
  log: (...data) => console.log(...data),
};
