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

Test(memory_limits, going_on_after_a_failed_allocation) {
  ends_in_memory_limit(
      "const a = []; for (;;) { try { a.push(new Float64Array(1 << 20)); } catch {} }");
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
