// SPDX-License-Identifier: Apache-2.0
// Native code in a worker outlives neither its deadline, nor its request under `process`, nor the
// master's patience: whatever it says of itself in the page that both share, and whatever it leaves
// behind for the next request.
#include "tests/attack/attacker.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace lethe;
using namespace lethe::test;

TestSuite(lives_on, .timeout = 60);

namespace {

const char *const ways[] = {"loop();", "deafen(); sleep();"};

json own_answer() { return frame(message::Done{0, to_bytes("forged")}); }

// Nothing counts as running for ever.
void expect_drained(Attack &attack) {
  Client admin = attack.daemon().connect();
  admin.result("drain", {"default"});
  admin.result("resume", {"default"});
}

} // namespace

Test(lives_on, no_request_outlives_its_deadline) {
  for (const char *isolation : {"rewind", "process", "reuse"})
    for (const char *way : ways) {
      Attack attack({"pool.default.isolation=" + std::string(isolation)});
      const auto begin = Clock::now();
      expect_equal(attack.error(way, {}, {{"deadline_ms", 200}})["code"], "deadline_exceeded");
      expect(milliseconds_since(begin) < 2000, "its deadline does not hold");
      attack.expect_over();
    }
}

Test(lives_on, under_process_nothing_outlives_its_answer) {
  for (const char *way : ways) {
    Attack attack({"pool.default.isolation=process"});
    expect_equal(attack.result("say(frames[0]); " + std::string(way), {own_answer()}), "forged");
    attack.expect_over();
  }
}

