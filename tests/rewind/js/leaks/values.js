// SPDX-License-Identifier: Apache-2.0
// Leaks by way of values and functions that are kept or changed: symbols, templates, caches of
// code, proxies, collections, getters, classes.

//: the symbol registry
globalThis.key ??= Symbol.for('shared key');
globalThis[key] = (globalThis[key] ?? 0) + 1;
//? typeof globalThis[Symbol.for('shared key')]

//: ten thousand registered symbols
for (let i = 0; i < 10000; ++i) Symbol.for('registered ' + i);
Symbol.keyFor(Symbol.for('registered 1'));

//: a registered symbol as a marker on a built-in
{ const found = Math[Symbol.for('mark')]; Math[Symbol.for('mark')] = 'marked'; found ?? 'virgin'; }

//: interned strings
{ let n = 0; const object = {}; for (let i = 0; i < 20000; ++i) object['interned ' + i % 5000] = ++n; Object.keys(object).length; }

//: a template object
globalThis.tag ??= (strings) => strings;
globalThis.templates ??= new Set();
globalThis.use ??= () => tag`a${1}b`;
templates.add(use()).size + String(Object.isFrozen(use()));

//: a template object with a cache of its own
globalThis.template_cache ??= new WeakMap();
globalThis.cached ??= (strings) => { template_cache.set(strings, (template_cache.get(strings) ?? 0) + 1); return template_cache.get(strings); };
globalThis.call_cached ??= () => cached`x`;
call_cached();

//: the boilerplate of an array literal
globalThis.array_of ??= () => [1, 2, 3];
{ const found = array_of().length; const array = array_of(); array.push(4); array.length = 100; found + ':' + array_of().length; }

//: the boilerplate of an object literal
globalThis.object_of ??= () => ({ a: { b: 1 } });
{ const object = object_of(); object.a.b = 2; object.c = 3; object_of().a.b + ':' + object_of().c; }

//: the compilation cache
{ const source = '(() => { const f = () => f.n = (f.n ?? 0) + 1; return f; })()'; (0, eval)(source)() + ':' + (0, eval)(source)(); }

//: the compilation cache of Function
{ const one = new Function('return arguments.callee.n = (arguments.callee.n ?? 0) + 1'); one(); new Function('return arguments.callee.n = (arguments.callee.n ?? 0) + 1')(); }

//: a memoised function
globalThis.memo ??= new Map();
{ const hit = memo.has(42); memo.set(42, {}); hit; }

//: a cache by object identity of a built-in
globalThis.by_identity ??= new Map([[Array.prototype.push, 0]]);
by_identity.set(Array.prototype.push, by_identity.get(Array.prototype.push) + 1).get(Array.prototype.push);

//: a map with a key NaN and an object
globalThis.odd ??= new Map();
odd.set(NaN, (odd.get(NaN) ?? 0) + 1).get(NaN);

//: an iterator left in the middle of a map
globalThis.walked ??= new Map([[1, 'a'], [2, 'b'], [3, 'c'], [4, 'd']]);
globalThis.walk ??= walked.values();
walk.next().value;

//: an iterator of an array, a string and a set left in the middle
globalThis.walks ??= [[1, 2, 3].values(), 'abc'[Symbol.iterator](), new Set([7, 8, 9]).values(), 'a1b2c3'.matchAll(/\d/g)];
walks.map((iterator) => String(iterator.next().value)).join();

//: a proxy around globalThis
globalThis.watcher ??= new Proxy(globalThis, { get(target, name) { watcher_log.push(String(name)); return target[name]; } });
globalThis.watcher_log ??= [];
watcher.Math; watcher_log.length;

//: a proxy around a built-in's prototype
{ const calls = globalThis.proxy_calls ??= []; Array.prototype.push = new Proxy(Array.prototype.push, { apply(target, self, args) { Array.prototype.concat.call(calls, 1); globalThis.pushes = (globalThis.pushes ?? 0) + 1; return Reflect.apply(target, self, args); } }); [].push(1); pushes; }

//: a proxy as a prototype
globalThis.ghost ??= Object.create(new Proxy({}, { get: (_, name, receiver) => typeof name === 'string' ? ++ghost_count.n : undefined }));
globalThis.ghost_count ??= { n: 0 };
ghost.anything;

//: a proxy that revokes itself
globalThis.once ??= (() => { const { proxy, revoke } = Proxy.revocable({}, { get() { revoke(); return 'first'; } }); return proxy; })();
try { once.x; } catch { 'revoked'; }

//: a getter that replaces itself
globalThis.lazy ??= { get value() { Object.defineProperty(this, 'value', { value: 'second' }); return 'first'; } };
lazy.value;

