// SPDX-License-Identifier: Apache-2.0
// Leaks by way of the engine's own hooks and of what the host adds: errors, Intl, console, host.

//: Error.stackTraceLimit
{ const found = Error.stackTraceLimit; Error.stackTraceLimit = 0; found; }
//? Error.stackTraceLimit + new Error('x').stack

//: Error.stackTraceLimit deleted
delete Error.stackTraceLimit;
//? typeof new Error('x').stack

//: Error.stackTraceLimit as a getter
Object.defineProperty(Error, 'stackTraceLimit', { get: () => 1, configurable: true });
//? Error.stackTraceLimit

//: Error.prepareStackTrace
Error.prepareStackTrace = (error, frames) => 'planted ' + frames.length;
new Error('x').stack;
//? new Error('x').stack

//: Error.prepareStackTrace that keeps the functions of its callers
Error.prepareStackTrace = (error, frames) => { globalThis.spied_frames = frames; return ''; };
new Error('x').stack;
//? typeof spied_frames

//: Error.captureStackTrace replaced
Error.captureStackTrace = (object) => { object.stack = 'planted'; };
//? (() => { const object = {}; Error.captureStackTrace(object); return object.stack; })()

//: Error.prototype.toString replaced
Error.prototype.toString = () => 'planted';
//? String(new TypeError('x'))

//: Error.prototype.name and message
Error.prototype.name = 'Planted'; Error.prototype.message = 'planted'; TypeError.prototype.name = 'Planted';
//? String(new Error()) + new TypeError()

//: Error.prototype.stack
Object.defineProperty(Error.prototype, 'stack', { get: () => 'planted', configurable: true });
//? typeof Error.prototype.stack

//: an error thrown by the engine with a changed constructor's prototype
TypeError.prototype.planted = 1;
//? (() => { try { null.x; } catch (error) { return error.planted; } })()

//: SyntaxError from eval
SyntaxError.prototype.planted = 1;
//? (() => { try { (0, eval)('}'); } catch (error) { return error.planted; } })()

//: the message of an uncaught error
globalThis.failures = (globalThis.failures ?? 0) + 1;
throw Object.assign(new RangeError('failure ' + failures), { failures });

//: a thrown function
throw function planted() { return (globalThis.planted_calls = (globalThis.planted_calls ?? 0) + 1); };

//: a thrown null
globalThis.thrown_null = 1;
throw null;

//: an error whose properties are getters
throw Object.defineProperty(new Error('x'), 'message', { get() { return 'message ' + (globalThis.messages = (globalThis.messages ?? 0) + 1); } });

//: a stack overflow
(function down() { globalThis.downs = 1; down(); })();

//: a stack overflow in a getter chain
globalThis.abyss = { get x() { return this.x; } };
try { abyss.x; } catch (error) { error.constructor.name; }

//: Intl formats and their caches
new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' }).format(1234.5) + new Intl.DateTimeFormat('ja-JP', { timeZone: 'Asia/Tokyo', dateStyle: 'full' }).format(0);

//: Intl of fifty locales
{ let text = 0; for (const locale of ['ar', 'bg', 'ca', 'cs', 'da', 'de', 'el', 'en', 'es', 'et', 'fi', 'fr', 'he', 'hi', 'hr', 'hu', 'id', 'it', 'ja', 'ko', 'lt', 'lv', 'ms', 'nb', 'nl', 'pl', 'pt', 'ro', 'ru', 'sk', 'sl', 'sr', 'sv', 'th', 'tr', 'uk', 'vi', 'zh']) text += new Intl.NumberFormat(locale).format(1234567.8).length; text; }

//: Intl.DateTimeFormat.prototype.format replaced
Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', { get: () => () => 'planted', configurable: true });
//? new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(0)

//: Intl.NumberFormat as a new default locale
{ const { NumberFormat } = Intl; Intl.NumberFormat = function (locale, options) { return new NumberFormat('de-DE', options); }; }
//? new Intl.NumberFormat().format(1234.5)

//: the fallback symbol of Intl constructors
{ const object = Object.create(Intl.DateTimeFormat.prototype); try { Intl.DateTimeFormat.call(object); } catch {} Object.getOwnPropertySymbols(object).length; }

//: toLocaleString caches
[(1234.5).toLocaleString(), new Date(0).toLocaleDateString('en-US', { timeZone: 'UTC' }), (10n ** 20n).toLocaleString('fr')].join();

//: Collator, Segmenter, PluralRules, RelativeTimeFormat, ListFormat and DisplayNames
['ä', 'a', 'z'].sort(new Intl.Collator('sv').compare).join() + new Intl.PluralRules('ar').select(3) + new Intl.RelativeTimeFormat('en').format(-1, 'day') + new Intl.ListFormat('en').format(['a', 'b']) + (Intl.Segmenter ? [...new Intl.Segmenter('en').segment('a b')].length : 3) + (Intl.DisplayNames ? new Intl.DisplayNames(['en'], { type: 'region' }).of('DE') : 'Germany');

//: a collator in a closure
globalThis.collator ??= Object.assign(new Intl.Collator('de'), { n: 0 });
++collator.n;

//: normalisation and case tables
'\u0041\u030a\u01c5'.normalize('NFKC').toLocaleLowerCase('tr').length + 'straße'.localeCompare('STRASSE', 'de', { sensitivity: 'base' });

//: time zone offsets
[1950, 1990, 2020, 2100].map((year) => new Date(year, 6, 1).getTimezoneOffset()).join();