// Under `rewind` it is thought idle. What it is given then, it does not begin: that runs elsewhere.
Test(lives_on, under_rewind_nothing_is_lost_by_what_outlives_its_answer) {
  for (const char *way : ways) {
    Attack attack({"pool.default.workers=1"});
    expect_equal(attack.result("say(frames[0]); " + std::string(way), {own_answer()}), "forged");
    for (int i = 0; i < 3; ++i)
      expect_equal(attack.client().eval("1", {{"deadline_ms", 20'000}}), 1);
    attack.expect_gone();
  }
}

Test(lives_on, a_cancelled_or_abandoned_request_ends_whatever_is_claimed) {
  for (const char *lie :
       {"claim(0xffffffff);", "claim(claimed() + 1);", "claim(0);", "claim(claimed() - 1);"})
    for (const bool disconnects : {false, true}) {
      Attack attack;
      const uint32_t running =
          attack.start(std::string(lie) + " await host.call('here', pid); loop();", {},
                       {{"deadline_ms", 60'000}});
      while (attack.begun() < 2)
        attack.client().request("ping", json::array());
      if (disconnects)
        attack.client().close();
      else
        attack.client().notify("cancel", {running});
      attack.expect_over();
      expect_drained(attack);
    }
}

// The lease word is changed as fast as can be while the master wants it back.
Test(lives_on, a_lease_that_never_stands_still) {
  Attack attack;
  const uint32_t running = attack.start(
      "deafen(); for (let number = 0;; ++number) attack.poke(page, new Uint32Array([number, 0]));",
      {}, {{"deadline_ms", 60'000}});
  while (attack.begun() < 1)
    attack.client().request("ping", json::array());
  attack.client().notify("cancel", {running});
  attack.expect_over();
  expect_drained(attack);
}

// What it writes of its end harms its own request alone.
Test(lives_on, a_lie_about_its_end_is_told_to_its_own_client) {
  const std::string end = "attack.syscall(" + std::to_string(SYS_exit_group) + ", 3);";
  Attack attack;
  expect_members(attack.error(end), {{"code", "worker_crashed"}, {"status", 3}});
  for (const auto &[reason, code] :
       {std::pair{1, "memory_limit"}, std::pair{2, "deadline_exceeded"},
        std::pair{3, "sandbox_violation"}, std::pair{77, "worker_crashed"}})
    expect_equal(attack.error("attack.poke(page + 8, new Uint32Array([" + std::to_string(reason) +
                              ", 99])); " + end)["code"],
                 code);
  attack.expect_over();
}

Test(lives_on, garbage_in_the_page_harms_nobody) {
  Attack attack;
  const json error = attack.error(
      "attack.poke(page, new Uint8Array(4096).fill(255)); await host.call('here', pid); loop();",
      {}, {{"deadline_ms", 200}});
  expect(error.contains("code"), "there is no error");
  attack.expect_over();
  attack.stats();
  expect_drained(attack);
}

// Signals that were blocked stay so, as that is no memory: the deadline does not depend on them.
Test(lives_on, a_request_after_native_code_has_its_deadline) {
  Attack attack({"pool.default.workers=1"});
  expect_equal(attack.result("return deafen();"), 0);
  const auto begin = Clock::now();
  expect_equal(attack.client().eval_error("for (;;);", {{"deadline_ms", 200}})["code"],
               "deadline_exceeded");
  expect(milliseconds_since(begin) < 2000, "its deadline does not hold");
  expect_equal(attack.client().eval("1"), 1);
}

// Wherever the image has it, and on the dead stack.
Test(lives_on, what_native_code_wrote_is_rewound) {
  Attack attack({"pool.default.workers=1"});
  const std::string look = "const at = [mark, ...[3, 10, 30, 60].map((k) => stack - k * 4096)];"
                           "const seen = at.map(word);",
                    write = "at.forEach((one) => attack.poke(one, new Uint32Array([7])));"
                            "return [pid, ...seen];";
  std::vector<json> seen;
  for (int i = 0; i < 20; ++i)
    seen.push_back(attack.result(look + write));
  for (const json &one : seen)
    expect_equal(one, {seen[0][0], 0, 0, 0, 0, 0}); // in the same worker
}

// A mapping more would be a place to survive in: its worker is replaced.
Test(lives_on, what_native_code_mapped_is_the_end_of_its_worker) {
  Attack attack({"pool.default.workers=1"});
  expect(attack.result("return attack.syscall(" + std::to_string(SYS_mmap) + ", 0, 4096, 3, " +
                       std::to_string(MAP_PRIVATE | MAP_ANONYMOUS) + ", -1, 0);") > 0,
         "nothing is mapped");
  attack.expect_gone();
  expect(attack.stats()["rewinds_failed_mapping_changed"] == 1, "it was rewound");
}

Test(lives_on, under_process_no_request_finds_what_native_code_wrote) {
  Attack attack({"pool.default.isolation=process"});
  for (int i = 0; i < 20; ++i)
    expect_equal(attack.result("const seen = word(mark); attack.poke(mark, new Uint32Array([7]));"
                               "return seen;"),
                 0);
  attack.expect_over();
  expect_equal(attack.begun(), 20);
}

// Image and libraries are mapped privately: a worker that writes them changes what it sees itself.
Test(lives_on, what_native_code_writes_is_in_no_sibling) {
  if (::getuid() != 0)
    cr_skip_test("needs root to read other processes' memory");
  Attack attack({"pool.default.workers=3"});
  const uint32_t running = attack.start(
      "attack.poke(mark, new Uint32Array([7])); await host.call('here', mark); loop();", {},
      {{"deadline_ms", 60'000}});
  uint64_t address = 0;
  attack.client().on_host_call = [&](uint32_t, const std::string &, const json &arguments) {
    if (arguments.at(0) > 1 << 30)
      address = arguments.at(0);
    return nullptr;
  };
  while (address == 0)
    attack.client().request("ping", json::array());
  attack.daemon().idle_workers(1);
  size_t changed = 0, looked_at = 0;
  for (const ProcessState &state : attack.daemon().descendants()) {
    if (state.state == 'Z' || !state.name.starts_with("lethe-"))
      continue;
    const FileDescriptor memory(
        ::open(("/proc/" + std::to_string(state.pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
    uint64_t value = 0;
    if (::pread(memory.get(), &value, sizeof value, static_cast<off_t>(address)) == sizeof value) {
      ++looked_at;
      changed += value != 0;
    }
  }
  expect(looked_at >= 4, "not all were looked at"); // a zygote and its workers
  expect_equal(changed, 1);
  attack.client().notify("cancel", {running});
}

// Who attacks again and again is refused after a while, and nobody else is.
Test(lives_on, an_attacker_is_quarantined) {
  Attack attack({"quarantine_faults=3"});
  const std::string forbidden = "attack.syscall(" + std::to_string(SYS_openat2) + ");";
  // The last one's end is counted when its wait status is known, a moment after its answer.
  json error;
  int tries = 0;
  do
    error = attack.error(forbidden);
  while (error["code"] == "sandbox_violation" && ++tries < 10);
  expect(tries >= 3, "not before the third");
  expect_members(error, {{"code", "quarantined"}, {"kind", "user"}});
  attack.expect_over();
}
