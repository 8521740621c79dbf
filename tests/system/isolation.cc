// SPDX-License-Identifier: Apache-2.0
// What the modes of isolation promise beside invariant 4: reuse keeps, and is recycled.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <map>
#include <set>
#include <thread>

using namespace lethe::test;

TestSuite(isolation, .timeout = 60);

Test(isolation, reuse_keeps_what_a_script_left) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=reuse"});
  Client client = daemon.connect();
  client.put("a", "var n = 0; function count() { return ++n; }");
  client.put("b", "var n = 100; function count() { return ++n; }");
  for (int i = 1; i <= 50; ++i) {
    expect_equal(client.call("a", "count"), i);
    expect_equal(client.call("b", "count"), 100 + i); // each script its own world
  }
}

Test(isolation, reuse_is_recycled_by_count) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=reuse",
                 "pool.default.recycle_requests=10"});
  Client client = daemon.connect();
  client.put("s", "var n = 0; function count() { return ++n; }");
  int most = 0, again = 0;
  const auto count = [&] {
    const int n = client.call("s", "count");
    most = std::max(most, n);
    again += n == 1;
    return again == 5;
  };
  expect(becomes_true(count), "it keeps its state");
  expect(most >= 10, std::to_string(most)); // as many more as it takes to fork the next one
  expect_members(client.result("stats", json::array()), {{"workers_recycled", 4}});
}

// How much native code sees that got into a worker.
Test(isolation, rewind_workers_are_recycled_by_count) {
  Daemon daemon({"pool.default.workers=1", "pool.default.recycle_requests=10"});
  Client client = daemon.connect();
  std::map<int, int> served;
  const auto serve = [&] {
    client.request("eval", {"1", {{"stats", true}}});
    ++served[client.notifications.back().params[1]["worker"].get<int>()];
    return served.size() == 5;
  };
  const bool all = becomes_true(serve);
  expect(all, std::to_string(served.size()) + " workers");
  for (const pid_t now : daemon.workers())
    served.erase(now);
  for (const auto &[worker, requests] : served)
    expect(requests >= 10, "a worker served " + std::to_string(requests));
}

// And for how long it stays, whether there is work or not.
Test(isolation, rewind_workers_are_recycled_by_age_once_they_have_served) {
  Daemon daemon({"pool.default.workers=2", "pool.default.recycle_age_s=1"});
  Client client = daemon.connect();
  const auto recycled = [&] { return client.result("stats", json::array())["workers_recycled"]; };
  const pid_t worker = [&] {
    client.request("eval", {"1", {{"stats", true}}});
    return client.notifications.back().params[1]["worker"].get<int>();
  }();
  expect(becomes_true([&] { return recycled() == 1; }), "an old worker stays");
  expect(becomes_true([&] {
           const auto workers = daemon.workers();
           return workers.size() == 2 && std::ranges::find(workers, worker) == workers.end();
         }),
         "the old worker is not replaced");
  // Of the two that there are now, nobody can have done anything to.
  std::this_thread::sleep_for(milliseconds(2500));
  expect_equal(recycled(), 1);
}

// Signals from outside stand for native code that computes on after its reply.
Test(isolation, an_idle_worker_that_computes_is_killed) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.eval("1");
  const pid_t worker = daemon.idle_workers().at(0);
  expect(becomes_true([&] {
           int sent = 0;
           while (sent < 1000 && ::kill(worker, SIGUSR1) == 0)
             ++sent;
           return sent < 1000;
         }),
         "it goes on");
  expect(daemon.logs("has nothing to do, and has computed for"), "the log does not say so");
  expect_equal(client.eval("1"), 1);
  expect_equal(client.result("stats", json::array())["idle_cpu_kills"], 1);
}

// V8 10.2 crashed when a collection met a WeakMap that was only half read from the snapshot.
Test(isolation, reuse_makes_contexts_from_a_snapshot_with_weak_maps) {
  ScratchFolder folder;
  const std::string file = folder.file("weak.js", R"(
    globalThis.keys = Array.from({ length: 3000 }, (_, i) => ({ i }));
    globalThis.weak = new WeakMap(keys.map((key) => [key, [key]]));
  )");
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=reuse",
                 "pool.default.preload=[\"" + file + "\"]"});
  Client client = daemon.connect();
  for (int i = 0; i < 400; ++i)
    expect_equal(client.eval("weak.get(keys[7])[0].i"), 7);
  for (int i = 0; i < 60; ++i)
    client.put("s" + std::to_string(i), "function f() { return weak.get(keys[7])[0].i; }");
  expect_equal(client.call("s59", "f"), 7);
}

Test(isolation, process_uses_a_worker_once) {
  Daemon daemon({"pool.default.workers=2", "pool.default.isolation=process"});
  Client client = daemon.connect();
  std::set<int> workers;
  for (int i = 0; i < 20; ++i)
    client.request("eval", {"1", {{"stats", true}}});
  for (const Notification &notification : client.notifications)
    expect(workers.insert(notification.params[1]["worker"].get<int>()).second,
           "a worker ran two requests");
  expect_equal(workers.size(), 20);
}

Test(isolation, workers_that_served_are_replaced_in_a_lull_too) {
  Daemon daemon({"pool.default.isolation=process", "pool.default.workers=4"});
  Client client = daemon.connect();
  const auto workers = [&] {
    size_t count = 0; // that have not ended
    for (const ProcessState &state : daemon.descendants())
      count += state.name == "lethe-worker" && state.state != 'Z';
    return count;
  };
  constexpr size_t all = 8; // spares included
  for (size_t served = 1; served <= all; ++served) {
    expect(becomes_true([&] { return workers() == all; }), "the pool has its full strength");
    for (size_t i = 0; i < served; ++i)
      client.eval("1");
  }
}

Test(isolation, workers_have_one_thread) {
  Daemon daemon;
  daemon.connect().eval("1");
  daemon.idle_workers();
  for (const ProcessState &state : daemon.descendants()) {
    const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(state.pid) + "/task");
    expect_equal(std::distance(begin(tasks), end(tasks)), 1);
  }
}

Test(isolation, prelude_and_sandbox_hide_what_a_script_may_not_have) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const char *name : {"require", "process", "module", "Deno", "importScripts"})
    expect_equal(client.eval(std::string("typeof ") + name), "undefined");
  expect_equal(client.eval_error("import('fs')")["code"].is_string(), true);
}
