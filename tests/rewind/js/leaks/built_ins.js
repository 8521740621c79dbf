// SPDX-License-Identifier: Apache-2.0
// Leaks by way of built-in objects, beyond what tampering.js makes of each of them.

//: Array.prototype.map counts
{ const original = Array.prototype.map; let calls = original.calls ?? 0; Array.prototype.map = function (...args) { ++calls; return original.apply(this, args); }; Array.prototype.map.calls = calls + 1; }
Array.prototype.map.calls;

//: Array.prototype with an element at 0
Array.prototype[0] = 'planted';
//? [,].at(0) ?? [, 1][0]

//: Array.prototype with a length
Array.prototype.length = 5;
0;

//: Object.prototype with an element at 1
Object.prototype[1] = 'planted';
//? [0, , 2][1]

//: Object.prototype with a getter and a setter
Object.defineProperty(Object.prototype, 'spy', { get() { return 'spied'; }, set(value) { spied = value; }, configurable: true });
//? ({}).spy

//: Object.prototype.toJSON
Object.prototype.toJSON = () => 'replaced';
//? JSON.stringify({ a: 1 })

//: Object.prototype.then makes every object a thenable
Object.prototype.then = function (resolve) { resolve('captured'); };
1;
//? Promise.resolve({}).then((value) => typeof value)

//: Object.prototype.constructor
Object.prototype.constructor = class Tampered {};
//? ({}).constructor.name

//: Object.prototype.__proto__ deleted
delete Object.prototype.__proto__;
//? '__proto__' in {}

//: Object.prototype.__defineGetter__ used on a built-in
Math.__defineGetter__('PI2', () => 6);
//? Math.PI2

//: Function.prototype.call replaced
Function.prototype.call = function () { return 'captured'; };
//? Object.prototype.toString.call([])

//: Function.prototype.apply and bind replaced
Function.prototype.apply = Function.prototype.bind = null;
//? typeof Function.prototype.bind

//: Function.prototype[Symbol.hasInstance] shadowed on Array
Object.defineProperty(Array, Symbol.hasInstance, { value: () => true, configurable: true });
//? 1 instanceof Array

//: Array.prototype[Symbol.iterator] replaced
Array.prototype[Symbol.iterator] = function* () { yield 'planted'; };
//? String([...[1, 2]])

//: the array iterator's next replaced
Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true });
//? String([...[1, 2]])

//: the iterator prototype extended
Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())).planted = 1;
//? [].values().planted

//: the generator prototype's next replaced
Object.getPrototypeOf(function* () {}).prototype.next = () => ({ value: 'planted', done: false });
//? (function* () { yield 1; })().next().value

//: the async function prototype extended
Object.getPrototypeOf(async function () {}).planted = 1;
//? (async () => {}).planted

//: the async generator prototype extended
Object.getPrototypeOf(async function* () {}).prototype.planted = 1;
//? (async function* () {})().planted

//: the typed array constructor extended
Object.getPrototypeOf(Int8Array).planted = 1;
//? Float64Array.planted

//: the typed array prototype's length replaced
Object.defineProperty(Object.getPrototypeOf(Int8Array.prototype), 'length', { get: () => 42 });
//? new Uint8Array(1).length

//: Symbol.species of Array
Object.defineProperty(Array, Symbol.species, { value: class Planted extends Array {} });
//? [1].map((x) => x).constructor.name

//: Symbol.species of Promise
Object.defineProperty(Promise, Symbol.species, { value: class Planted extends Promise {} });
//? Promise.resolve().then(() => {}).constructor.name

//: Symbol.species of RegExp and ArrayBuffer
for (const constructor of [RegExp, ArrayBuffer]) Object.defineProperty(constructor, Symbol.species, { value: null });
//? RegExp[Symbol.species] === RegExp

//: Symbol.isConcatSpreadable on Array.prototype
Array.prototype[Symbol.isConcatSpreadable] = false;
//? [1].concat([2]).length

//: Symbol.toPrimitive on Object.prototype
Object.prototype[Symbol.toPrimitive] = () => 42;
//? +{}

