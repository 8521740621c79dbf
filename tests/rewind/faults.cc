// SPDX-License-Identifier: Apache-2.0
// A failure of each step of checkpoint and rewind, made by LETHE_FAULT: every reply is right and
// every request finds a virgin world. Without a checkpoint the pool runs with `process` isolation
// and says so; a worker that can't rewind is replaced, and the reason is counted.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(faults, .timeout = 60);

namespace {

constexpr int rounds = 20;

DaemonOptions with_fault(const std::string &step) {
  return {.settings = {"pool.default.workers=1", "pool.default.isolation=rewind",
                       "pool.default.rewind_verify=1"},
          .environment = {"LETHE_FAULT=" + step}};
}

// Compiles, so that protections change; makes the heap grow; leaves something behind.
constexpr const char *script = R"(
  let calls = 0;
  const step = (sum, i) => (sum + Math.imul(i, 31)) | 0;
  function work() {
    const kept = [];
    for (let i = 0; i < 40; ++i) kept.push(new Uint8Array(300000).fill(i), new Array(30000).fill(i));
    let sum = 0;
    for (let i = 0; i < 30000; ++i) sum = step(sum, i);
    globalThis.left = (globalThis.left ?? 0) + 1;
    return [++calls, left, kept[78][299999], sum];
  })";

// Nothing if it is not there.
json value_of(const json &map, const std::string &key) { return map.value(key, json()); }

void expect_counted(const json &stats, const std::string &reason) {
  const json count = value_of(stats, "rewinds_failed_" + reason);
  expect(count.is_number() && count >= rounds / 2, reason + " is counted as " + shown(count));
}

json work_and_look_at_stats(const Daemon &daemon) {
  Client client = daemon.connect();
  client.put("s", script);
  constexpr int deadline_ms = 30'000; // the work is heavy, and the machine may be busy
  const json wanted = client.call("s", "work", json::array(),
                                  {{"isolation", "process"}, {"deadline_ms", deadline_ms}});
  expect_equal(wanted[0], 1);
  std::vector<uint32_t> running; // some are sent ahead to a worker that is going to end
  for (int i = 0; i < rounds; ++i)
    running.push_back(
        client.start("call", {"s", "work", json::array(), {{"deadline_ms", deadline_ms}}}));
  for (const uint32_t msgid : running) {
    const Reply reply = client.wait(msgid);
    expect(!reply.failed(), reply.failed() ? shown(reply.error()) : "");
    expect_equal(reply.result(), wanted);
  }
  json stats = client.result("stats", json::array());
  expect_equal(value_of(stats, "crashes"), 0); // replacing such a worker is no crash
  return stats;
}

void falls_back_to_process(const std::string &step) {
  const Daemon daemon(with_fault(step));
  json stats = work_and_look_at_stats(daemon);
  expect_equal(value_of(stats["pools"]["default"], "isolation"), "rewind");
  expect_equal(value_of(stats["pools"]["default"], "isolation_in_force"), "process");
  expect_contains(daemon.log(), "memory can't be rewound");
}

void worker_is_replaced(const std::string &step, const std::string &reason) {
  const Daemon daemon(with_fault(step));
  json stats = work_and_look_at_stats(daemon);
  expect_equal(value_of(stats["pools"]["default"], "isolation_in_force"), "rewind");
  expect_counted(stats, reason);
}

} // namespace

Test(faults, checkpoint_regions) { falls_back_to_process("checkpoint.regions"); }
Test(faults, checkpoint_file) { falls_back_to_process("checkpoint.file"); }
Test(faults, checkpoint_content) { falls_back_to_process("checkpoint.content"); }
Test(faults, checkpoint_write) { falls_back_to_process("checkpoint.write"); }
Test(faults, checkpoint_map) { falls_back_to_process("checkpoint.map"); }
Test(faults, self_test) { falls_back_to_process("self_test"); }

Test(faults, rewind_break) { worker_is_replaced("rewind.break", "system_call_failed"); }
Test(faults, rewind_protection) { worker_is_replaced("rewind.protection", "system_call_failed"); }
Test(faults, rewind_mappings) { worker_is_replaced("rewind.mappings", "mapping_changed"); }
Test(faults, rewind_scan) { worker_is_replaced("rewind.scan", "system_call_failed"); }
Test(faults, rewind_drop) { worker_is_replaced("rewind.drop", "system_call_failed"); }
Test(faults, rewind_stack) { worker_is_replaced("rewind.stack", "verify_failed"); }
Test(faults, rewind_verify) { worker_is_replaced("rewind.verify", "verify_failed"); }

// A worker that cannot adopt the image serves one request, as under `process`.
Test(faults, adopt) {
  const Daemon daemon(with_fault("adopt"));
  const json stats = work_and_look_at_stats(daemon);
  expect(stats["workers_forked"] > rounds, "a worker served several requests");
}

Test(faults, too_much_touched) {
  const Daemon daemon(
      {"pool.default.workers=1", "pool.default.isolation=rewind", "pool.default.rewind_max_mb=4"});
  expect_counted(work_and_look_at_stats(daemon), "too_much_touched"); // 9 MB of heap
}
