// SPDX-License-Identifier: Apache-2.0
// Timers, and what becomes of promises: they run while the result is pending, and end with it.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(timers, .timeout = 60);
TestSuite(promises, .timeout = 60);

namespace {

// A promise of the result of `body`, which calls `done`.
std::string pending(const std::string &body) {
  return "new Promise((done, fail) => { " + body + " })";
}

const std::vector<std::string> isolations{"rewind", "process", "reuse"};

} // namespace

Test(timers, run_in_the_order_of_their_time_then_of_their_making) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(
      client.eval(pending("const o = []; const note = (...n) => o.push(...n);"
                          "setTimeout(note, 40, 'd'); setTimeout(note, 20, 'b1');"
                          "setTimeout(note, 0, 'a'); setTimeout(note, 20, 'b2');"
                          "setTimeout(note, 30, 'c', 'C'); queueMicrotask(() => note('m'));"
                          "setTimeout(() => done(o), 60); note('first');")),
      {"first", "m", "a", "b1", "b2", "c", "C", "d"});
}

Test(timers, immediates_come_after_timers_that_are_due) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(
      client.eval(pending(
          "const o = []; setImmediate((n) => { o.push(n); setImmediate(() => { o.push('next turn');"
          "done(o); }); setTimeout(() => o.push('timer'), 0); }, 'immediate');"
          "setTimeout(() => { o.push('due'); Promise.resolve().then(() => o.push('microtask')); },"
          "0); clearImmediate(setImmediate(() => o.push('cleared')));")),
      {"due", "microtask", "immediate", "timer", "next turn"});
}

// Libraries note that they have scheduled their work, and wait for it ever after.
Test(timers, that_are_due_when_the_world_goes_on_run_first) {
  const std::string later = R"js(
    const waiting = [];
    let isScheduled = false;
    function later(f) {
      waiting.push(f);
      if (!isScheduled) schedule(() => { isScheduled = false; for (const g of waiting.splice(0)) g(); });
      isScheduled = true;
    }
    function begin() { later(() => {}); return 'begun'; }
    function wait() { return new Promise((resolve) => later(() => resolve('done'))); }
    const { port1, port2 } = new MessageChannel();
  )js";
  for (const std::string &isolation : isolations) {
    Daemon daemon({"pool.default.isolation=" + isolation});
    Client client = daemon.connect();
    for (const std::string schedule :
         {"setTimeout(f, 0)", "setTimeout(f, 20)", "setImmediate(f)", "queueMicrotask(f)",
          "void (port1.onmessage = f, port2.postMessage(0))"}) {
      const std::string source = later + "function schedule(f) { " + schedule + "; }";
      const bool is_far = schedule == "setTimeout(f, 20)"; // for between two requests
      client.put("after_loading", source + "begin();");
      client.put("after_warm_up", source,
                 {{"warm_up", json::array({json::array({"begin", json::array()})})}});
      client.put("after_a_request", source);
      expect_equal(client.call("after_loading", "wait"), "done");
      expect_equal(client.call("after_warm_up", "wait"), "done");
      if (is_far)
        continue;
      expect_equal(client.call("after_a_request", "begin"), "begun");
      expect_equal(client.call("after_a_request", "wait"), "done");
    }
  }
}

Test(timers, that_never_end_hold_up_neither_loading_nor_requests) {
  for (const std::string &isolation : isolations) {
    Daemon daemon({"pool.default.isolation=" + isolation});
    Client client = daemon.connect();
    client.put("restless", "let n = 0; const again = () => { ++n; setImmediate(again); };"
                           "function start() { again(); setInterval(again, 1); return 'started'; }"
                           "start(); setTimeout(() => { throw new Error('nobody hears'); }, 1);");
    for (int i = 0; i < 3; ++i)
      expect_equal(client.call("restless", "start"), "started");
  }
}

Test(timers, can_be_cleared_at_any_moment) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(client.eval(pending(
                   "const o = []; let n = 0; const late = setTimeout(() => o.push('late'), 5);"
                   "setTimeout(() => clearTimeout(late), 1);"
                   "const ticks = setInterval(() => { o.push(++n); if (n === 3) {"
                   "clearInterval(ticks); setTimeout(() => done(o), 20); } }, 2);"
                   "clearTimeout(); clearTimeout(-1); clearTimeout(undefined); clearTimeout(1e9);"
                   "clearInterval(setTimeout(() => o.push('one kind of number'), 1));")),
               {1, 2, 3});
}

