// SPDX-License-Identifier: Apache-2.0
// Native code in a worker takes what its limits leave it, and nobody else's share.
#include "tests/attack/attacker.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <sys/syscall.h>

using namespace lethe::test;

TestSuite(exhaustion, .timeout = 60);

namespace {

// With memory_mb = 16: twice that, what V8 needs besides, and what was there before.
constexpr size_t most_mb = 300;

std::string map(size_t bytes, int protection, int flags) {
  return "attack.syscall(" + std::to_string(SYS_mmap) + ", 0, " + std::to_string(bytes) + ", " +
         std::to_string(protection) + ", " + std::to_string(flags) + ", -1, 0)";
}

// How much memory that begins with PROTECTION is had, and what its worker takes at most.
json taken(const std::string &body) {
  Attack attack({"pool.default.memory_mb=16", "pool.default.isolation=process"});
  json result = attack.result(body, {}, {{"deadline_ms", 20'000}});
  attack.expect_over();
  return result;
}

} // namespace

Test(exhaustion, memory_that_is_mapped) {
  constexpr size_t piece = size_t{4} << 20;
  const json mb = taken("let mb = 0; for (;; mb += 4) { const at = " +
                        map(piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS) +
                        "; if (at < 0 || mb > 2000) return mb; for (let i = 0; i < 1024; ++i)"
                        "attack.poke(at + i * 4096, new Uint8Array([1])); }");
  expect(mb < most_mb, shown(mb) + " MB");
}

Test(exhaustion, memory_that_malloc_could_have) {
  const std::string brk = "attack.syscall(" + std::to_string(SYS_brk) + ", ";
  const json mb =
      taken("let end = " + brk + "0), mb = 0; for (; mb < 2000; mb += 4) { const next = " + brk +
            "end + (4 << 20)); if (next <= end) break; end = next; } return mb;");
  expect(mb < most_mb, shown(mb) + " MB");
}

// What is mapped without any right, and made writable afterwards.
Test(exhaustion, memory_that_becomes_writable) {
  for (const int call : {SYS_mprotect, SYS_pkey_mprotect}) {
    Attack attack({"pool.default.memory_mb=16", "pool.default.isolation=process"});
    const Reply reply =
        attack.run("const at = " + map(size_t{2} << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS) +
                   "; return at < 0 ? at : attack.syscall(" + std::to_string(call) + ", at, " +
                   std::to_string(size_t{2} << 30) + ", 3, 0);");
    // One of the two is none of the calls that a worker has.
    expect(reply.failed() ? reply.error()["code"] == "sandbox_violation" : reply.result() == -12,
           shown(reply));
    attack.expect_over();
  }
}

// Address space costs page tables once it is looked at: 2 GB of them for each TB.
Test(exhaustion, address_space) {
  const json gb =
      taken("let gb = 0; for (; gb < 4096; gb += 64) { if (" +
            map(size_t{64} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE) +
            " < 0) break; } return gb;");
  expect_equal(gb, 0);
}

// Who writes to standard error writes to the log.
Test(exhaustion, standard_error) {
  Attack attack;
  const json error = attack.error("deafen(); const line = new Uint8Array(65536).fill(120);"
                                  "for (;;) attack.syscall(" +
                                      std::to_string(SYS_write) + ", 2, line, line.length);",
                                  {}, {{"deadline_ms", 1000}});
  expect_equal(error["code"], "deadline_exceeded");
  attack.expect_over();
  const size_t bytes = attack.daemon().log().size();
  expect(bytes < size_t{1} << 20, "the log has " + std::to_string(bytes) + " bytes");
}

// Its processors' time is bounded by the deadlines of its requests.
Test(exhaustion, all_workers_of_the_pool_at_once) {
  Attack attack({"pool.default.workers=4"});
  std::vector<uint32_t> running;
  for (int i = 0; i < 16; ++i)
    running.push_back(attack.start("loop();", {}, {{"deadline_ms", 300}}));
  for (const uint32_t msgid : running)
    expect(attack.client().wait(msgid).failed(), "an endless loop ends well");
  attack.expect_over();
}