//: a class with static and private state
globalThis.Session ??= class { static #open = 0; static #users = []; static open(user) { this.#users.push(user); return ++this.#open; } };
Session.open('ada');

//: a static block's counter
globalThis.Block ??= class { static n = 0; static { globalThis.blocks = (globalThis.blocks ?? 0) + 1; } };
++Block.n + blocks;

//: a super call to a changed prototype
globalThis.Base ??= class { hello() { return 'hello'; } };
globalThis.Derived ??= class extends Base { hello() { return super.hello(); } };
{ const answer = new Derived().hello(); Object.setPrototypeOf(Derived.prototype, { hello: () => 'planted' }); answer; }

//: new.target kept
globalThis.targets ??= new Set();
(function Target() { targets.add(new.target); }).constructor; new (class { constructor() { targets.add(new.target); } })(); targets.size;

//: a function's caller and arguments
globalThis.outer_caller = function () { return inner_caller(); };
globalThis.inner_caller = function () { globalThis.callers = (globalThis.callers ?? 0) + 1; return callers; };
outer_caller();

//: a closure shared by two functions
globalThis.pair ??= (() => { let n = 0; return [() => ++n, () => n]; })();
pair[0](); pair[1]();

//: a currying chain
globalThis.sum ??= ((total) => { const add = (n) => (total += n, add); add.total = () => total; return add; })(0);
sum(1)(2); sum.total();

//: default parameters with state
globalThis.with_default ??= ((list = []) => (item, kept = list) => kept.push(item))();
with_default(1);

//: a bound function with a bound state
globalThis.bound ??= function () { return ++this.n; }.bind({ n: 0 });
bound();

//: holes in an array and an element on the prototype chain
globalThis.holes ??= Object.setPrototypeOf([, 1, , 2], Object.setPrototypeOf(['planted', , 'planted'], Array.prototype));
{ const text = holes.join(); holes.__proto__[0] += '!'; text; }

//: an array with a huge length
globalThis.huge ??= Object.assign([], { length: 4294967295 });
{ const length = huge.length; huge.length = 1; length; }

//: an array in dictionary mode with a getter
globalThis.strange ??= Object.defineProperty([], 5, { get: () => ++strange_calls.n, configurable: true });
globalThis.strange_calls ??= { n: 0 };
strange[5];

//: an object with many shapes
{ let sum = 0; for (let i = 0; i < 3000; ++i) { const object = {}; for (let bit = 0; bit < 12; ++bit) if (i >> bit & 1) object['p' + bit] = bit; sum += Object.keys(object).length; } sum; }

//: elements kinds of a shared array
globalThis.kinds ??= [1, 2, 3];
{ const sum = kinds.reduce((a, b) => a + b, 0); kinds.push(1.5); kinds.push('text'); kinds.push({}); typeof sum; }

//: an Error kept with its stack
globalThis.kept_error ??= new Error('kept');
{ const seen = kept_error.seen ?? 0; kept_error.seen = seen + 1; seen; }

//: structured bookkeeping in Symbol.iterator of Number
Number.prototype[Symbol.iterator] = function* () { for (let i = 0; i < this; ++i) yield i; };
//? (() => { try { return [...3].length; } catch { return 'virgin'; } })()

//: a realm made of an isolated evaluator
globalThis.realm = typeof ShadowRealm === 'function' ? new ShadowRealm() : { evaluate: () => 1 };
realm.evaluate('globalThis.n = (globalThis.n ?? 0) + 1');

//: a BigInt of a hundred thousand bits
globalThis.large = (globalThis.large ?? 1n) << 100000n;
large.toString(16).length;

//: a string of a million ropes
globalThis.rope = globalThis.rope ?? '';
for (let i = 0; i < 100000; ++i) rope += 'x';
rope.length;

//: an external-looking sliced string
globalThis.slice = (globalThis.slice ?? 'secret'.repeat(10000)).slice(1);
slice.length;

//: Object.groupBy and other newcomers replaced
for (const [holder, name] of [[Object, 'groupBy'], [Array, 'fromAsync'], [Promise, 'withResolvers'], [Object, 'hasOwn']]) holder[name] = () => 'planted';
//? String(Object.hasOwn({}, 'x'))

//: a sort comparator with state
globalThis.compared ??= { n: 0 };
[3, 1, 2].sort((a, b) => (++compared.n, a - b)); compared.n;

//: sort with an exception in the middle
globalThis.sorted ??= [3, 1, 2];
try { sorted.sort(() => { throw 1; }); } catch {} sorted.push(0); sorted.length;

//: JSON with a reviver and a replacer that keep
globalThis.revived ??= [];
JSON.parse('{"a":[1,{"b":2}]}', (key, value) => (revived.push(key), value)); revived.length;

//: toString of an object that changes itself
globalThis.mutable ??= { n: 0, toString() { return 'n' + ++this.n; } };
`${mutable}${mutable}`;

//: valueOf and comparison
globalThis.odometer ??= { n: 0, valueOf() { return ++this.n; } };
odometer < 2 && odometer < 3;

//: the order of keys of a shared object
globalThis.ordered ??= { b: 1, a: 2, 1: 3 };
{ const order = Object.keys(ordered).join(); delete ordered.b; ordered.b = 1; order; }

//: a Date changed in place
globalThis.date ??= new Date(0);
date.setUTCFullYear(date.getUTCFullYear() + 1); date.toISOString();

//: a frozen array that hides a map
globalThis.frozen_map ??= Object.freeze([new Map()]);
frozen_map[0].set(frozen_map[0].size, 1).size;

//: an object with a null prototype used as a table
globalThis.table ??= Object.create(null);
table.__proto__ = (table.__proto__ ?? 0) + 1;

//: labels, switch and a variable that leaves its block
{ var escaped = typeof escaped === 'undefined' || escaped === undefined ? 0 : escaped; label: for (;;) switch (escaped++) { default: break label; } }
escaped;
//? typeof escaped

//: a debugger statement
debugger; globalThis.debugged = (globalThis.debugged ?? 0) + 1;

//: a comment directive
(0, eval)('1 //# sourceURL=planted.js\n'); 0;
//? new Error().stack.includes('planted.js')

//: an HTML-like comment and a hashbang of eval
(0, eval)('#!planted\n<!-- comment\nglobalThis.bang = (globalThis.bang ?? 0) + 1');
