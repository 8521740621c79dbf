// SPDX-License-Identifier: Apache-2.0
// Whatever takes memory ends in memory_limit (or at the deadline), never in the daemon's death.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(memory_limits, .timeout = 120);

namespace {

void ends_in_memory_limit(const std::string &source, Where where = Where::here()) {
  Daemon daemon({"pool.default.memory_mb=64", "pool.default.workers=2"});
  Client client = daemon.connect();
  for (int i = 0; i < 3; ++i) {
    const json error = client.error("eval", {source, {{"deadline_ms", 10'000}}}, where);
    expect_equal(error["code"], "memory_limit", where);
    expect_equal(error["limit_mb"], 64, where);
    expect_equal(client.eval("1"), 1, where);
  }
}

} // namespace

Test(memory_limits, objects) {
  ends_in_memory_limit("const a = []; for (;;) a.push({n: a.length});");
}

Test(memory_limits, array_growth) { ends_in_memory_limit("const a = []; for (;;) a.push(1.5);"); }

Test(memory_limits, a_large_array) { ends_in_memory_limit("new Array(3e7).fill(0.5).length"); }

Test(memory_limits, strings) {
  ends_in_memory_limit(
      "const a = []; for (;;) a.push(new Array(1e5).fill('x' + a.length).join('-'));");
}

Test(memory_limits, a_string_that_doubles) {
  ends_in_memory_limit(
      "let s = 'x'; const kept = []; for (;;) { s += s; if (s.length > 2 ** 24) s = 'x';"
      "  kept.push(s.split('').join('y')); }");
}

Test(memory_limits, typed_arrays) {
  ends_in_memory_limit("const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));");
}

// Their memory is neither V8's nor an array buffer's.
Test(memory_limits, compression_streams) {
  ends_in_memory_limit("const a = []; for (;;) a.push(new CompressionStream('gzip'));");
}

Test(memory_limits, compression_streams_of_earlier_requests_are_collected) {
  Daemon daemon(
      {"pool.default.memory_mb=64", "pool.default.workers=1", "pool.default.isolation=reuse"});
  Client client = daemon.connect();
  client.put("s", "function make() { for (let i = 0; i < 50; ++i) new CompressionStream('gzip');"
                  "                  return 'made'; }");
  for (int i = 0; i < 30; ++i) // some 19 MB each
    expect_equal(client.call("s", "make", json::array(), {{"deadline_ms", 20'000}}), "made");
}

Test(memory_limits, one_large_typed_array) {
  ends_in_memory_limit("new Uint8Array(2 ** 30).length");
}

Test(memory_limits, a_size_that_no_machine_has_is_an_error_of_the_script) {
  Daemon daemon({"pool.default.memory_mb=64"});
  Client client = daemon.connect();
  expect_equal(
      client.eval("const refused = [];"
                  "for (const bytes of [2 ** 48, 7 * 2 ** 50, 2 ** 53 - 1])"
                  "  for (const Kind of [ArrayBuffer, SharedArrayBuffer, Uint8Array])"
                  "    try { new Kind(bytes); } catch (error) { refused.push(error); }"
                  "refused.every((error) => error instanceof RangeError) && refused.length"),
      9);
}

Test(memory_limits, a_script_may_go_on_after_a_failed_allocation) {
  Daemon daemon(
      {"pool.default.memory_mb=64", "pool.default.workers=1", "pool.default.deadline_ms=20000"});
  Client client = daemon.connect();
  const std::string name = "(() => { try { MADE; } catch (error) { return error.name; } })()";
  for (const std::string made :
       {"new ArrayBuffer(2 ** 31)", "new SharedArrayBuffer(2 ** 30)", "new Float64Array(2 ** 27)",
        "new Uint8Array(2 ** 20).buffer.transfer(2 ** 31)",
        "new WebAssembly.Memory({initial: 65536})",
        "new WebAssembly.Memory({initial: 1}).grow(4000)"})
    expect_equal(client.eval(std::string(name).replace(name.find("MADE"), 4, made)), "RangeError");
  // The limit holds nevertheless, and there is room for what is smaller.
  const json kept = client.eval("const a = []; let refused = 0;"
                                "while (refused < 5) try { a.push(new Float64Array(1 << 20)); }"
                                " catch { ++refused; } new ArrayBuffer(1 << 10); a.length");
  expect(kept > 3 && kept <= 8, shown(kept));
  // What WebAssembly itself asks for is answered, as allocators in it expect.
  expect_equal(client.eval("const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0,"
                           " 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1,"
                           " 7, 5, 1, 1, 103, 0, 0, 10, 8, 1, 6, 0, 32, 0, 64, 0, 11]);"
                           "const { g } = new WebAssembly.Instance(new WebAssembly.Module(bytes))"
                           ".exports; [g(1), g(4000), g(1)]"),
               {1, -1, 2});
  expect_equal(client.eval_error("try { new ArrayBuffer(2 ** 31); } catch {} null.x")["name"],
               "TypeError");
  // Whoever does not catch it is told what it was.
  expect_members(client.eval_error("new ArrayBuffer(2 ** 31)"),
                 {{"code", "memory_limit"}, {"limit_mb", 64}});
  expect_members(client.eval_error("(async () => { await null; new ArrayBuffer(2 ** 31); })()"),
                 {{"code", "memory_limit"}, {"limit_mb", 64}});
}

Test(memory_limits, a_text_that_speaks_of_memory_is_an_error_of_the_script) {
  Daemon daemon({"pool.default.memory_mb=64"});
  Client client = daemon.connect();
  client.put("s", "class UpstreamError extends Error { name = 'UpstreamError'; code = 'E_UP'; }\n"
                  "function thrown(text) { throw new UpstreamError(text); }\n"
                  "async function rejected(text) { await null; throw new UpstreamError(text); }");
  for (const std::string text :
       {"image service said: could not allocate memory", "Array buffer allocation failed",
        "Invalid string length: 1 to 20 characters", "Invalid typed array length: 99999999999",
        "Maximum BigInt size exceeded", "Unable to grow instance memory"})
    for (const std::string function : {"thrown", "rejected"})
      expect_members(client.error("call", {"s", function, json::array({text})}),
                     {{"code", "script_error"}, {"name", "UpstreamError"}, {"message", text}});
  // Those of V8 that have nothing to do with how much memory there is.
  for (const std::string source :
       {"'x'.repeat(2 ** 29)", "2n ** (2n ** 40n)", "new Array(-1)", "new Uint8Array(2 ** 40)"})
    expect_members(client.eval_error(source), {{"code", "script_error"}, {"name", "RangeError"}});
}

Test(memory_limits, what_is_encrypted) {
  ends_in_memory_limit(
      "(async () => { const data = new Uint8Array(8 << 20), kept = [];"
      "  const key = await crypto.subtle.generateKey({name: 'AES-CBC', length: 128}, false,"
      "    ['encrypt']);"
      "  for (;;)"
      "    kept.push(await crypto.subtle.encrypt({name: 'AES-CBC', iv: data.subarray(0, 16)}, key,"
      "      data)); })()");
}

Test(memory_limits, derived_bits) {
  ends_in_memory_limit(
      "crypto.subtle.importKey('raw', new Uint8Array(4), 'PBKDF2', false, ['deriveBits'])"
      "  .then((key) => crypto.subtle.deriveBits({name: 'PBKDF2', hash: 'SHA-1', iterations: 1,"
      "    salt: new Uint8Array(4)}, key, 2 ** 32 - 8))");
}

Test(memory_limits, maps) {
  ends_in_memory_limit("const m = new Map(); for (let i = 0;; ++i) m.set(i, {});");
}

Test(memory_limits, big_integers) {
  ends_in_memory_limit("const a = []; for (;;) a.push((1n << 8000000n) + BigInt(a.length));");
}

Test(memory_limits, web_assembly_memory) {
  ends_in_memory_limit("const m = new WebAssembly.Memory({initial: 1});"
                       "for (;;) { m.grow(16); new Uint8Array(m.buffer).fill(1); }");
}

Test(memory_limits, closures_of_a_promise_chain) {
  ends_in_memory_limit(
      "const kept = []; (async () => { for (;;) { kept.push(new Array(1000).fill({}));"
      "  await null; } })()");
}

Test(memory_limits, a_result_that_grows_in_conversion) {
  Daemon daemon({"max_message_bytes=1000000"});
  Client client = daemon.connect();
  const json error = client.eval_error("let o = {}; for (let i = 0; i < 30; ++i) o = [o, o]; o",
                                       {{"deadline_ms", 10'000}});
  expect(error["code"] == "too_large" || error["code"] == "memory_limit", shown(error));
  expect_equal(client.eval("1"), 1);
}
