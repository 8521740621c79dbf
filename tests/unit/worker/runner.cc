// SPDX-License-Identifier: Apache-2.0
// What scripts find, and what becomes of those that fail or want too much.
#include "tests/unit/worker/world.h"

#include <criterion/criterion.h>

using lethe::to_hex;
using lethe::test::World;

Test(runner, promises_are_awaited) {
  World world;
  cr_expect_eq(to_hex(world.eval("(async () => { await null; return 5 })()")), "05");
  cr_expect_eq(world.eval("Promise.reject(new Error('later'))"), "script_error: later");
  cr_expect(
      world.eval("new Promise(() => {})").starts_with("script_error: the promise never settles"));
}

Test(runner, errors_of_all_shapes) {
  World world;
  cr_expect_eq(world.eval("throw 5"), "script_error: 5");
  cr_expect_eq(world.eval("throw undefined"), "script_error: undefined");
  cr_expect_eq(world.eval("throw {get message() { throw 1 }, toString: null}").substr(0, 12),
               "script_error");
  cr_expect_eq(world.eval("throw Object.create(null)").substr(0, 12), "script_error");
  cr_expect(world.eval("let a = ;").starts_with("compile_error: SyntaxError: "));
  cr_expect(world.eval("(function f() { f() })()").starts_with("script_error: Maximum call stack"));
}

namespace {

// V8 is started once in a process, and is not fit for more after this: a test for each.
void expect_memory_limit(const char *source) {
  World world({}, 32);
  const std::string result = world.eval(source);
  cr_expect(result.starts_with("memory_limit: "), "%s", result.c_str());
}

} // namespace

Test(memory_limit, small_objects) { expect_memory_limit("let a = []; for (;;) a.push([1, 2, 3])"); }
Test(memory_limit, buffers) {
  expect_memory_limit("let a = []; for (;;) a.push(new Uint8Array(1 << 20))");
}
Test(memory_limit, one_buffer) { expect_memory_limit("new Uint8Array(4e9)"); }
Test(memory_limit, is_no_matter_of_what_the_language_refuses) {
  World world({}, 32);
  cr_expect_eq(world.eval("let s = 'x'; for (;;) s += s"), "script_error: Invalid string length");
  cr_expect_eq(world.eval("2n ** (2n ** 40n)"), "script_error: Maximum BigInt size exceeded");
}
Test(memory_limit, a_web_assembly_memory) {
  expect_memory_limit("new WebAssembly.Memory({initial: 60000})");
}
Test(memory_limit, a_web_assembly_memory_that_grows) {
  expect_memory_limit("const m = new WebAssembly.Memory({initial: 1}); for (;;) m.grow(100)");
}

Test(runner, garbage_is_not_counted) {
  World world({}, 32);
  cr_expect_eq(to_hex(world.eval("for (let i = 0; i < 100; ++i) new Uint8Array(4 << 20); 1")),
               "01");
}

// V8 makes typed arrays slower for good once a buffer has been detached, and a startup snapshot
// keeps that.
Test(runner, no_buffer_is_detached_before_a_script_does_it) {
  World world;
  static bool is_first;
  v8::Isolate::GetCurrent()->SetUseCounterCallback(
      [](v8::Isolate *, v8::Isolate::UseCounterFeature feature) {
        is_first |= feature == v8::Isolate::kInvalidatedArrayBufferDetachingProtector;
      });
  world.eval("new ArrayBuffer(8)");
  cr_expect(!is_first);
  world.eval("new ArrayBuffer(8).transfer()");
  cr_expect(is_first);
}

Test(runner, random_numbers_differ_between_contexts) {
  World world;
  const std::string first = world.eval("Math.random()"), second = world.eval("Math.random()");
  cr_expect_neq(first, second);
  cr_expect_eq(
      to_hex(world.eval("let n = 0; for (let i = 0; i < 1e5; ++i) { const x = Math.random(); "
                        "if (!(x >= 0 && x < 1)) throw x; n += x } Math.round(n / 1e4)")),
      "05");
  cr_expect_eq(world.eval("Math.random.name + Math.random.length"), "\xa7random0");
  cr_expect(world.eval("new Math.random()").starts_with("script_error: "));
}

Test(runner, the_prelude_leaves_nothing_else_behind) {
  World world;
  cr_expect_eq(world.eval("Object.keys(globalThis).length"), std::string(1, '\0'));
  cr_expect_eq(world.eval("typeof native + typeof state + typeof next"),
               "\xbbundefinedundefinedundefined");
  cr_expect_eq(world.eval("Object.isFrozen(host)"), "\xc3");
}