Test(timers, take_what_html_says_as_arguments) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(
      client.eval("[typeof setTimeout(() => {}), setTimeout(() => {}) > 0, setTimeout.length,"
                  "setInterval.length, clearTimeout.length, setTimeout.name,"
                  "'prototype' in setTimeout]"),
      {"number", true, 1, 1, 0, "setTimeout", false});
  expect_equal(
      client.eval(pending("setTimeout(function () { 'use strict'; done(this === globalThis);"
                          "}, '1')")),
      true);
  for (const std::string delay : {"-5", "NaN", "undefined", "null", "'x'", "2 ** 32", "{}"})
    expect_equal(client.eval(pending("setTimeout(done, " + delay + ", 'soon')")), "soon");
  for (const std::string wrong : {"setTimeout('1 + 1', 1)", "setInterval()", "setImmediate({})",
                                  "queueMicrotask('x')", "setTimeout(() => {}, 1n)"})
    expect_equal(client.eval_error(wrong)["name"], "TypeError");
}

Test(timers, an_idle_wait_costs_no_processor_time) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(client.eval(pending("setTimeout(done, 500, 'rested')"), {{"stats", true}}),
               "rested");
  const json stats = client.notifications.at(0).params[1];
  expect(stats["run_us"] >= 500'000, shown(stats));
  expect(stats["cpu_us"] < 50'000, shown(stats));
}

Test(timers, answers_of_the_client_are_taken_meanwhile) {
  Daemon daemon;
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &name, const json &) { return name; };
  expect_equal(client.eval("let ticks = 0; const each = setInterval(() => ++ticks, 1);"
                           "setImmediate(function again() { setImmediate(again); });"
                           "host.call('one').then(async (one) => [one, await host.call('two'),"
                           "await new Promise((r) => setTimeout(() => r(ticks > 0), 20))])"),
               {"one", "two", true});
}

Test(timers, end_with_the_request_under_every_isolation) {
  Daemon daemon(
      {"pool.default.isolation=reuse", "pool.default.workers=1", "pool.default.spares=0"});
  Client client = daemon.connect();
  client.put("s", "var fired = 0; function leave() { setTimeout(() => ++fired, 0);"
                  "setInterval(() => ++fired, 1); setImmediate(() => ++fired);"
                  "host.call('never answered').then(() => ++fired, () => ++fired);"
                  "return { get late() { queueMicrotask(() => ++fired); return 'left'; } }; }"
                  "function look() { return new Promise((r) => setTimeout(() => r(fired), 30)); }");
  client.on_host_call = [](uint32_t, const std::string &, const json &) { return "too late"; };
  for (const std::string &isolation : isolations) {
    const json options = {{"isolation", isolation}};
    expect_equal(client.call("s", "leave", json::array(), options), {{"late", "left"}});
    const json seen = client.call("s", "look", json::array(), options);
    if (isolation == "reuse") // what was due has run with the request that made it
      expect(seen >= 3, "the time-out, the immediate and the microtask");
    else
      expect_equal(seen, 0);
    expect_equal(client.call("s", "look", json::array(), options), seen);
  }
}

Test(timers, an_interval_does_not_keep_a_request_that_has_its_result) {
  Daemon daemon;
  Client client = daemon.connect();
  const auto begin = Clock::now();
  expect_equal(client.eval("setInterval(() => {}, 1); setTimeout(() => {}, 60000); 'at once'"),
               "at once");
  expect_equal(
      client.eval("setInterval(() => {}, 1); new Promise((r) => setTimeout(r, 5, 'soon'))"),
      "soon");
  expect(milliseconds_since(begin) < 2500, "it waited for the timers");
}

Test(timers, an_exception_in_one_is_the_requests_error) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const std::string task :
       {"setTimeout(f, 1)", "setInterval(f, 1)", "setImmediate(f)", "queueMicrotask(f)"}) {
    const json error = client.eval_error("function f() { throw new RangeError('in a task'); } " +
                                         task + "; new Promise(() => {})");
    expect_members(error,
                   {{"code", "script_error"}, {"name", "RangeError"}, {"message", "in a task"}});
    expect_contains(error["stack"], "at f (eval:1");
  }
}

Test(timers, a_deadline_says_what_was_waited_for) {
  Daemon daemon;
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &, const json &) { return "no matter"; };
  json error = client.eval_error("setInterval(() => {}, 1000); new Promise(() => {})",
                                 {{"deadline_ms", 100}});
  expect_equal(error["code"], "deadline_exceeded");
  expect_contains(error["message"], "1 timer");
  error =
      client.eval_error("setInterval(() => {}, 1); setTimeout(function loop() { while (1); }, 3);"
                        "new Promise(() => {})",
                        {{"deadline_ms", 100}});
  expect_contains(error["stack"], "at loop (eval:1");
}

