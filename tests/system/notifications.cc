// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, notifications from the client, and calls from a script to its client.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(notifications, .timeout = 60);
TestSuite(host_calls, .timeout = 60);

Test(notifications, cancel) {
  Daemon daemon({"pool.default.workers=1", "pool.default.spares=0"});
  Client client = daemon.connect();
  const uint32_t running =
      client.start("eval", {"host.call('started').then(() => { while (1); })"});
  bool started = false;
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    started = true;
    return nullptr;
  };
  const uint32_t queued = client.start("eval", {"'queued'"});
  client.notify("cancel", {queued});
  expect_equal(client.wait(queued).error()["code"], "cancelled");
  const auto begin = Clock::now();
  client.notify("cancel", {running});
  expect_equal(client.wait(running).error()["code"], "cancelled");
  expect(milliseconds_since(begin) < 1000, "cancelling took long");
  expect_equal(client.eval("'next'"), "next");
  client.notify("cancel", {4711}); // of no request: ignored
  expect_equal(client.eval("'next'"), "next");
}

Test(notifications, closing_the_connection_cancels) {
  Daemon daemon({"pool.default.workers=1", "pool.default.spares=0"});
  Client lasting = daemon.connect();
  {
    Client gone = daemon.connect();
    gone.start("eval", {"while (1);", {{"deadline_ms", 60'000}}});
    gone.start("eval", {"while (1);", {{"deadline_ms", 60'000}}});
    gone.result("ping", json::array()); // the requests were read
  }
  const auto begin = Clock::now();
  expect_equal(lasting.eval("'free'", {{"deadline_ms", 20'000}}), "free");
  expect(milliseconds_since(begin) < 5000, "the closed connection's requests went on");
}

Test(host_calls, the_client_answers) {
  Daemon daemon;
  Client client = daemon.connect();
  uint32_t caller = 0;
  client.on_host_call = [&](uint32_t msgid, const std::string &name,
                            const json &arguments) -> json {
    caller = msgid;
    return {{"name", name}, {"arguments", arguments}};
  };
  const uint32_t msgid = client.start("eval", {"host.call('lookup', 1, {a: [2]})"});
  expect_equal(client.wait(msgid).result(), {{"name", "lookup"}, {"arguments", {1, {{"a", {2}}}}}});
  expect_equal(caller, msgid);
}

Test(host_calls, an_error_becomes_a_rejected_promise) {
  Daemon daemon;
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &, const json &) -> json {
    throw HostError{{{"message", "no such account"}, {"account", 7}}};
  };
  expect_equal(client.eval("host.call('x').catch(e => [e instanceof Error, e.message, e.account])"),
               {true, "no such account", 7});
  const json error = client.eval_error("host.call('x')");
  expect_equal(error["code"], "script_error");
  expect_contains(error["message"], "no such account");
}

Test(host_calls, an_error_tells_where_the_call_was) {
  Daemon daemon;
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &, const json &) -> json {
    throw HostError{{{"message", "no such account"}}};
  };
  client.put("acme/s", "const ask = async () => {\n  await null;\n  return host.call('x');\n};\n"
                       "async function f() { return await ask(); }");
  const json error = client.error("call", {"acme/s", "f", json::array()});
  expect_members(error, {{"message", "no such account"}, {"script", "acme/s"}, {"line", 3}});
  expect_equal(error["stack"].get<std::string>(),
               "Error: no such account\n    at ask (acme/s:3:15)\n"
               "    at async f (acme/s:5:29)");
  // Its cause tells where fetch was called.
  const json fetching = client.eval_error("1;\nfetch('http://localhost/')");
  expect_contains(fetching["cause"]["stack"], "eval:2:");
}

Test(host_calls, several_at_once) {
  Daemon daemon;
  Client client = daemon.connect();
  client.on_host_call = [](uint32_t, const std::string &, const json &arguments) -> json {
    return arguments[0].get<int>() * 10;
  };
  expect_equal(client.eval("Promise.all([1, 2, 3].map(n => host.call('times ten', n)))"),
               {10, 20, 30});
}

Test(host_calls, that_call_scripts_in_turn_take_a_worker_for_each_level) {
  Daemon daemon({"pool.default.workers=2"});
  Client client = daemon.connect();
  client.put("s",
             "async function f(levels) { return levels && 1 + await host.call('f', levels - 1); }");
  client.on_host_call = [&client](uint32_t, const std::string &, const json &arguments) {
    return client.call("s", "f", arguments);
  };
  expect_equal(client.call("s", "f", {1}), 1);
  // The third level waits for a worker, until the first one's deadline sets one free.
  expect_equal(client.error("call", {"s", "f", json::array({2}), {{"deadline_ms", 300}}})["code"],
               "deadline_exceeded");
  expect_equal(client.call("s", "f", {1}), 1);
}

Test(host_calls, waiting_for_an_answer_ends_at_the_deadline) {
  Daemon daemon;
  Client client = daemon.connect();
  const uint32_t msgid = client.start("eval", {"host.call('x')", {{"deadline_ms", 100}}});
  const auto call = client.receive(); // and never answers
  expect(call.has_value(), "no host.call");
  expect_equal(client.wait(msgid).error()["code"], "deadline_exceeded");
  // A late answer and one to a call that never was do no harm.
  client.send(to_bytes({1, 1, nullptr, "late"}));
  client.send(to_bytes({1, 999'999, nullptr, "never"}));
  expect_equal(client.eval("1"), 1);
}

Test(host_calls, other_connections_do_not_get_them) {
  Daemon daemon;
  Client caller = daemon.connect(), other = daemon.connect();
  caller.on_host_call = [](uint32_t, const std::string &, const json &) { return "caller"; };
  other.on_host_call = [](uint32_t, const std::string &, const json &) { return "other"; };
  const uint32_t theirs = other.start("eval", {"host.call('who')"});
  const uint32_t ours = caller.start("eval", {"host.call('who')"});
  expect_equal(caller.wait(ours).result(), "caller");
  expect_equal(other.wait(theirs).result(), "other");
}
