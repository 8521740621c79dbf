// SPDX-License-Identifier: Apache-2.0
// daemon/DESIGN.md, "What must always hold": a short scenario for each. tests/fault counts 1, 2, 6
// and 7 under load.
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <fstream>
#include <set>

using namespace lethe::test;

TestSuite(invariants, .timeout = 120);

Test(invariants, i1_one_reply_whatever_dies) {
  Daemon daemon({"pool.default.workers=2"});
  Client client = daemon.connect();
  std::vector<uint32_t> msgids;
  for (int i = 0; i < 20; ++i)
    msgids.push_back(
        client.start("eval", {"const end = Date.now() + 50; while (Date.now() < end);"}));
  for (int i = 0; i < 5; ++i)
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGKILL);
  ::kill(daemon.zygote(), SIGKILL);
  for (const uint32_t msgid : msgids)
    client.wait(msgid); // the client fails at a second reply to one request
  expect_equal(client.eval("1"), 1);
}

Test(invariants, i2_a_request_that_may_have_started_is_never_run_again) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  int starts = 0;
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    ++starts;
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGKILL);
    return nullptr;
  };
  expect_equal(client.eval_error("host.call('started').then(() => { while (1); })")["code"],
               "worker_crashed");
  expect_equal(client.eval("1"), 1);
  expect_equal(starts, 1);
}

Test(invariants, i2_a_request_that_surely_was_not_started_is_dispatched_again) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=reuse"});
  Client client = daemon.connect();
  client.put("s", "function work(n) { return n; }");
  for (int i = 0; i < 200; ++i) // so that requests are sent ahead to the worker
    client.call("s", "work", {i});
  const uint32_t running =
      client.start("eval", {"host.call('started').then(() => { while (1); })"});
  std::vector<uint32_t> behind;
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    for (int i = 0; i < 8; ++i)
      behind.push_back(client.start("call", {"s", "work", {i}}));
    client.start("ping", json::array());
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGKILL);
    return nullptr;
  };
  expect_equal(client.wait(running).error()["code"], "worker_crashed");
  for (int i = 0; i < 8; ++i)
    expect_equal(client.wait(behind[static_cast<size_t>(i)]).result(), i);
}

Test(invariants, i3_the_deadline_counts_from_the_masters_receipt) {
  Daemon daemon({"pool.default.workers=1", "pool.default.spares=0", "grace_ms=20"});
  Client client = daemon.connect();
  const auto begin = Clock::now();
  std::vector<uint32_t> msgids;
  for (int i = 0; i < 20; ++i)
    msgids.push_back(client.start("eval", {"while (1);", {{"deadline_ms", 200}}}));
  for (const uint32_t msgid : msgids)
    expect_equal(client.wait(msgid).error()["code"], "deadline_exceeded");
  const double elapsed = milliseconds_since(begin);
  expect(elapsed >= 199 && elapsed < 200 + 20 + 50, std::to_string(elapsed) + " ms");
}

namespace {

// What a request does to the world, and how a later one would find it.
const std::pair<const char *, const char *> traces[] = {
    {"globalThis.left = 1", "typeof left"},
    {"var declared = 1", "typeof declared"},
    {"const lexical = 1", "typeof lexical"},
    {"Array.prototype.left = 1", "[].left === undefined"},
    {"Object.prototype.left = 1", "({}).left === undefined"},
    {"Array.prototype.map = null", "typeof [].map"},
    {"JSON.parse = null", "typeof JSON.parse"},
    {"/(left)/.exec('left')", "RegExp.$1"},
    {"delete globalThis.Math", "typeof Math"},
    {"Object.freeze(Object.prototype)", "Object.isFrozen(Object.prototype)"},
    {"Promise.prototype.then = null; 1", "typeof Promise.prototype.then"},
    {"console.log = null", "typeof console.log"},
    {"host.call = null", "typeof host.call"},
    {"globalThis.kept = new Array(1e6).fill(1).length", "typeof kept"},
};

void expect_nothing_stays(const std::string &isolation) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=" + isolation});
  Client client = daemon.connect();
  client.put("s", "var state = 0; const cache = new Map(); function visit(key) { cache.set(key, 1);"
                  "  return [++state, cache.size]; }");
  for (const auto &[change, question] : traces) {
    const json before = client.eval(question);
    for (int i = 0; i < 3; ++i)
      client.request("eval", {change});
    if (client.eval(question) != before)
      fail(std::string(change) + " stays: " + question + " was " + shown(before));
  }
  for (int i = 0; i < 5; ++i)
    expect_equal(client.call("s", "visit", {i}), {1, 1});
}

} // namespace

Test(invariants, i4_nothing_stays_under_process) { expect_nothing_stays("process"); }

Test(invariants, i4_nothing_stays_under_rewind) { expect_nothing_stays("rewind"); }

