// SPDX-License-Identifier: Apache-2.0
// What a warm-up says of what its calls have changed.
#include "daemon/engine/code_events.h"
#include "daemon/worker/scripts/generation.h"
#include "ipc/clock.h"
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>

using namespace lethe;
using lethe::test::World;

namespace {

constexpr std::string_view warm_up_of_f = "\x91\x92\xa1"
                                          "f\x90";

// A zygote without its process: there is one V8 in a test's.
struct Zygote {
  World world;
  CodeEvents events{world.isolate()};
  Arena arena{size_t{1} << 30};
  MemoryLimits memory{size_t{128} << 20, arena};
  Scripts scripts;
  Runner runner{world.isolate(), scripts, memory, world.limits};
  Generation generation{world.isolate(), scripts, runner, memory, 60'000 * ns_per_ms};
};

// Of a script whose function f is warmed up: "pure", "changed …" or "unknown …"; or why it is not
// loaded.
std::string said_of(std::string_view source, message::LoadOptions options = {}) {
  static auto &zygote = *new Zygote;
  Modules::attach(zygote.world.isolate());
  options.warm_up = warm_up_of_f;
  message::Grow grow{.generation = 1, .strict = true};
  grow.load.push_back({.name = "s", .version = 1, .source = source, .options = options});
  zygote.generation.take(grow);
  if (const auto failed = zygote.generation.load([](std::string_view) {}))
    return failed->failure.error.message;
  const message::WarmedUp &reached = **zygote.scripts.find("s")->warmed_up();
  std::string text = reached.changed.empty() && reached.unknown.empty() ? "pure" : "";
  for (const auto name : reached.changed)
    text.append(text.empty() ? "changed " : ", ").append(name);
  for (const auto name : reached.unknown)
    text.append(text.empty() ? "" : "; ").append("unknown ").append(name);
  return text;
}

void expect(std::string_view said, std::string_view source,
            const message::LoadOptions &options = {}) {
  const std::string text = said_of(source, options);
  cr_expect_eq(text, said, "%s\n  of %s", text.c_str(), std::string(source).c_str());
}

void expect_pure(std::string_view source) { expect("pure", source); }

} // namespace

TestSuite(purity, .timeout = 200);

Test(purity, of_nothing) { expect_pure("function f() { return 1; }"); }

Test(purity, of_webassembly_tags) {
  expect_pure(
      "const tag = new WebAssembly.Tag({ parameters: ['i32'] }); function f() { return tag; }");
}

Test(purity, of_what_first_use_makes) {
  expect_pure(R"js(
    class Shape { constructor(n) { this.n = n; } area() { return this.n ** 2; } static of(n) { return new this(n); } }
    class Round extends Shape { #r = 2; area() { return this.#r * super.area(); } }
    const boiler = () => ({ a: 1, b: [1, 2, { c: /x(y)/g }], [Symbol.iterator]: null });
    const tag = (strings, ...values) => strings.raw.join('|') + values;
    function* numbers(n) { for (let i = 0; i < n; ++i) yield i; }
    function lazily() { function inner() { return function () { return arguments.length; }; } return inner()(1, 2); }
    async function later(x) { await null; return x; }
    async function f() {
      const shape = Round.of(3), map = new Map([[1, 2]]), set = new Set('abc');
      const parsed = JSON.parse('{"a": [1, 2.5, "x"], "__proto__": 1}');
      const found = 'xyxy'.replace(/(x)(y)/g, '$2$1') + /^\d+$/.test('12') + 'a-b'.split(/-/);
      const { a, ...rest } = boiler();
      const sorted = [3, 1, 2].sort((x, y) => x - y).map(String);
      const text = tag`a${1}b` + lazily() + [...numbers(3)] + new Date(0).toISOString() + new Intl.NumberFormat('en').format(1.5);
      try { null.x; } catch (error) { found + error.message; }
      new Proxy({}, { get: () => 1 }).x;
      new Uint8Array(10).fill(1); Symbol('x'); Symbol.for('y'); 10n ** 20n;
      await Promise.all([later(1), later(2)]);
      return text + shape.area() + map.size + set.size + parsed.a + sorted + a + Object.keys(rest);
    }
  )js");
}

Test(purity, of_standard_interfaces) {
  expect_pure(R"js(
    async function f() {
      const url = new URL('https://a.example/b?c=1'); url.searchParams.append('d', '2');
      const bytes = new TextEncoder().encode(url.href);
      const digest = await crypto.subtle.digest('SHA-256', bytes);
      return new TextDecoder().decode(bytes) + btoa('x') + atob('eA==') + digest.byteLength + structuredClone({ a: [1] }).a + Math.random() + crypto.randomUUID();
    }
  )js");
}

Test(purity, of_variables) {
  expect("changed visits", "let visits = 0; function f() { return ++visits; }");
  expect("changed visits", "var visits = 0; function f() { return ++visits; }");
  expect("changed visits",
         "function f() { return globalThis.visits = (globalThis.visits ?? 0) + 1; }");
  expect("changed ready", "let ready = false; function f() { ready = true; }");
  expect("changed price", "let price = 0.5; function f() { price *= 1.5; }");
  expect("changed name", "let name = 'a'; function f() { if (name.length < 9) name += 'b'; }");
  expect("changed big", "let big = 1n; function f() { ++big; }");
  expect("changed constant", "let constant; function f() { return constant ?\?= { a: 1 }; }");
}

Test(purity, of_closures) {
  expect("changed f{n}", "const f = (() => { let n = 0; return () => ++n; })();");
  expect("changed next{n}",
         "const next = (() => { let n = 0; return () => ++n; })(); function f() { next(); }");
  expect("changed deep{inner}{n}", "const deep = (() => { const inner = (() => { let n = 1; return "
                                   "() => ++n; })(); return () => inner(); })();"
                                   "function f() { deep(); }");
  expect("changed next{n}",
         "const next = (() => { { let n = 0; return () => ++n; } })(); function f() { next(); }");
  expect("changed counter{this}.n", "function Counter() { this.n = 0; return () => ++this.n; } "
                                    "const counter = new Counter(); function f() { counter(); }");
  expect("changed A.#n", "class A { static #n = 0; static count() { return ++A.#n; } } const "
                         "{ count } = A; function f() { count(); }");
}

// V8's interface names none of these.
Test(purity, of_what_only_a_closure_holds) {
  expect("changed f{n}", "const f = (() => { { let n = 0; return () => ++n; } })();");
  const std::string by_super = said_of(R"js(
    const make = (base) => ({ __proto__: base, f() { return super.step(); } }).f;
    const f = make((() => { let n = 0; return { step() { return ++n; } }; })());
  )js");
  cr_assert(by_super.starts_with("changed ") && by_super.ends_with("{n}"), "%s", by_super.c_str());
  const std::string by_accessor = said_of(R"js(
    const f = (() => { class A { static get #n() { return bytes[0]; } static f() { bytes[0] = A.#n + 1; } }
                       const bytes = new Uint8Array(1); return A.f; })();
  )js");
  cr_assert(by_accessor.starts_with("changed "), "%s", by_accessor.c_str());
}

Test(purity, of_webassembly_nobody_knows) {
  const std::string said = said_of(R"js(
    // (global (mut i32)) (func (export "f") global = global + 1)
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 6, 6, 1, 127, 1, 65, 0, 11,
                   7, 5, 1, 1, 102, 0, 0, 10, 11, 1, 9, 0, 35, 0, 65, 1, 106, 36, 0, 11];
    const step = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes))).exports.f;
    function f() { step(); }
  )js");
  cr_assert(said.starts_with("unknown "), "%s", said.c_str());
  expect("unknown instance: an instance of WebAssembly", R"js(
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)));
    function f() { return instance; }
  )js");
}