//: Date.prototype[Symbol.toPrimitive] replaced
Object.defineProperty(Date.prototype, Symbol.toPrimitive, { value: () => 'never' });
//? String(new Date(0).getTime()) + `${new Date(0)}`.length

//: Date.now stopped
Date.now = () => 0;
//? Date.now() > 1e12

//: Date replaced
Date = class extends Date { getTime() { return 1; } };
//? new Date(0).getTime()

//: Math.random replaced
Math.random = () => 0.5;
//? Math.random() === Math.random()

//: Math.random's name and length
Object.defineProperty(Math.random, 'name', { value: 'dice' });
//? Math.random.name

//: JSON.parse replaced
JSON.parse = () => ({ admin: true });
//? JSON.parse('{}').admin

//: JSON.stringify replaced
JSON.stringify = () => 'nothing';
//? JSON.stringify([1])

//: parseInt and Number.parseInt no longer the same
Number.parseInt = () => 42;
//? Number.parseInt('7')

//: Promise.prototype.then replaced
{ const then = Promise.prototype.then; Promise.prototype.then = function (...args) { globalThis.seen = (globalThis.seen ?? 0) + 1; return then.apply(this, args); }; }
Promise.resolve(1).then(() => globalThis.seen);

//: Promise replaced
Promise = class extends Promise { static planted = 1; };
//? Promise.planted

//: Symbol.prototype.description replaced
Object.defineProperty(Symbol.prototype, 'description', { get: () => 'planted' });
//? Symbol('x').description

//: String.prototype with a number's name
String.prototype[5] = 'planted';
//? 'abc'[5]

//: Number.prototype, Boolean.prototype and BigInt.prototype extended
Number.prototype.planted = Boolean.prototype.planted = BigInt.prototype.planted = Symbol.prototype.planted = 1;
//? (1).planted ?? true.planted ?? 1n.planted ?? Symbol.iterator.planted

//: a boxed primitive prototype given a prototype
Object.setPrototypeOf(Number.prototype, { planted: 1 });
//? (1).planted

//: Object.prototype made a map's fallback for `in`
Object.prototype.admin = true;
//? 'admin' in {} || ({}).admin

//: Object.prototype not extensible
Object.preventExtensions(Object.prototype);
//? Object.isExtensible(Object.prototype)

//: Array.prototype sealed
Object.seal(Array.prototype);
//? Object.isSealed(Array.prototype)

//: Math, JSON, Reflect, Intl, Atomics and WebAssembly frozen
for (const name of ['Math', 'JSON', 'Reflect', 'Intl', 'Atomics', 'WebAssembly']) if (globalThis[name]) Object.freeze(globalThis[name]);
//? Object.isFrozen(Math)

//: everything frozen
(function freeze(object, seen) {
  if ((typeof object !== 'object' && typeof object !== 'function') || object === null || seen.has(object)) return;
  seen.add(object);
  for (const key of Reflect.ownKeys(object)) { const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key); freeze(value, seen); freeze(get, seen); freeze(set, seen); }
  freeze(Reflect.getPrototypeOf(object), seen);
  if (object !== globalThis) Object.freeze(object);
})(globalThis, new Set());
//? Object.isFrozen(Array.prototype.map)

//: every prototype emptied
{
  const { ownKeys } = Reflect;
  const names = ownKeys(globalThis);
  for (let i = 0; i < names.length; ++i) {
    let prototype;
    try { prototype = globalThis[names[i]].prototype; } catch {}
    const keys = prototype ? ownKeys(prototype) : [];
    for (let j = 0; j < keys.length; ++j) try { delete prototype[keys[j]]; } catch {}
  }
}
0;

//: the strings' prototype replaced by a proxy
Object.setPrototypeOf(String.prototype, new Proxy({}, { get: (_, key) => 'planted ' + String(key) }));
//? 'x'.nothing

//: Array.prototype's prototype replaced by a proxy
Object.setPrototypeOf(Array.prototype, new Proxy(Object.prototype, { get: (target, key, receiver) => key === 'ghost' ? 1 : Reflect.get(target, key, receiver) }));
//? [].ghost

