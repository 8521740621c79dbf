// SPDX-License-Identifier: Apache-2.0
// Leaks by way of the global object and its bindings. Each section is one script, run twice in a
// row: the first line names it; its result is what it finds, and must be the same both times. A
// section may have a line that begins with //? and holds an expression, which must have the
// same value before and after.

//: a var
var leaked_var = typeof leaked_var === 'undefined' || leaked_var === undefined ? 1 : leaked_var + 1;
leaked_var;

//: a function declaration
function leaked_function() { return 1; }
leaked_function.calls = (leaked_function.calls ?? 0) + 1;
//? typeof leaked_function

//: a top-level let
let leaked_let = 1;
//? typeof leaked_let

//: a top-level const
const leaked_const = Symbol('const');
//? typeof leaked_const

//: a top-level class
class LeakedClass { static count = 1; #secret = 2; read() { return this.#secret; } }
//? typeof LeakedClass

//: a let that shadows a built-in
let Array = 1;
//? typeof Array

//: a const that shadows undefined's neighbour NaN in a block
{ const NaN = 1; globalThis.shadow = () => NaN; }
//? typeof shadow

//: a sloppy assignment
(function () { sloppy_leak = (typeof sloppy_leak === 'undefined' ? 0 : sloppy_leak) + 1; })();
sloppy_leak;

//: a counter on globalThis
globalThis.counter = (globalThis.counter ?? 0) + 1;

//: a symbol property of globalThis
globalThis[Symbol.for('counter')] = (globalThis[Symbol.for('counter')] ?? 0) + 1;

//: an index property of globalThis
globalThis[7] = (globalThis[7] ?? 0) + 1;

//: a very large index of globalThis
globalThis[4294967294] = (globalThis[4294967294] ?? 0) + 1;

//: a name with NUL
globalThis['a\0b'] = (globalThis['a\0b'] ?? 0) + 1;

//: the empty name
globalThis[''] = (globalThis[''] ?? 0) + 1;

//: a lone surrogate as a name
globalThis['\ud800'] = (globalThis['\ud800'] ?? 0) + 1;

//: __proto__ as a global's own property
Object.defineProperty(globalThis, '__proto__', { value: null, configurable: true });
0;

//: a getter that counts
if (!Object.getOwnPropertyDescriptor(globalThis, 'ticket')) {
  let n = 0;
  Object.defineProperty(globalThis, 'ticket', { get: () => ++n, configurable: true });
}
ticket + ticket;

//: a setter that keeps what it is given
if (!Object.getOwnPropertyDescriptor(globalThis, 'vault')) {
  const kept = [];
  Object.defineProperty(globalThis, 'vault', { get: () => kept.length, set: (value) => kept.push(value), configurable: true });
}
vault = {};
vault;

//: a property that can't be deleted
typeof globalThis.forever === 'undefined' ? Object.defineProperty(globalThis, 'forever', { value: 1 }).forever : 'found';

//: globalThis itself replaced
globalThis.globalThis = { hidden: true };
0;

//: globalThis frozen
try { Object.freeze(globalThis); } catch (error) { String(error); }
//? Object.isFrozen(globalThis)

//: globalThis not extensible
try { Object.preventExtensions(globalThis); } catch (error) { String(error); }
//? Object.isExtensible(globalThis)

//: a prototype put under globalThis
try { Object.setPrototypeOf(globalThis, { planted: 1, __proto__: Object.getPrototypeOf(globalThis) }); } catch { Object.setPrototypeOf(Object.getPrototypeOf(globalThis), { planted: 1, __proto__: Object.prototype }); }
//? typeof planted

//: a property of the prototype of globalThis
Object.getPrototypeOf(globalThis).planted_below = 1;
//? typeof planted_below

//: Symbol.unscopables of globalThis
globalThis[Symbol.unscopables] = { Array: true };
0;

//: Symbol.toStringTag of globalThis
globalThis[Symbol.toStringTag] = 'tampered';
//? String(globalThis)

//: undefined made a variable of a function's scope that stays
globalThis.scope = (function () { var undefined = 1; return () => undefined; })();
//? typeof scope

//: every global deleted
for (const name of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[name]; } catch {} }
0;

//: every global replaced by a number
for (const name of Object.getOwnPropertyNames(globalThis)) { try { globalThis[name] = 1; } catch {} }
0;

//: every global made read-only
for (const name of Object.getOwnPropertyNames(globalThis)) { try { Object.defineProperty(globalThis, name, { writable: false }); } catch {} }
0;

//: every global made enumerable
for (const name of Object.getOwnPropertyNames(globalThis)) { try { Object.defineProperty(globalThis, name, { enumerable: true }); } catch {} }
Object.keys(globalThis).length > 40;

//: ten thousand globals
for (let i = 0; i < 10000; ++i) globalThis['many' + i] = i;
//? typeof many9999

//: a global turned into dictionary mode and back
for (let i = 0; i < 2000; ++i) { globalThis['d' + i] = i; delete globalThis['d' + i]; }
0;

//: var inside eval
eval('var from_eval = typeof from_eval === "undefined" || from_eval === undefined ? 1 : 2');
//? typeof from_eval

//: var inside indirect eval
(0, eval)('var from_indirect_eval = 1');
//? typeof from_indirect_eval

//: a function made by the Function constructor
globalThis.made = new Function('return typeof made_state === "undefined" ? (made_state = 1) : ++made_state');
made();

//: a function in sloppy mode gets this
(function () { this.from_this = (this.from_this ?? 0) + 1; return this.from_this; })();

//: with and a scope object that stays
globalThis.scope_object = { value: 1 };
globalThis.from_with = new Function('with (scope_object) { return function () { return ++value; }; }')();
from_with();

//: a block function hoisted to the global scope
{ function hoisted_leak() {} }
//? typeof hoisted_leak

//: a label and a closure of each turn of a loop
globalThis.turns = [];
outer: for (let i = 0; i < 3; ++i) { for (;;) { turns.push(() => i++); continue outer; } }
turns.map((turn) => turn()).join();

//: a closure that keeps arguments
globalThis.kept_arguments = (function () { return arguments; })(1, 2, 3);
kept_arguments.length += 1;
kept_arguments.length;

//: a mapped arguments object
globalThis.mapped = (function (a) { arguments[0] = 'changed'; return { read: () => a, write: (value) => (a = value) }; })(1);
mapped.write(mapped.read() + '!');

//: a private field stamped on globalThis
(class extends (function (object) { return object; }) { #mark = 1; static has(object) { return #mark in object; } static stamp(object) { const found = this.has(object); if (!found) new this(object); return found; } }).stamp(globalThis);

//: a private field stamped on Object.prototype
globalThis.Stamp = globalThis.Stamp ?? class extends (function (object) { return object; }) { #mark = 1; static has(object) { return #mark in object; } };
if (!Stamp.has(Object.prototype)) new Stamp(Object.prototype), 'virgin'; else 'stamped';

//: a script that throws half-way
globalThis.half = (globalThis.half ?? 0) + 1;
throw new Error('half-way ' + half);

//: a script that throws an object that keeps state
throw { state: (globalThis.thrown = (globalThis.thrown ?? 0) + 1) };

//: a script that does not compile
globalThis.unreached = 1; let unreached_let; let unreached_let;

//: a global that is a revoked proxy
{ const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); globalThis.revoked = proxy; }
0;

//: a global getter that throws
Object.defineProperty(globalThis, 'mine', { get() { throw new Error('stepped on'); }, configurable: true, enumerable: true });
0;
