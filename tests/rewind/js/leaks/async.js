// SPDX-License-Identifier: Apache-2.0
// Leaks by way of what is still to come: promises, generators, timers, finalizers.

//: a promise that never settles, with a reaction
globalThis.never = new Promise(() => {});
never.then(() => { globalThis.late = 1; });
0;
//? typeof never

//: a promise settled by the next request
globalThis.settle?.('by the second run');
globalThis.pending = new Promise((resolve) => { globalThis.settle = resolve; });
pending.then((value) => { globalThis.settled = value; });
globalThis.settled ?? 'not settled';

//: an unhandled rejection
Promise.reject(new Error('unhandled'));
0;

//: an unhandled rejection that is handled later
globalThis.rejected = Promise.reject(1);
Promise.resolve().then(() => Promise.resolve()).then(() => rejected.catch(() => 'caught'));

//: a thousand microtasks
for (let i = 0; i < 1000; ++i) Promise.resolve(i).then((n) => { globalThis.ran = (globalThis.ran ?? 0) + 1; });
Promise.resolve().then(() => Promise.resolve()).then(() => globalThis.ran);

//: a microtask after the result
Promise.resolve().then(() => Promise.resolve()).then(() => Promise.resolve()).then(() => { globalThis.afterwards = 1; });
1;
//? typeof afterwards

//: queueMicrotask
if (typeof queueMicrotask === 'function') queueMicrotask(() => { globalThis.from_microtask = 1; });
0;
//? typeof from_microtask

//: a thenable that answers twice
globalThis.answers = 0;
Promise.resolve({ then(resolve) { ++answers; resolve(answers); resolve(99); } });

//: a generator left suspended
globalThis.generator ??= (function* () { let n = 0; try { while (true) yield ++n; } finally { globalThis.finished = n; } })();
generator.next().value;

//: a generator suspended in finally
globalThis.stubborn ??= (function* () { try { yield 1; } finally { yield 2; yield 3; } })();
stubborn.next().value + ':' + stubborn.return(9).value;

//: a generator that delegates to one that is shared
globalThis.inner ??= (function* () { let n = 0; while (n < 100) yield ++n; })();
(function* () { yield* inner; })().next().value;

//: an async generator left suspended
globalThis.async_generator ??= (async function* () { let n = 0; while (true) yield ++n; })();
async_generator.next().then((step) => step.value);

//: an async generator with queued requests
globalThis.queued ??= (async function* () { await new Promise(() => {}); yield 1; })();
queued.next(); queued.next(); queued.return(3);
0;

//: an async function that waits for ever
globalThis.waiting = (async () => { try { await new Promise(() => {}); } finally { globalThis.unwound = 1; } })();
//? typeof unwound
0;

//: an async function that goes on when a later request lets it
globalThis.go_on?.();
globalThis.steps ??= [];
(async () => { steps.push('before'); await new Promise((resolve) => { globalThis.go_on = resolve; }); steps.push('after'); })();
steps.join();

//: an async iterator over a promise chain
globalThis.chain = (globalThis.chain ?? Promise.resolve(0)).then((n) => n + 1);
chain.then((n) => n);

//: Promise.all with one missing
globalThis.all = Promise.all([1, new Promise((resolve) => { globalThis.missing = resolve; })]);
all.then(() => { globalThis.all_done = 1; });
//? typeof all_done
0;

//: Promise.race and Promise.any with waiting losers
globalThis.race = Promise.race([1, new Promise(() => {})]);
globalThis.any = Promise.any([1, new Promise(() => {})]);
race.then((value) => value + 1);

//: a timer
if (typeof setTimeout === 'function') globalThis.timer = setTimeout(() => { globalThis.fired = 1; }, 0);
0;
//? typeof fired

//: a long timer and an interval
if (typeof setTimeout === 'function') globalThis.timers = [setTimeout(() => { globalThis.fired_late = 1; }, 50), setInterval(() => { globalThis.ticks = (globalThis.ticks ?? 0) + 1; }, 1)];
0;
//? typeof ticks + typeof fired_late

//: the numbers of timers
typeof setTimeout === 'function' ? String(setTimeout(() => {}, 1000)) : 'no timers';