Test(purity, of_the_last_match) {
  expect_pure("/l(o)ad/.exec('load'); function f() { return /(a)b/.exec('ab')[1] + RegExp.$1; }");
}

Test(purity, of_timers) {
  expect_pure("function f() { return new Promise((done) => setTimeout(done, 0)); }");
  expect_pure("function f() { setTimeout(() => {}, 1e6); }");
}

Test(purity, of_formats) {
  expect_pure(
      "const money = new Intl.NumberFormat('en'), day = new Intl.DateTimeFormat('en');"
      "function f() { return money.format(1.5) + day.format(0) + 'a'.localeCompare('b'); }");
  expect("changed money[[options]]",
         "let money = new Intl.NumberFormat('en'); function f() { money = new "
         "Intl.NumberFormat('de'); }");
}

Test(purity, of_objects) {
  expect("changed cache.size",
         "const cache = new Map(); let i = 0; function f() { cache.set(cache.size % 9, 1); }");
  expect("changed cache.get(\"a\")",
         "const cache = new Map([['a', 1]]); function f() { cache.set('a', 2); }");
  expect("changed seen.size", "const seen = new Set(); function f() { seen.add(seen.size % 9); }");
  expect("changed list.length",
         "const list = []; function f() { if (list.length < 9) list.push(1); }");
  expect("changed list[1]", "const list = [1, 2]; function f() { list[1] = 'x'; }");
  expect("changed bytes[[buffer]][[bytes]]",
         "const bytes = new Uint8Array(9); function f() { bytes[3] = 1; }");
  expect("changed Array.prototype.last", "function f() { Array.prototype.last = 1; }");
  expect("changed box.#x", "class Box { #x = 0; add() { ++this.#x; } } const box = new Box(); "
                           "function f() { box.add(); }");
  expect("changed weak.size",
         "const weak = new WeakMap(), key = {}; function f() { weak.set(key, 1); }");
  expect("changed weak[[value]]",
         "const key = {}, weak = new WeakMap([[key, 1]]); function f() { weak.set(key, 2); }");
  expect("changed word.lastIndex", "const word = /a/g; function f() { word.test('aaaa'); }");
  expect("changed then[[date]]", "const then = new Date(0); function f() { then.setTime(1); }");
  expect("changed a[[prototype]]",
         "const a = {}; function f() { Object.setPrototypeOf(a, null); }");
  expect("changed a", "const a = {}; function f() { Object.preventExtensions(a); }");
  expect(
      "changed a.b",
      "const a = { b: 1 }; function f() { Object.defineProperty(a, 'b', { writable: false }); }");
  expect("changed order",
         "const order = { a: 1, b: 2 }; function f() { delete order.a; order.a = 1; }");
  expect("changed pair.b, pair.c",
         "const pair = { a: {}, b: {} }; pair.c = pair.a; function f() { pair.a = pair.b; }");
}

