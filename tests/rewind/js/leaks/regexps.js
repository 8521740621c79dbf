// SPDX-License-Identifier: Apache-2.0
// Leaks by way of regular expressions: the statics of the last match, lastIndex, compiled code.

//: the last match
{ const found = RegExp.$1 + RegExp.lastMatch; /(s)(e)(c)ret/.exec('a secret b'); found; }
//? [RegExp.$1, RegExp.$2, RegExp.lastMatch, RegExp.lastParen, RegExp.leftContext, RegExp.rightContext, RegExp.input].join()

//: the input of the last match
{ const found = RegExp.input + RegExp['$_']; /x/.test('password: x'); found; }
//? RegExp.input

//: RegExp.input written
{ const found = RegExp.input; RegExp.input = 'planted'; found; }
//? RegExp.$_

//: the last match of replace
{ const found = RegExp.leftContext; 'a-b-c'.replace(/-/g, () => '+'); found; }
//? RegExp.leftContext + RegExp.rightContext

//: the last match of split, match and search
{ const found = RegExp['$&']; 'a1b2'.split(/\d/); 'a1b2'.match(/\d/g); 'a1b2'.search(/[b]/); found; }
//? RegExp['$&']

//: the last match of matchAll
{ const found = RegExp['$+']; for (const match of 'k=v;l=w'.matchAll(/(\w)=(\w)/g)) void match; found; }
//? RegExp['$+']

//: the last match of nine groups
{ const found = RegExp.$9; /(.)(.)(.)(.)(.)(.)(.)(.)(.)/.exec('123456789'); found; }
//? RegExp.$1 + RegExp.$9

//: a match that fails leaves the statics
/never/.exec('something'); RegExp.lastMatch;

//: lastIndex of a global expression
globalThis.sticky ??= /a/g;
sticky.test('aaaa'); sticky.lastIndex;

//: lastIndex of a sticky expression
globalThis.tape ??= /./y;
tape.exec('tape')[0] + tape.lastIndex;

//: lastIndex not writable
globalThis.stuck ??= Object.freeze(/a/g);
try { stuck.test('a'); } catch (error) { error.message; }

//: a literal in a function keeps its lastIndex by name
globalThis.literal ??= (() => { const expression = /b/g; return (text) => (expression.test(text), expression.lastIndex); })();
literal('bbbb');

//: RegExp.prototype.exec replaced
RegExp.prototype.exec = () => null;
//? /a/.test('a')

//: RegExp.prototype.compile
globalThis.recompiled ??= /a/;
{ const before = recompiled.source; recompiled.compile('changed', 'g'); before; }

//: RegExp.prototype.flags replaced
Object.defineProperty(RegExp.prototype, 'flags', { get: () => 'g' });
//? 'aa'.replaceAll === undefined || /a/.flags

//: RegExp.prototype[Symbol.replace] replaced
RegExp.prototype[Symbol.replace] = () => 'planted';
//? 'a'.replace(/a/, 'b')

//: RegExp.prototype[Symbol.match] and [Symbol.split] replaced
RegExp.prototype[Symbol.match] = RegExp.prototype[Symbol.split] = () => 'planted';
//? String('a'.match(/a/)) + 'a,b'.split(/,/)

//: the expression's own exec
globalThis.own ??= Object.assign(/a/, { exec() { return ['planted']; } });
own.test('');

//: an expression compiled to machine code
globalThis.hot ??= /^(?:[a-z]+\d*)+@[a-z.]+$/;
{ let n = 0; for (let i = 0; i < 20000; ++i) n += hot.test('user' + i + '@example.org'); n; }

//: a hundred expressions compiled
{ let n = 0; for (let i = 0; i < 100; ++i) for (let j = 0; j < 20; ++j) n += new RegExp('^[a-' + String.fromCharCode(98 + i % 24) + ']{' + (i % 7 + 1) + '}' + i).test('abcdefg' + i); n; }

//: backtracking with a large stack
/^(([a-z])+.)+[A-Z]([a-z])+$/.test('aaaaaaaaaaaaaaaaaaa');

//: a regular expression's stack overflow
try { new RegExp('('.repeat(20000) + ')'.repeat(20000)).test('a'); } catch (error) { error.name; }

//: named groups and their prototype
{ const { groups } = /(?<year>\d+)/.exec('2024'); groups.__proto__ = { planted: 1 }; groups.year + typeof ({}).planted; }

//: indices
/(?<a>b)/d.exec('abc').indices.groups.a.join();

//: unicode sets of case folding
/\u{1F600}|\p{Lu}/u.test('É') && /[^\W_]/iu.test('\u017f');

//: string searches with caches
{ const text = 'needle'.repeat(3000); let n = 0; for (let at = -1; (at = text.indexOf('dlene', at + 1)) >= 0;) ++n; n + text.lastIndexOf('needlen'); }

//: split's cache of results
{ const parts = 'a,b,c'.split(','); parts.planted = (parts.planted ?? 0) + 1; 'a,b,c'.split(',').planted ?? 'none'; }

//: the cache of number to string and back
{ for (let i = 0; i < 5000; ++i) String(i * 1.5), Number(String(i)); String(7.5); }

//: replace with a function that stays
globalThis.replacer ??= Object.assign((match) => (++replacer.calls, match), { calls: 0 });
'aXbX'.replace(/X/g, replacer); replacer.calls;

//: RegExp.prototype.source of the prototype
Object.defineProperty(RegExp.prototype, 'source', { value: 'planted' });
//? RegExp.prototype.source + /a/.source

//: a subclass that overrides Symbol.species
globalThis.Spy ??= class extends RegExp { static get [Symbol.species]() { Spy.asked = (Spy.asked ?? 0) + 1; return RegExp; } };
'a-b'.split(new Spy('-')); Spy.asked;