//: an interval that goes on until the result is there
new Promise((done) => { let n = 0; setInterval(() => { globalThis.ticked = (globalThis.ticked ?? 0) + 1; if (++n === 3) done(globalThis.ticked); }, 1); });
//? typeof ticked

//: an immediate that makes another one
setImmediate(function again() { globalThis.turns = (globalThis.turns ?? 0) + 1; setImmediate(again); });
new Promise((done) => setTimeout(done, 2, 'turned'));
//? typeof turns

//: an exception in a timer
setTimeout(() => { globalThis.threw = (globalThis.threw ?? 0) + 1; throw new Error('in a timer ' + globalThis.threw); }, 0);
new Promise(() => {});
//? typeof threw

//: a rejection in a timer that nobody handles
setTimeout(async () => { globalThis.lost = (globalThis.lost ?? 0) + 1; throw new Error('lost ' + globalThis.lost); }, 0);
new Promise((done) => setTimeout(done, 50));
//? typeof lost

//: the state of a module that is imported dynamically
import('leaky').then((module) => { module.list.push(1); return [module.up(), module.list.length]; });

//: a dynamic import that nobody waits for
import('leaky').then((module) => { globalThis.imported_module = module; });
0;
//? typeof imported_module

//: a namespace that is kept
globalThis.kept_namespace ??= import('leaky');
kept_namespace.then((module) => module.up());

//: Error.prepareStackTrace
Error.prepareStackTrace = (error, sites) => { globalThis.prepared = (globalThis.prepared ?? 0) + 1; return `${prepared} ${sites.length > 0}`; };
new Error('x').stack;
//? typeof prepared

//: a finalizer
globalThis.finalizers = new FinalizationRegistry((token) => { globalThis.finalized = token; });
finalizers.register({}, 'token');
//? typeof finalized

//: a finalizer of many objects and garbage to collect them
globalThis.finalizers = globalThis.finalizers ?? new FinalizationRegistry(() => { globalThis.collected = (globalThis.collected ?? 0) + 1; });
for (let i = 0; i < 1000; ++i) finalizers.register({ i }, i);
for (let i = 0; i < 200; ++i) new Array(10000).fill(i);
//? typeof collected
0;

//: a WeakRef to a thing that lives
globalThis.thing ??= { age: 0 };
globalThis.reference ??= new WeakRef(thing);
++reference.deref().age;

//: a WeakRef to a thing that died
globalThis.dead ??= new WeakRef({ age: 1 });
typeof dead;

//: WeakRef.prototype.deref keeps its target until the turn ends
globalThis.kept_alive = new WeakRef({}); kept_alive.deref() !== undefined;

//: an ephemeron whose key is a built-in
globalThis.ephemerons ??= new WeakMap();
ephemerons.set(Array.prototype, (ephemerons.get(Array.prototype) ?? 0) + 1).get(Array.prototype);

//: a WeakSet that marks what was seen
globalThis.seen ??= new WeakSet();
{ const found = seen.has(Math); seen.add(Math); found; }

//: Atomics.waitAsync
if (typeof Atomics === 'object' && Atomics.waitAsync && typeof SharedArrayBuffer === 'function') { globalThis.cell = new Int32Array(new SharedArrayBuffer(4)); Atomics.waitAsync(cell, 0, 0).value.then?.(() => { globalThis.woken = 1; }); Atomics.notify(cell, 0); }
0;
//? typeof woken

//: a dynamic import that fails
globalThis.imported = import('nowhere').catch((error) => { globalThis.import_error = 1; return 'no module'; });

//: host.call that nobody waits for
if (typeof host === 'object') host.call('nothing').catch(() => { globalThis.host_failed = 1; });
0;
//? typeof host_failed

//: an async stack
globalThis.deep = async (n) => n === 0 ? new Error('deep').stack.split('\n').length > 0 : await deep(n - 1);
deep(20);

//: a promise subclass with state
globalThis.Counting ??= class extends Promise { static made = 0; constructor(executor) { super(executor); ++Counting.made; } };
Counting.resolve(1).then(() => {}).then(() => {});
Counting.made;

//: a promise hook by way of the species
Promise.prototype.finally = function () { globalThis.hooked = 1; return this; };
Promise.resolve(1).finally(() => {});
