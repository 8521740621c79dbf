// SPDX-License-Identifier: Apache-2.0
// Writes programs: program(seed) is the source of a script that uses a mix of the language's and
// the library's parts, always the same for one seed, and ends in a value that tells what it did, or
// in an error. Nothing in it depends on time or chance.

function program(seed) {
  let state = seed >>> 0;
  // mulberry32 by Tommy Ettinger, public domain
  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  const below = (limit) => next() % limit;
  const between = (least, most) => least + below(most - least + 1);
  const chance = (percent) => below(100) < percent;
  const pick = (choices) => choices[below(choices.length)];
  const list = (count, make) => Array.from({ length: count }, make);
  const words = 'alpha beta gamma delta Äpfel naïve 東京 emoji😀 o\'clock a-b x_y Z'.split(' ');
  const word = () => JSON.stringify(pick(words));
  const phrase = () => JSON.stringify(list(between(1, 6), () => pick(words)).join(pick([' ', ', ', '-', ''])));

  // Expressions of a type. `names` are variables of that type in scope.
  function number(depth, names = []) {
    if (depth <= 0) return names.length && chance(60) ? pick(names) : pick([String(between(-9, 99)), (between(-999, 999) / 8).toString(), '0', '-0', '1e21', '0x1f', '2 ** 31', 'NaN', '-Infinity']);
    const one = () => number(depth - 1, names);
    return pick([
      () => `(${one()} ${pick(['+', '-', '*', '/', '%', '|', '&', '^', '<<', '>>', '>>>'])} ${one()})`,
      () => `Math.${pick(['floor', 'ceil', 'round', 'trunc', 'sign', 'abs', 'sqrt', 'cbrt', 'log2', 'fround', 'clz32', 'sin', 'tanh', 'expm1'])}(${one()})`,
      () => `Math.${pick(['max', 'min', 'atan2', 'imul', 'pow', 'hypot'])}(${one()}, ${one()})`,
      () => `(${one()} ${pick(['<', '>', '===', '>=', '!='])} ${one()} ? ${one()} : ${one()})`,
      () => `${text(depth - 1)}.length`,
      () => `parse${pick(['Int', 'Float'])}(${text(depth - 1)} + ${one()})`,
      () => `Number((${one()}).toFixed(${below(5)}))`,
      () => `((x) => x ${pick(['+', '*', '-'])} ${one()})(${one()})`,
    ])();
  }
  function text(depth) {
    if (depth <= 0) return chance(70) ? phrase() : `String(${number(0)})`;
    const one = () => text(depth - 1);
    return pick([
      () => `(${one()} + ${one()})`,
      () => `${one()}.${pick(['toUpperCase', 'toLowerCase', 'trim', 'normalize'])}()`,
      () => `${one()}.slice(${between(-3, 3)}, ${between(-1, 9)})`,
      () => `${one()}.split(${JSON.stringify(pick(['', ' ', 'a', '-']))}).reverse().join(${word()})`,
      () => `${one()}.replace(${pick(['/[aeiou]/g', '/(\\w)(\\w)/', '/\\s+/g', '/./su'])}, ${pick(['"<$&>"', '"$2$1"', '(match, ...rest) => match + rest.length'])})`,
      () => `${one()}.pad${pick(['Start', 'End'])}(${between(0, 30)}, ${word()})`,
      () => `String(${one()}.at(${between(-4, 4)})?.codePointAt(0).toString(${pick([2, 10, 16, 36])}))`,
      () => `\`[\${${one()}}|\${${number(depth - 1)}}]\``,
      () => `(${number(depth - 1)}).to${pick(['String()', 'String(2)', 'Precision(5)', 'Exponential(3)', 'Fixed(2)'])}`,
      () => `encodeURIComponent(${one()})`,
      () => `JSON.stringify({ key: ${one()}, n: ${number(depth - 1)} })`,
    ])();
  }
  const numbers = (most = 9) => `[${list(between(0, most), () => number(below(2))).join(', ')}]`;

  // Statements. `note(value)` records a value.
  const parts = {
    arithmetic: () => `note(${number(3)}); note(${number(4)});`,
    strings: () => `note(${text(3)}); note(${text(2)});`,
    loop: () => `let total = ${number(1)}; for (let i = 0; i < ${between(1, 300)}; ++i) { if (i % ${between(2, 9)} === 0) continue; total = (total + ${number(2, ['i', 'total'])}) % ${between(5, 100000)}; if (total > ${between(1, 99999)}) break; } note(total);`,
    hot_loop: () => `let sum = 0; const step = (x, i) => (x ${pick(['+', '^', '-', '|'])} Math.imul(i, ${between(1, 999)})) ${pick(['| 0', '>>> 1', '& 0xffffff'])}; for (let i = 0; i < ${between(2000, 30000)}; ++i) sum = step(sum, i); note(sum); note(step('text', ${pick(['1', '1.5', 'undefined', '"2"'])}));`,
    closures: () => `const counters = Array.from({ length: ${between(1, 5)} }, (_, n) => { let count = n; return { up: (by = ${between(1, 5)}) => (count += by), get value() { return count; } }; }); for (const counter of counters) counter.up(), counter.up(${number(0)}); note(counters.map((counter) => counter.value));`,
    classes: () => `class Shape { static made = 0; #name; constructor(name) { this.#name = name; ++Shape.made; } area() { return 0; } get name() { return this.#name; } toString() { return \`\${this.name} \${this.area()}\`; } }
      class Box extends Shape { constructor(w, h) { super(${word()}); this.w = w; this.h = h; } area() { return this.w * this.h; } ${pick(['', 'toString() { return super.toString() + "!"; }', '[Symbol.toPrimitive](hint) { return hint === "number" ? this.area() : hint; }'])} }
      const box = new Box(${number(1)}, ${number(1)}); note(String(box)); note(+box); note(\`\${box}\`); note(Shape.made); note(box instanceof Shape); note(Object.keys(box));`,
    regexps: () => `const expression = /${pick(['(\\w+)\\s(\\w+)', '(?<first>[a-z])(?<rest>\\w*)', '[^\\x00-\\x7f]', '(?:a|b)+?', '\\b\\w', '(.)\\1', '(?<=a)\\w', '^.{3}'])}/${pick(['', 'g', 'gi', 'u', 'y', 'gs'])}; const subject = ${text(1)}; note(expression.exec(subject)); note(subject.replace(expression, '[$&]')); note(expression.lastIndex); note(subject.split(expression)); note([RegExp.$1, RegExp.lastMatch]);${chance(50) ? " if (expression.global) note([...subject.matchAll(expression)].map((match) => match.index));" : ''}`,
    typed_arrays: () => `const array = ${pick(['Int8Array', 'Uint8ClampedArray', 'Uint16Array', 'Int32Array', 'Float32Array', 'Float64Array'])}.from(${numbers(12)}); array.${pick(['sort()', 'reverse()', 'fill(3, 1, 4)', 'copyWithin(0, 2)'])}; note(Array.from(array)); note(array.byteLength); const view = new DataView(new ArrayBuffer(16)); view.set${pick(['Int16', 'Float32', 'Uint32', 'Float64'])}(${between(0, 8)}, ${number(1)}${pick(['', ', true'])}); note(new Uint8Array(view.buffer));`,
    big_integers: () => `let big = ${between(1, 1e9)}n; for (let i = 0; i < ${between(1, 40)}; ++i) big = ${pick(['big * 31n + 7n', 'big ** 2n % 1000000007n', '-big << 3n', 'BigInt.asUintN(128, big * big)', 'big ^ (big >> 5n)'])}; note(String(big)); note(big.toString(36).length); note(big > ${between(1, 1e9)});`,
    collections: () => `const map = new Map(${numbers()}.map((value, index) => [value, index])); map.set(NaN, 1).set(-0, 2).delete(${number(0)}); note([...map]); const set = new Set(${text(1)}); note([...set].join()); note(set.size); const weak = new WeakMap([[map, 1]]); note(weak.has(map) && !weak.has(set));`,
    exceptions: () => `function risky(n) { try { if (n % 3 === 0) throw new ${pick(['Error', 'TypeError', 'RangeError'])}('at ' + n); if (n % 3 === 1) return null.${pick(['x', 'y()', 'z.w'])}; return n; } catch (error) { if (n > ${between(2, 6)}) throw error; return error.message; } finally { note('finally ' + n); } }
      for (let n = 0; n < ${between(3, 9)}; ++n) note(risky(n));`,
    caught: () => `try { ${pick(['undefined.x', 'null[Symbol.iterator]', 'unknown_name', 'const c = 1; c = 2', 'new (class { constructor() { this.x(); } })()', 'JSON.parse("{\\"a\\": oops}")', '"x".repeat(-1)', 'new Array(-1)', 'BigInt(1.5)', '1n + 1', 'Symbol() + ""', 'decodeURIComponent("%")', 'new RegExp("(")', '(0, eval)("let let = 1")', '[].reduce((a) => a)', 'Reflect.construct(1)', 'structured.clone', 'Object.defineProperty(Object.freeze({}), "x", { value: 1 })', '(function f() { return f(); })()', 'class A extends null { constructor() { super(); } }; new A()', 'x; let x', '({}).x.y.z', 'null.foo', '[...1]', 'new Proxy({}, null)', 'Intl.NumberFormat("xx-invalid-locale-name")'])}; note('no error'); } catch (error) { note([error.name, error.message, String(error.stack).split('\\n').slice(0, ${between(1, 6)})]); }`,
    generators: () => `function* walk(tree) { if (!tree) return ${number(0)}; yield* walk(tree.left); const sent = yield tree.value; if (sent) note(sent); return yield* walk(tree.right); }
      const insert = (tree, value) => !tree ? { value } : value < tree.value ? { ...tree, left: insert(tree.left, value) } : { ...tree, right: insert(tree.right, value) }; const iterator = walk(${numbers(12)}.reduce(insert, null)); note(iterator.next()); note(iterator.next('sent')); note([...iterator]); note(iterator.${pick(['return(1)', 'next()'])});`,
    async: () => `later(async () => { const order = []; const wait = (n) => n ? Promise.resolve(n - 1).then(wait) : order.push('done'); await Promise.all([wait(${between(0, 5)}), (async () => { for (let i = 0; i < ${between(1, 4)}; ++i) { order.push(i); await null; } })(), Promise.reject(new Error('lost')).catch((error) => order.push(error.message)).finally(() => order.push('finally'))]); order.push(await Promise.${pick(['race', 'any', 'allSettled'])}([${list(between(1, 3), () => pick(['1', 'Promise.resolve(2)', 'Promise.reject(3).catch(() => 4)'])).join(', ')}])); return order; });`,
    async_generators: () => `later(async () => { async function* pages(n) { for (let i = 0; i < n; ++i) yield await new Promise((resolve) => resolve(i * ${between(1, 9)})); } const all = []; for await (const page of pages(${between(0, 5)})) { if (page > ${between(5, 20)}) break; all.push(page); } return all; });`,
    timers: () => `later(() => new Promise((resolve) => { const order = []; const note = (name) => order.push(name); ${list(between(1, 4), (_, i) => `setTimeout(note, ${pick([0, 3, 6, 9])}, 'timer ${i}');`).join(' ')} const stopped = setTimeout(note, 1, 'stopped'); clearTimeout(stopped); setImmediate(note, 'immediate'); queueMicrotask(() => note('microtask')); let ticks = 0; const interval = setInterval(() => { if (++ticks === ${between(1, 3)}) clearInterval(interval); }, 1); setTimeout(() => resolve([order.indexOf('microtask'), order.filter((name) => name.startsWith('timer')).sort(), ticks > 0]), 12); }));`,
    imports: () => `later(async () => { const module = await import('counter'); const before = module.n; module.up(); ${pick(['', 'module.up();'])} const again = await import('./counter'); return [before, module.n, again === module, await import('${pick(['nowhere', 'programs', '../counter'])}').then((found) => found.n, (error) => error.message)]; });`,
    json: () => `const value = { a: ${numbers()}, b: { c: ${text(1)}, d: new Date(${between(0, 2e9)} * 1000), e: undefined, f: null, g: [${word()}, { h: ${number(1)} }] } }; const encoded = JSON.stringify(value, ${pick(['null', '["a", "b", "c"]', '(key, item) => typeof item === "number" ? item + 1 : item'])}, ${pick(['0', '2', '"\\t"'])}); note(encoded); note(JSON.parse(encoded, (key, item) => Array.isArray(item) ? item.length : item));`,
    destructuring: () => `const { a: [first, , third = ${number(1)}, ...rest] = [], b: { c = ${word()}, ...others } = {}, ['k' + 1]: computed = 1 } = { a: ${numbers()}, ${chance(50) ? `b: { c: ${text(1)}, d: 1, e: 2 }, ` : ''}k1: ${number(0)} }; note([first, third, rest, c, others, computed]);`,
    proxies: () => `const log = []; const proxy = new Proxy({ x: ${number(0)} }, { get: (target, key, receiver) => (log.push('get ' + String(key)), Reflect.get(target, key, receiver)), has: (target, key) => (log.push('has ' + String(key)), ${pick(['true', 'key in target'])}), set: (target, key, value) => (log.push('set ' + key), Reflect.set(target, key, value)), ownKeys: (target) => (log.push('keys'), Reflect.ownKeys(target)), deleteProperty: (target, key) => (log.push('delete ' + key), delete target[key]) }); proxy.y = proxy.x; note('z' in proxy); note({ ...proxy }); delete proxy.x; note(JSON.stringify(proxy)); note(log);`,
    reflect: () => `const object = Object.create({ inherited: 1 }, { fixed: { value: ${number(1)} }, open: { get() { return this.inherited; }, enumerable: true, configurable: true } }); note(Reflect.ownKeys(object)); note(Object.entries(Object.getOwnPropertyDescriptors(object)).map(([key, property]) => key + property.enumerable)); note(Reflect.set(object, 'fixed', 1)); note(Reflect.has(object, 'inherited')); for (const key in object) note(key); note(Object.isFrozen(Object.${pick(['freeze', 'seal', 'preventExtensions'])}(object)));`,
    sorting: () => `const people = [${list(between(2, 12), () => `{ name: ${word()}, age: ${between(1, 20)} }`).join(', ')}]; note(people.sort((a, b) => a.age - b.age || (a.name < b.name ? -1 : 1)).map((person) => person.name + person.age)); note(${numbers(20)}.sort()); note(${numbers(20)}.sort((a, b) => b - a));`,
    arrays: () => `const array = ${numbers(12)}; note(array.map((x, i) => x * i).filter((x) => x > ${between(-5, 50)})); note(array.flatMap((x) => [x, [x]])); note(array.reduceRight((a, b) => a + '|' + b, '')); note([array.findLastIndex?.((x) => x < 9) ?? 'none', array.includes(NaN), array.indexOf(${number(0)}), array.at(-1)]); array.splice(${below(4)}, ${below(3)}, ${word()}); array.length += ${below(3)}; note(array); note(Object.keys(array).join());`,
    intl: () => `note(new Intl.NumberFormat(${pick(['"de"', '"en-IN"', '"ar-EG"', '"ja"', '"fr-CH"'])}, ${pick(['{}', '{ style: "currency", currency: "EUR" }', '{ style: "percent" }', '{ notation: "compact" }', '{ minimumFractionDigits: 3 }'])}).format(${between(-1e6, 1e6) / 8})); note(new Intl.DateTimeFormat(${pick(['"en-GB"', '"de"', '"ko"', '"th"'])}, { timeZone: ${pick(['"UTC"', '"America/New_York"', '"Asia/Kolkata"'])}, dateStyle: ${pick(['"full"', '"short"'])}, timeStyle: "medium" }).format(${between(0, 2e9)} * 1000)); note([${word()}, ${word()}, ${word()}].sort(new Intl.Collator(${pick(['"sv"', '"de"', '"en"'])}).compare)); note(new Intl.PluralRules('pl').select(${between(0, 30)}));`,
    dates: () => `const date = new Date(Date.UTC(${between(1900, 2100)}, ${below(14)}, ${between(-3, 40)}, ${below(30)}, ${below(70)})); note(date.toISOString()); date.setUTC${pick(['Month', 'Date', 'Hours', 'FullYear'])}(${between(-5, 99)}); note(date.getTime()); note(date.toUTCString()); note(Date.parse(${pick(['"2020-02-29"', '"2021-13-01"', '"Tue, 05 Nov 2024 10:00:00 GMT"'])})); note(date);`,
    getters: () => `const object = { log: [], get x() { this.log.push('get'); return ${number(1)}; }, set x(value) { this.log.push('set ' + value); }, [${word()} + 1]() { return super.toString === Object.prototype.toString; }, __proto__: { inherited() { return this.x; } } }; object.x = object.inherited(); object.x ${pick(['+=', '??=', '&&=', '||='])} 2; note(object.log); note(Object.keys(object)); note(Object.values(object).filter((value) => typeof value === 'function').map((method) => method.call(object)));`,
    symbols: () => `const key = Symbol(${word()}); const object = { [key]: 1, [Symbol.iterator]: function* () { yield* ${numbers(4)}; }, [Symbol.toPrimitive]: (hint) => hint, get [Symbol.toStringTag]() { return ${word()}; } }; note([...object]); note(\`\${object}\`); note(String(Object.prototype.toString.call(object))); note(object + 1); note(key.description); note(Symbol.for(${word()}) === Symbol.for(${word()}));`,
    labels: () => `const found = []; outer: for (let i = 0; i < ${between(2, 8)}; ++i) { inner: for (let j = 0; ; ++j) { switch ((i * ${between(1, 5)} + j) % ${between(3, 7)}) { case 0: continue outer; case 1: found.push(i + ':' + j); case 2: if (j > ${between(1, 5)}) break inner; break; default: if (j > 20) break outer; } } } note(found);`,
    templates: () => `const tag = (strings, ...values) => strings.raw.map((string, i) => string + (values[i] ?? '')).join('#'); note(tag\`a\\n\${${number(1)}}b\${${text(1)}}\`); note(String.raw\`\\u00e9\${${word()}}\`);`,
    evaluation: () => `const scope = ${number(1)}; note(eval('scope + 1')); note(new Function('a', 'b = ${between(1, 9)}', 'return a * b')(${number(1)})); note((0, eval)('typeof scope')); note((function () { return typeof this; })()); note((function () { 'use strict'; return typeof this; })()); note((() => { try { return eval('${pick(['1 +', 'let x; let x', 'await 1', '{ a: 1 }', 'var hidden = 3; hidden'])}'); } catch (error) { return error.message; } })());`,
    recursion: () => `const memo = new Map(); const count = (n) => n < 2 ? BigInt(n) : memo.get(n) ?? (memo.set(n, count(n - 1) + count(n - 2)), memo.get(n)); note(String(count(${between(5, 150)}))); const depth = (n) => n ? depth(n - 1) + 1 : 0; note(depth(${between(10, 3000)})); const hanoi = (n, a, b, c) => n ? hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a) : 0; note(hanoi(${between(1, 10)}, 'a', 'b', 'c'));`,
    stacks: () => `const layers = [${list(between(1, 5), () => pick(['(next) => next()', 'function named(next) { return next(); }', '(next) => [1].map(() => next())[0]', '(next) => JSON.parse("[1]", () => next())', '(next) => Reflect.apply(next, null, [])', '(next) => new (class Made { constructor() { this.value = next(); } })().value'])).join(', ')}]; note(layers.reduceRight((next, layer) => () => layer(next), () => new Error(${word()}).stack)());`,
    garbage: () => `let kept = []; for (let i = 0; i < ${between(100, 20000)}; ++i) { kept.push({ i, text: 'item ' + i }); if (kept.length > ${between(10, 300)}) kept = kept.slice(-${between(1, 9)}); } note(kept.length); note(kept[0]);`,
    webassembly: () => `if (typeof WebAssembly === 'object') { const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, ${pick([106, 107, 108, 113, 114, 115])}, 11]; note(new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes))).exports.f(${between(-99, 99)}, ${between(-99, 99)})); note(WebAssembly.validate(new Uint8Array(bytes.slice(0, ${between(8, 42)})))); }`,
    text_coding: () => `const bytes = new TextEncoder().encode(${text(1)}); note(Array.from(bytes)); const decoder = new TextDecoder(${pick(['"utf-8"', '"utf-16le"', '"latin1"', '"shift_jis"', '"koi8-r"'])}, { fatal: ${chance(30)} }); try { note(decoder.decode(bytes.subarray(0, ${below(9)}), { stream: true })); note(decoder.decode(bytes)); } catch (error) { note(error.message); } note(btoa(String.fromCharCode(...bytes))); try { note(atob(${word()})); } catch (error) { note(error.name); }`,
    cloning: () => `const original = { list: ${numbers()}, map: new Map([[${word()}, { deep: ${number(1)} }]]), set: new Set(${numbers(4)}), date: new Date(${below(2e9)}), error: new RangeError(${word()}), bytes: new Uint8Array(${numbers(12)}), expression: /x/g }; original.self = original; const copy = structuredClone(original); note([copy.self === copy, copy.list, [...copy.map], [...copy.set], copy.date, copy.error.message, Array.from(copy.bytes), String(copy.expression)]); try { structuredClone(${pick(['() => 1', '[Symbol()]', 'new WeakMap()', '{ p: Promise.resolve() }'])}); } catch (error) { note(error.message); }`,
    pollution: () => `${pick(['Array.prototype', 'Object.prototype', 'String.prototype', 'Number.prototype'])}.polluted = ${number(1)}; note([[].polluted, ({}).polluted, ''.polluted, (1).polluted].map(String)); note(typeof globalThis.previous); globalThis.previous = ${number(0)}; Error.stackTraceLimit = ${between(0, 5)};`,
  };

  // How it ends: mostly with what was noted.
  const ends = [
    ...list(16, () => () => ''),
    () => `null.end;`,
    () => `throw new ${pick(['Error', 'RangeError', 'class Custom extends Error { name = "Custom"; extra = [1, 2] }'])}(${word()});`,
    () => `throw { code: ${between(1, 99)}, notes };`,
    () => `(function outer() { (() => { [3].forEach(function inner(n) { undefined_name(n); }); })(); })();`,
    () => `later(async () => { await null; throw new TypeError('rejected'); });`,
    () => `}`,
    () => `Promise.reject(new RangeError(${word()}));`,
    () => `setTimeout(() => { throw new SyntaxError(${word()}); }, ${below(3)}); later(() => new Promise(() => {}));`,
    () => `later(() => new Promise(() => {}));`,
    () => `notes.push(notes);`,
  ];

  const names = Object.keys(parts);
  const body = list(between(3, 9), () => `{\n${parts[pick(names)]()}\n}`).join('\n');
  return `const notes = [], waiting = [];
const note = (value) => { notes.push(typeof value === 'bigint' ? String(value) + 'n' : value); };
const later = (f) => { waiting.push(f()); };
${body}
${pick(ends)()}
waiting.length ? Promise.all(waiting).then((results) => [notes, results]) : notes;`;
}