//: Proxy replaced
globalThis.Proxy = function () { return {}; };
//? typeof Proxy.revocable

//: Reflect.ownKeys lies
{ const ownKeys = Reflect.ownKeys; Reflect.ownKeys = (object) => ownKeys(object).filter((key) => key !== 'x'); }
//? Reflect.ownKeys({ x: 1 }).length

//: Object.keys lies
Object.keys = () => ['planted'];
//? String(Object.keys({}))

//: Object.defineProperty replaced
Object.defineProperty = () => {};
//? 'x' in Object.defineProperty({}, 'x', {})

//: eval replaced
globalThis.eval = () => 'planted';
//? typeof eval === 'function' && /native code/.test(Function.prototype.toString.call(eval))

//: isNaN and isFinite swapped
[isNaN, isFinite] = [isFinite, isNaN];
//? isNaN(1)

//: encodeURIComponent replaced
encodeURIComponent = escape = (text) => text;
//? encodeURIComponent(' ')

//: the thrower of arguments.callee given a property
try { Object.getOwnPropertyDescriptor((function () { 'use strict'; return arguments; })(), 'callee').get.planted = 1; } catch (error) { String(error); }
0;

//: a built-in's prototype property kept in a closure and put back later
globalThis.restore = ((original) => () => (Array.prototype.push = original))(Array.prototype.push);
delete Array.prototype.push;
//? typeof Array.prototype.push

//: a built-in constructor subclassed and registered
globalThis.registry = Object.assign(globalThis.registry ?? {}, { [Object.keys(globalThis.registry ?? {}).length]: class extends Map {} });
Object.keys(registry).length;

//: a built-in's instance prototype swapped
Object.setPrototypeOf(Map.prototype, Set.prototype);
//? 'add' in new Map()

//: the realm's %ThrowTypeError%, %Array.prototype.values% compared by identity
globalThis.identities = [Array.prototype.values, Array.prototype[Symbol.iterator], Set.prototype.keys, Set.prototype.values];
identities[0] === identities[1] && identities[2] === identities[3];
//? typeof identities

//: annex B accessors
Object.prototype.__defineSetter__.call(globalThis, 'trap', (value) => (trapped = value));
trap = 5;
//? typeof trapped

//: AggregateError and FinalizationRegistry extended
for (const name of ['AggregateError', 'FinalizationRegistry', 'WeakRef']) if (globalThis[name]) globalThis[name].prototype.planted = 1;
//? new WeakRef({}).planted

//: DataView.prototype.getInt8 replaced
DataView.prototype.getInt8 = () => 42;
//? new DataView(new ArrayBuffer(1)).getInt8(0)

//: Map.prototype.get remembers
{ const get = Map.prototype.get; const log = Map.log ?? []; Map.log = log; Map.prototype.get = function (key) { log.push(key); return get.call(this, key); }; }
new Map([[1, 2]]).get(1), Map.log.length;

//: WeakMap.prototype.set remembers
{ const set = WeakMap.prototype.set; WeakMap.prototype.set = function (key, value) { (globalThis.weak_log ??= []).push(value); return set.call(this, key, value); }; }
new WeakMap().set({}, 'secret'), weak_log.length;

//: Atomics.notify replaced
if (typeof Atomics === 'object') Atomics.notify = () => 'planted';
//? typeof Atomics === 'object' && /native/.test(String(Atomics.notify))

//: Array.from and Array.of replaced
Array.from = Array.of = () => 'planted';
//? String(Array.of(1))

//: the order of Object.prototype's properties
{ const value = Object.prototype.valueOf; delete Object.prototype.valueOf; Object.defineProperty(Object.prototype, 'valueOf', { value, writable: true, configurable: true, enumerable: false }); }
//? Object.getOwnPropertyNames(Object.prototype).indexOf('valueOf')

//: the maps of built-ins made slow
for (const name of ['Array', 'Object', 'Function', 'String', 'RegExp', 'Promise']) { const prototype = globalThis[name].prototype; prototype.temporary = 1; delete prototype.temporary; }
0;