//: date parsing caches
['2020-01-01', 'Jan 1 2020 10:00 GMT', '2020-02-30', 'nonsense'].map((text) => Date.parse(text)).join();

//: console.log replaced
console.log = () => { globalThis.logged = 1; };
//? (console.log('x'), typeof logged)

//: console replaced
globalThis.console = { log() { globalThis.logged = 1; } };
//? typeof console.error

//: console counts, groups and timers
{ console.count?.('leak'); console.group?.('leak'); console.time?.('leak'); console.timeLog?.('leak'); }
0;

//: a property of console.log
console.log.calls = (console.log.calls ?? 0) + 1;

//: console.log of an object that keeps state when it is shown
globalThis.shown ??= { get value() { return (globalThis.shown_count = (globalThis.shown_count ?? 0) + 1); }, toString() { globalThis.shown_count = 99; return ''; } };
console.log(shown); typeof shown_count;
//? typeof shown_count

//: console.table and trace
console.table?.([{ a: 1 }]); console.trace?.('trace'); console.leaked = (console.leaked ?? 0) + 1;

//: host replaced
globalThis.host = { call: () => 'planted' };
//? typeof host === 'object' && /planted/.test(String(host.call))

//: host extended
try { 'use strict'; host.planted = 1; } catch {} typeof host === 'object' && String(host.planted);

//: host.call given a property
try { host.call.planted = (host.call.planted ?? 0) + 1; } catch {} String(globalThis.host?.call?.planted);

//: the prototype of host
if (typeof host === 'object') { try { Object.setPrototypeOf(host, { planted: 1 }); } catch {} }
//? typeof host === 'object' && String(host.planted)

//: atob, TextEncoder, URL and other web things, where they are
for (const name of ['atob', 'btoa', 'TextEncoder', 'TextDecoder', 'URL', 'URLSearchParams', 'AbortController', 'Event', 'EventTarget', 'structuredClone', 'performance', 'crypto', 'navigator', 'Headers', 'Blob']) if (globalThis[name]) globalThis[name].planted = 1, globalThis[name].prototype && (globalThis[name].prototype.planted = 1);
//? typeof URL === 'function' && URL.planted

//: performance marks
if (typeof performance === 'object') performance.mark?.('leak');
typeof performance === 'object' && performance.getEntriesByName ? performance.getEntriesByName('leak').length : 0;

//: performance.timeOrigin and now
typeof performance === 'object' && performance.now ? performance.now() < 3000 : true;

//: an event target with listeners
if (typeof EventTarget === 'function') { globalThis.target ??= new EventTarget(); target.addEventListener('x', () => { globalThis.heard = (globalThis.heard ?? 0) + 1; }); target.dispatchEvent(new Event('x')); }
typeof heard === 'undefined' ? 1 : heard;

//: Math.random consumed
for (let i = 0; i < 1000; ++i) Math.random();
0;

//: Math caches
[Math.sin(1e6), Math.cos(1e-6), Math.pow(2.5, 3.5), Math.exp(1.5), (0.1 + 0.2).toFixed(20), (1e21).toString(7), parseFloat('0x'), (255).toString(16)].join();

//: the count of eval'd scripts in names
new Error('x').stack.split('\n').length + (0, eval)('new Error("y").stack.split("\\n").length');

//: an origin name of eval
{ const name = (0, eval)('new Error("y").stack'); (globalThis.names ??= new Set()).add(name); names.size; }

//: getters on the arguments of a result
globalThis.result_reads = 0;
({ get a() { return ++globalThis.result_reads; }, get b() { return ++globalThis.result_reads; } });

//: toJSON of the result keeps state
globalThis.json_calls = globalThis.json_calls ?? 0;
({ toJSON() { return ++globalThis.json_calls; } });

//: a result with every type
[1, -0, 1.5, 10n, 'text', true, null, undefined, [1, [2]], { a: { b: 1 } }, new Map([[1, 2]]), new Set([1]), new Date(0), new Uint8Array([1, 2])].length;

//: a result that cannot be converted
globalThis.unconvertible = (globalThis.unconvertible ?? 0) + 1;
{ const cycle = { unconvertible }; cycle.self = cycle; globalThis.cycle = cycle; }
cycle;

//: a result that is a proxy
new Proxy({ n: (globalThis.proxied = (globalThis.proxied ?? 0) + 1) }, { ownKeys(target) { globalThis.proxied_keys = 1; return Reflect.ownKeys(target); } });

//: prototypes of results that the host reads
Object.prototype.toJSON = Array.prototype.toJSON = Date.prototype.toJSON = () => 'planted';
[{ a: 1 }, new Date(0)];

//: Array.prototype accessors while the host reads and writes
Object.defineProperty(Array.prototype, 0, { set() { globalThis.set_by_host = 1; }, get: () => 'planted', configurable: true });
[1, 2];

//: Object.prototype accessors while the host reads and writes
Object.defineProperty(Object.prototype, 'name', { set() { globalThis.set_by_host = 1; }, get: () => 'planted', configurable: true });
throw new Error('with name');

//: promise internals that the host awaits
Promise.prototype.then = function () { globalThis.then_by_host = 1; return this; };
Promise.prototype.constructor = function () {};
(async () => 1)();

//: a thenable as the result
({ then(resolve) { resolve((globalThis.thenables = (globalThis.thenables ?? 0) + 1)); } });
