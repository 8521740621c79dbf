// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, options of call, eval and chain: one test for each row.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <thread>

using namespace lethe::test;

TestSuite(call_options, .timeout = 60);

Test(call_options, pool) {
  Daemon daemon({"pool.other.workers=1", "pool.other.isolation=reuse"});
  Client client = daemon.connect();
  const std::string count = "globalThis.n = (globalThis.n ?? 0) + 1";
  client.put("s", "var n = 0; function count() { return ++n; }", {{"pool", "other"}});
  expect_equal(client.call("s", "count", json::array(), {{"pool", "other"}}), 1);
  expect_equal(client.call("s", "count", json::array(), {{"pool", "other"}}), 2);
  expect_equal(client.error("call", {"s", "count", json::array()})["code"], "not_found");
  const json error = client.eval_error("1", {{"pool", "none"}});
  expect_equal(error["code"], "not_found");
  expect_equal(error["kind"], "pool");
  expect_equal(error["name"], "none");
}

Test(call_options, deadline_ms) {
  Daemon daemon;
  Client client = daemon.connect();
  const auto begin = Clock::now();
  expect_equal(client.eval_error("while (1);", {{"deadline_ms", 100}})["code"],
               "deadline_exceeded");
  expect(milliseconds_since(begin) >= 100, "before the deadline");
  expect_equal(client.error("eval", {"1", {{"deadline_ms", "soon"}}})["code"], "invalid_request");
  expect_equal(client.error("eval", {"1", {{"deadline_ms", -1}}})["code"], "invalid_request");
}

Test(call_options, cpu_ms) {
  Daemon daemon;
  Client client = daemon.connect();
  const auto begin = Clock::now();
  const json error = client.eval_error("while (1);", {{"cpu_ms", 50}});
  expect_equal(error["code"], "deadline_exceeded");
  expect_equal(error["limit"], "cpu");
  expect(milliseconds_since(begin) < 2000, "the CPU limit did not fire");
  // Waiting costs no CPU time.
  client.on_host_call = [](uint32_t, const std::string &, const json &) {
    std::this_thread::sleep_for(milliseconds(200));
    return "answer";
  };
  expect_equal(client.eval("host.call('slow')", {{"cpu_ms", 50}}), "answer");
}

Test(call_options, memory_mb) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string forty_mb = "const kept = []; for (let i = 0; i < 5e6; ++i) kept.push({i});"
                               "kept.length";
  const json error = client.eval_error(forty_mb, {{"memory_mb", 30}});
  expect_equal(error["code"], "memory_limit");
  expect_equal(error["limit_mb"], 30);
  expect_equal(client.eval("'x'.repeat(1000).length", {{"memory_mb", 30}}), 1000);
}

Test(call_options, isolation) {
  Daemon daemon({"pool.default.isolation=reuse", "pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", "var n = 0; function count() { return ++n; }");
  expect_equal(client.call("s", "count"), 1);
  expect_equal(client.call("s", "count"), 2);
  expect_equal(client.call("s", "count", json::array(), {{"isolation", "process"}}), 1);
  expect_equal(client.call("s", "count"), 3);
}

Test(call_options, isolation_only_gets_stricter) {
  Daemon daemon({"pool.default.isolation=process"});
  Client client = daemon.connect();
  expect_equal(client.eval_error("1", {{"isolation", "reuse"}})["code"], "invalid_request");
  expect_equal(client.eval_error("1", {{"isolation", "none"}})["code"], "invalid_request");
}

Test(call_options, globals) {
  Daemon daemon;
  Client client = daemon.connect();
  const json globals = {{"context", {{"user", "ada"}, {"roles", {"admin", "dev"}}}}, {"n", 5}};
  expect_equal(client.eval("context.user + context.roles.length + n", {{"globals", globals}}),
               "ada25");
  expect_equal(client.eval("typeof context"), "undefined");
}

Test(call_options, console) {
  Daemon daemon;
  Client client = daemon.connect();
  const uint32_t msgid =
      client.start("eval", {"console.log('to the client', {a: 1}); console.error('bad'); 7",
                            {{"console", true}}});
  expect_equal(client.wait(msgid).result(), 7);
  expect_equal(client.notifications.size(), 2);
  expect_equal(client.notifications[0].method, "console");
  expect_equal(client.notifications[0].params[0], msgid);
  expect_equal(client.notifications[0].params[1], "log");
  expect_contains(client.notifications[0].params[2], "to the client");
  expect_equal(client.notifications[1].params, {msgid, "error", "bad"});
  client.notifications.clear();
  client.eval("console.log('to the log')");
  expect(client.notifications.empty(), "console output without being asked for");
  expect(daemon.logs("to the log"), "console output is not in the log");
}

Test(call_options, stats) {
  Daemon daemon;
  Client client = daemon.connect();
  client.eval("1");
  expect(client.notifications.empty(), "statistics without being asked for");
  const uint32_t msgid = client.start(
      "eval", {"const end = Date.now() + 30; while (Date.now() < end); 1", {{"stats", true}}});
  client.wait(msgid);
  expect_equal(client.notifications.size(), 1);
  expect_equal(client.notifications[0].method, "stats");
  expect_equal(client.notifications[0].params[0], msgid);
  const json stats = client.notifications[0].params[1];
  for (const char *key :
       {"queue_us", "run_us", "cpu_us", "rewind_us", "heap_kb", "generation", "worker"})
    expect(stats.contains(key), std::string("no ") + key + " in " + shown(stats));
  expect(stats["run_us"] >= 29'000 && stats["run_us"] < 3'000'000, shown(stats));
  expect(stats["heap_kb"] > 100, shown(stats));
}

Test(call_options, trace) {
  Daemon daemon;
  Client client = daemon.connect();
  client.eval("console.log('traced')", {{"trace", "order-4711"}});
  expect(daemon.logs("order-4711"), "the trace is not in the log");
}

Test(call_options, idempotent) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect(), observer = daemon.connect();
  int starts = 0;
  client.on_host_call = [&](uint32_t, const std::string &, const json &) -> json {
    if (++starts == 2)
      return 2;
    // The first worker dies through no fault of the script, and its call is answered only when the
    // second one has made the same call: that one must not get this answer.
    for (const pid_t pid : daemon.workers())
      ::kill(pid, SIGKILL);
    expect(becomes_true([&] { return observer.result("stats", json::array())["host_calls"] == 2; }),
           "the request did not run again");
    return 1;
  };
  expect_equal(client.eval("host.call('started')", {{"idempotent", true}}), 2);
}

Test(call_options, an_unknown_key_is_named) {
  Daemon daemon;
  Client client = daemon.connect();
  const json error = client.eval_error("1", {{"dead_line", 5}});
  expect_equal(error["code"], "invalid_request");
  expect_contains(error["message"], "dead_line");
  expect_equal(client.eval("1"), 1); // the connection stays
}