Test(purity, of_what_ends_as_it_began) {
  expect_pure("const word = /a/g; function f() { 'xaxa'.replace(word, 'b'); }");
  expect_pure("let depth = 0; function f() { ++depth; --depth; }");
  expect_pure("let last = [1]; function f() { last = [1]; }");
  expect_pure("const cache = new Map(); function f() { for (let i = 0; i < 100; ++i) cache.set(i, "
              "i); cache.clear(); }");
  expect_pure("const o = {}; function f() { o.a = 1; delete o.a; }");
  expect_pure("const weak = new WeakMap(); function f() { weak.set({}, 1); }");
  expect_pure("let promise = Promise.resolve(); function f() { promise = promise.then(() => {}); "
              "return promise; }");
}

Test(purity, of_intrinsics_without_a_name) {
  const std::string it = said_of("function f() { Object.getPrototypeOf([].keys()).mine = 1; }");
  cr_assert(it.starts_with("changed ") && it.ends_with(".mine"), "%s", it.c_str());
}

Test(purity, of_bound_functions_generators_and_promises) {
  expect("changed count[[internal]].n",
         "const count = function () { ++this.n; }.bind({ n: 0 }); function f() { count(); }");
  const std::string generator =
      said_of("const steps = (function* () { let i = 0; for (;;) yield ++i; })(); "
              "function f() { steps.next(); }");
  cr_assert_neq(generator, "pure");
  const std::string pending =
      said_of("const list = { n: 0 }; const never = new Promise(() => {}); function f() { "
              "never.then(() => ++list.n); }");
  cr_assert_neq(pending, "pure");
  const std::string iterator =
      said_of("const it = [1, 2, 3][Symbol.iterator](); function f() { it.next(); }");
  cr_assert_neq(iterator, "pure");
}

Test(purity, of_modules) {
  expect("changed visits", "export let visits = 0; export function f() { ++visits; }",
         {.module = true});
  expect("changed hidden", "let hidden = 0; export function f() { ++hidden; }", {.module = true});
  expect("changed import.meta.count",
         "export function f() { import.meta.count = 1; } import.meta.url;", {.module = true});
  expect("pure",
         "let hidden = 0; export const other = 1; export function f() { return hidden + other; }",
         {.module = true});
}

Test(purity, refuses_what_must_be_pure) {
  expect("warm_up_must_be_pure: its calls have changed visits",
         "let visits = 0; function f() { ++visits; }", {.warm_up_must_be_pure = true});
  expect("pure", "function f() {}", {.warm_up_must_be_pure = true});
}

Test(purity, paths_are_few_and_short) {
  const std::string it = said_of(
      "const all = {}; function f() { for (let i = 0; i < 99; ++i) all['ä'.repeat(50) + i] = 1; }");
  cr_assert_lt(it.size(), 1200);
  cr_assert(it.ends_with(", …"));
}