Test(invariants, i4_randomness_does_not_repeat) {
  for (const std::string isolation : {"process", "rewind", "reuse"}) {
    Daemon daemon({"pool.default.workers=2", "pool.default.isolation=" + isolation});
    Client client = daemon.connect();
    client.put("s", "function draw() { return Math.random(); }");
    std::set<double> seen;
    for (int i = 0; i < 50; ++i) {
      const double drawn = client.call("s", "draw"), evaluated = client.eval("Math.random()");
      expect(drawn >= 0 && drawn < 1 && evaluated >= 0 && evaluated < 1, "out of range");
      expect(seen.insert(drawn).second && seen.insert(evaluated).second,
             "Math.random() repeats under " + isolation);
    }
  }
}

Test(invariants, i5_the_masters_memory_is_bounded) {
  Daemon daemon({"max_message_bytes=1000000", "max_in_flight=10", "pool.default.queue=10"});
  Client client = daemon.connect();
  client.eval("1");
  const size_t before = process_figure(daemon.pid(), "status", "VmRSS");
  std::vector<Client> greedy;
  const std::string large = to_bytes({0, 1, "eval", {"/*" + std::string(900'000, 'x') + "*/"}});
  for (int i = 0; i < 100; ++i) {
    greedy.push_back(daemon.connect());
    greedy.back().send_some(large.substr(0, 800'000)); // and never the rest
  }
  client.eval("1");
  expect(process_figure(daemon.pid(), "status", "VmRSS") < before + 200'000,
         "the master's memory grows");
}

Test(invariants, i6_a_kill_costs_only_the_requests_of_the_process) {
  Daemon daemon({"pool.default.workers=2"});
  Client client = daemon.connect();
  client.put("s", "function f() { return 1; }");
  for (int i = 0; i < 10; ++i) {
    ::kill(daemon.zygote(), SIGKILL);
    expect_equal(client.call("s", "f"), 1);
  }
  daemon.zygote(); // comes back
  expect(becomes_true([&] {
           const auto all = daemon.descendants();
           return std::none_of(all.begin(), all.end(),
                               [](const ProcessState &state) { return state.state == 'Z'; });
         }),
         "a zombie");
}

namespace {

// Kills one worker after the other, and measures until the pool is complete again.
double fastest_replacement_ms(Daemon &daemon, Client &client, const std::string &state) {
  const auto processes = [&] {
    const json pool = client.result("stats", json::array())["pools"]["default"];
    return pool["workers_wanted"] == pool["processes"].size() ? pool["processes"] : json::array();
  };
  Client busy = daemon.connect();
  std::vector<double> taken_ms;
  for (int i = 0; i < 15; ++i) {
    if (state == "running")
      busy.start("eval", {"while (1);", {{"deadline_ms", 5000}}});
    json victim;
    expect(becomes_true([&] {
             for (const json &worker : processes())
               if (worker["state"] == state)
                 victim = worker["pid"];
             return !victim.is_null();
           }),
           "no worker is " + state);
    const auto begin = Clock::now();
    ::kill(victim.get<pid_t>(), SIGKILL);
    const auto is_victim = [&](const json &worker) { return worker["pid"] == victim; };
    for (json now = processes(); now.empty() || std::any_of(now.begin(), now.end(), is_victim);
         now = processes())
      expect(milliseconds_since(begin) < 10'000, "the pool does not come to full strength");
    taken_ms.push_back(milliseconds_since(begin));
  }
  return *std::min_element(taken_ms.begin(), taken_ms.end()); // on a busy machine, others wait
}

} // namespace

Test(invariants, i6_a_killed_worker_is_replaced_at_once) {
  Daemon daemon({"pool.default.workers=2"});
  Client client = daemon.connect();
  for (const char *state : {"idle", "running"}) {
    const double fastest_ms = fastest_replacement_ms(daemon, client, state);
    cr_log_info("%s: %.2f ms", state, fastest_ms);
    expect(fastest_ms < 8, state + (": " + std::to_string(fastest_ms)) + " ms"); // a brake: 10
  }
}

Test(invariants, i6_out_of_memory_a_worker_goes_before_the_master) {
  Daemon daemon({"pool.default.workers=2"});
  daemon.connect().eval("1");
  for (const ProcessState &state : daemon.descendants()) {
    int score = 0;
    std::ifstream("/proc/" + std::to_string(state.pid) + "/oom_score_adj") >> score;
    expect(score >= 500, state.name + ": " + std::to_string(score));
  }
}

Test(invariants, i7_what_was_put_is_there_after_a_crash_of_everything) {
  Daemon daemon;
  for (int i = 0; i < 5; ++i) {
    Client client = daemon.connect();
    const std::string name = "script/" + std::to_string(i);
    client.put(name, "function f() { return " + std::to_string(i) + "; }");
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGKILL);
    daemon.kill();
    daemon.start();
    Client again = daemon.connect();
    for (int j = 0; j <= i; ++j)
      expect_equal(again.call("script/" + std::to_string(j), "f"), j);
  }
}

Test(invariants, i8_an_error_tells_where_and_what_to_do) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/s", "function f(x) {\n  return x.y.z;\n}");
  const json error = client.error("call", {"acme/s", "f", {json::object()}});
  expect_equal(error["script"], "acme/s");
  expect_equal(error["line"], 2);
  expect(error["column"].is_number(), shown(error));
  expect_contains(error["message"], "undefined");
  // Names what there is.
  expect_contains(client.error("call", {"acme/s", "g", json::array()})["message"], "f");
}
