// SPDX-License-Identifier: Apache-2.0
// Scripts that in-process time-outs can't stop. Each gets its error within deadline + grace + 50
// ms, while another client's calls go on, and afterwards the pool is at full strength.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <atomic>
#include <criterion/criterion.h>
#include <thread>

using namespace lethe::test;

TestSuite(deadline_corpus, .timeout = 120);

namespace {

constexpr int deadline_ms = 250;
constexpr double grace_ms = 20, tolerance_ms = 50;
constexpr double busy_ms = 2000; // what a busy machine may add to a single round

// Another client's calls, until the end of the scope.
class Neighbour {
public:
  explicit Neighbour(const Daemon &daemon)
      : client_(daemon.connect()), thread_([this] {
          while (!stop_) {
            failures_ += client_.request("call", {"neighbour", "f", {1}}).failed();
            ++calls_;
          }
        }) {}
  ~Neighbour() { finish(); }
  void finish() {
    stop_ = true;
    if (thread_.joinable())
      thread_.join();
  }
  int calls() const { return calls_; }
  int failures() const { return failures_; }

private:
  Client client_;
  std::atomic<int> calls_{0}, failures_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

void ends_in_time(const std::string &source, const std::vector<std::string> &codes,
                  Where where = Where::here()) {
  Daemon daemon({"pool.default.workers=2", "grace_ms=20", "pool.default.memory_mb=128"});
  Client client = daemon.connect();
  client.put("neighbour", "function f(x) { return x; }");
  client.put("runaway", "function run() {" + source + "}");
  Neighbour neighbour(daemon);
  double least = 1e9;
  int long_rounds = 0, rounds_without_neighbour = 0; // a busy machine may stop it in one of them
  for (int round = 0; round < 3; ++round) {
    const int calls_before = neighbour.calls();
    const auto begin = Clock::now();
    const json error = client.error(
        "call", {"runaway", "run", json::array(), {{"deadline_ms", deadline_ms}}}, where);
    const double elapsed = milliseconds_since(begin);
    expect(std::find(codes.begin(), codes.end(), error["code"]) != codes.end(), shown(error),
           where);
    expect(elapsed < deadline_ms + grace_ms + busy_ms, std::to_string(elapsed) + " ms", where);
    least = std::min(least, elapsed);
    if (elapsed >= 50) {
      ++long_rounds;
      rounds_without_neighbour += neighbour.calls() == calls_before ? 1 : 0;
    }
  }
  expect(long_rounds == 0 || rounds_without_neighbour < long_rounds, "the neighbour had to wait",
         where);
  expect(least < deadline_ms + grace_ms + tolerance_ms, std::to_string(least) + " ms", where);
  neighbour.finish();
  expect(neighbour.failures() == 0, "the neighbour's calls failed", where);
  // Full strength: as many requests as there are workers run at the same time.
  std::vector<uint32_t> msgids;
  int running = 0;
  client.on_host_call = [&](uint32_t, const std::string &, const json &) -> json {
    if (++running == 2)
      for (const uint32_t msgid : msgids)
        client.notify("cancel", {msgid});
    return nullptr;
  };
  for (int i = 0; i < 2; ++i)
    msgids.push_back(
        client.start("eval", {"host.call('running').then(() => new Promise((resolve) =>"
                              " setTimeout(resolve, 1e6)))"}));
  for (const uint32_t msgid : msgids)
    expect_equal(client.wait(msgid).error()["code"], "cancelled", where);
}

const std::vector<std::string> stopped{"deadline_exceeded"};
const std::vector<std::string> stopped_or_full{"deadline_exceeded", "memory_limit"};

} // namespace

Test(deadline_corpus, a_regular_expression_that_backtracks) {
  ends_in_time("return /(a+)+$/.test('a'.repeat(40) + 'b');", stopped);
}

Test(deadline_corpus, array_fill) {
  ends_in_time("return new Array(1e9).fill(0);", stopped_or_full);
}

Test(deadline_corpus, big_integer_power) {
  // Beyond V8's largest BigInt it is a RangeError at once; in a loop it must end by the deadline.
  ends_in_time("for (;;) { try { 2n ** (2n ** 28n); } catch {} }", stopped_or_full);
}

Test(deadline_corpus, big_integer_multiplication) {
  ends_in_time("let n = 3n; for (;;) n *= n;", stopped_or_full);
}

Test(deadline_corpus, split_and_sort) {
  ends_in_time("return 'x'.repeat(2 ** 28).split('').sort();", stopped_or_full);
}

Test(deadline_corpus, json_of_a_huge_structure) {
  ends_in_time("let o = {}; for (let i = 0; i < 24; ++i) o = {a: o, b: o};"
               "return JSON.stringify(o);",
               stopped_or_full);
}

Test(deadline_corpus, a_key_derivation_with_billions_of_iterations) {
  ends_in_time("const parameters = {name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(4),"
               "  iterations: 2 ** 32 - 1};"
               "return crypto.subtle.importKey('raw', new Uint8Array(4), 'PBKDF2', false,"
               "  ['deriveBits']).then((key) => crypto.subtle.deriveBits(parameters, key, 512));",
               stopped);
}

Test(deadline_corpus, an_rsa_key_of_16384_bits) {
  ends_in_time("return crypto.subtle.generateKey({name: 'RSA-PSS', hash: 'SHA-1',"
               "  modulusLength: 16384, publicExponent: new Uint8Array([3])}, true, ['sign']);",
               stopped);
}

Test(deadline_corpus, while_forever) { ends_in_time("while (1);", stopped); }

Test(deadline_corpus, await_forever) {
  ends_in_time("return (async () => { for (;;) await null; })();", stopped);
}

Test(deadline_corpus, a_promise_that_settles_too_late) {
  ends_in_time("return new Promise((resolve) => setTimeout(resolve, 1e6));", stopped);
}

Test(deadline_corpus, a_promise_that_never_settles) {
  ends_in_time("return new Promise(() => {});", {"script_error"});
}

Test(deadline_corpus, timers_without_end) {
  ends_in_time("(function again() { setTimeout(again, 0); setImmediate(again); })();"
               "return new Promise(() => {});",
               stopped_or_full);
}

Test(deadline_corpus, atomics_wait) {
  ends_in_time("const cell = new Int32Array(new SharedArrayBuffer(4));"
               "for (;;) { try { Atomics.wait(cell, 0, 0); } catch {} }",
               stopped);
}

Test(deadline_corpus, a_getter_of_the_result_that_loops) {
  ends_in_time("return {get a() { while (1); }};", stopped);
}

Test(deadline_corpus, to_json_of_the_result_that_loops) {
  ends_in_time("return {toJSON() { while (1); }};", stopped);
}

Test(deadline_corpus, a_getter_of_the_error_that_loops) {
  ends_in_time("throw {get message() { while (1); }};", stopped);
}

Test(deadline_corpus, a_then_of_the_result_that_loops) {
  ends_in_time("return (async () => ({then() { while (1); }}))();", stopped);
}

Test(deadline_corpus, recursion_in_a_proxy) {
  ends_in_time("const p = new Proxy({}, {get(t, k, r) { return r[k]; }});"
               "for (;;) { try { p.x; } catch {} }",
               stopped);
}

Test(deadline_corpus, catching_the_end_and_going_on) {
  ends_in_time("for (;;) { try { for (;;); } catch {} finally { continue; } }", stopped);
}

Test(deadline_corpus, sort_with_a_comparison_that_never_ends) {
  ends_in_time("return [1, 2].sort(() => { for (;;); });", stopped);
}

Test(deadline_corpus, web_assembly_loop) {
  // (module (func (export "f") (loop (br 0))))
  ends_in_time(
      "const code = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1,"
      "  0, 7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11]);"
      "new WebAssembly.Instance(new WebAssembly.Module(code)).exports.f();",
      stopped);
}

Test(deadline_corpus, typed_array_sort) {
  ends_in_time("const a = new Float64Array(8e6).map(Math.random); for (;;) a.sort().reverse();",
               stopped_or_full);
}

Test(deadline_corpus, string_concatenation_and_search) {
  ends_in_time("const s = 'ab'.repeat(2 ** 22); for (;;) s.lastIndexOf('b'.repeat(2 ** 20) + 'a');",
               stopped_or_full);
}