Test(timers, run_while_a_module_is_loaded) {
  Daemon daemon({"pool.default.load_deadline_ms=1000"});
  Client client = daemon.connect();
  client.put("m",
             "let ticks = 0; setInterval(() => ++ticks, 1);"
             "const late = await new Promise((r) => setTimeout(r, 30, 'late'));"
             "export const f = () => [late, ticks > 0];"
             "export const later = () => new Promise((r) => { const then = ticks;"
             "setTimeout(() => r(ticks - then), 30); });",
             {{"module", true}});
  expect_equal(client.call("m", "f"), {"late", true});
  expect_equal(client.call("m", "later"), 0); // what was pending ended with the loading
  const json late = client.error(
      "script.put", {"n", "await new Promise((r) => setTimeout(r, 60000));", {{"module", true}}});
  expect_members(late, {{"code", "deadline_exceeded"}, {"phase", "loading"}});
  const json never =
      client.error("script.put", {"n", "await new Promise(() => {});", {{"module", true}}});
  expect_equal(never["code"], "script_error");
  expect_contains(never["message"], "never settles");
}

Test(timers, preload_scripts_have_none) {
  const ScratchFolder folder;
  const std::string file = folder.file(
      "lib.js", "try { setTimeout(() => {}, 1); } catch (e) { globalThis.refused = e.message; }");
  Daemon daemon({"pool.default.preload=[\"" + file + "\"]"});
  expect_contains(daemon.connect().eval("refused"), "preload scripts have no timers");
}

Test(promises, one_that_never_settles_is_found_at_once) {
  Daemon daemon;
  Client client = daemon.connect();
  const auto begin = Clock::now();
  for (const std::string never :
       {"new Promise(() => {})", "(async () => { await new Promise(() => {}); })()",
        "Promise.all([1, new Promise(() => {})])",
        "setTimeout(() => {}, 1); new Promise(() => {})"}) {
    const json error = client.eval_error(never);
    expect_equal(error["code"], "script_error");
    expect_contains(error["message"], "never settles");
  }
  expect(milliseconds_since(begin) < 2500, "it waited for the deadline");
}

Test(promises, an_unhandled_rejection_is_an_error) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const std::string result : {"5", "Promise.resolve(5)", "new Promise(() => {})",
                                   "new Promise((r) => setTimeout(r, 1000))"}) {
    const json error =
        client.eval_error("Promise.reject(new TypeError('nobody listens')); " + result);
    expect_members(error, {{"code", "script_error"},
                           {"name", "TypeError"},
                           {"message", "unhandled promise rejection: nobody listens"},
                           {"line", 1}});
  }
  expect_equal(client.eval_error("Promise.reject({reason: 5}); 1")["value"], {{"reason", 5}});
  // In a timer, and in a promise that was handled too late.
  expect_contains(client.eval_error("setTimeout(async () => { throw 'x'; }, 1);"
                                    "new Promise((r) => setTimeout(r, 1000))")["message"],
                  "unhandled promise rejection: x");
  expect_contains(
      client.eval_error("const p = Promise.reject(1); setTimeout(() => p.catch(() => {}),"
                        "1); new Promise((r) => setTimeout(r, 1000))")["message"],
      "unhandled");
  // A listener that tells of it and goes on failing does not get beyond the deadline.
  expect_equal(client.eval_error("addEventListener('unhandledrejection', () => {"
                                 "Promise.reject(1); }); Promise.reject(1); 1",
                                 {{"deadline_ms", 300}})["code"],
               "deadline_exceeded");
}

Test(promises, a_rejection_that_is_handled_in_time_is_none) {
  Daemon daemon({"pool.default.isolation=reuse", "pool.default.workers=1"});
  Client client = daemon.connect();
  expect_equal(client.eval("const p = Promise.reject(1); Promise.resolve().then(() => 0)"
                           ".then(() => p.catch((e) => e))"),
               1);
  expect_equal(client.eval("Promise.allSettled([Promise.reject(1)]).then(([r]) => r.reason)"), 1);
  expect_equal(client.eval_error("Promise.reject(new Error('mine'))")["message"], "mine");
  // Nor does one request's rejection reach the next.
  client.eval_error("Promise.reject(1); 2");
  expect_equal(client.eval("3"), 3);
}

Test(promises, a_script_with_an_unhandled_rejection_is_not_loaded) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const bool module : {false, true}) {
    const json error = client.error(
        "script.put", {"s", "\nPromise.reject(new Error('while loading'));", {{"module", module}}});
    expect_equal(error["code"], "script_error");
    expect_contains(error["message"], "unhandled promise rejection: while loading");
    expect_members(error, {{"script", "s"}, {"line", 2}});
  }
  client.error("script.put", {"s", "queueMicrotask(() => { throw new Error('x'); })"});
}
