// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, table of methods: one test for each row.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <unistd.h>

using namespace lethe::test;

TestSuite(methods, .timeout = 60);

Test(methods, call) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("acme/login", "function onLogin(user) { return {welcome: user.name}; }"
                           "async function later(a, b) { return a + b; }");
  expect_equal(client.call("acme/login", "onLogin", {{{"name", "Ada"}}}), {{"welcome", "Ada"}});
  expect_equal(client.call("acme/login", "later", {1, 2}), 3);
}

Test(methods, call_awaits_whatever_await_does) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s",
             "class Query { where() { return this; }"
             " then(resolve) { setTimeout(() => resolve(['row']), 1); } }"
             "function settled() { return {then(resolve) { resolve(42); }}; }"
             "function nested() { return {then(resolve) { resolve(settled()); }}; }"
             "function failed() { return {then(_, reject) { reject(new RangeError('no')); }}; }"
             "function query() { return new Query().where(); }"
             "function plain() { return {then: 1}; }"
             "function broken() { return {get then() { throw new TypeError('then'); }}; }"
             "function never() { return {then() {}}; }");
  expect_equal(client.call("s", "settled"), 42);
  expect_equal(client.call("s", "nested"), 42);
  expect_equal(client.call("s", "query"), json::array({"row"}));
  expect_equal(client.call("s", "plain"), {{"then", 1}});
  expect_members(client.error("call", {"s", "failed", json::array()}),
                 {{"name", "RangeError"}, {"message", "no"}});
  expect_members(client.error("call", {"s", "broken", json::array()}),
                 {{"name", "TypeError"}, {"message", "then"}});
  expect_contains(client.error("call", {"s", "never", json::array()})["message"], "never settles");
  expect_equal(client.eval("({then(resolve) { resolve(5); }})"), 5);
  const json steps = R"([["s", "settled"], ["s", "query"]])"_json;
  expect_equal(client.result("chain", {steps, 0}), json::array({"row"}));
}

Test(methods, eval) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(client.eval("var a = 6; a * 7"), 42);
  expect_equal(client.eval("Promise.resolve('awaited')"), "awaited");
  expect_equal(client.result("eval", {"1"}), 1); // options may be left out
}

Test(methods, chain) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("a", "var calls = 0; function add(x) { return x + 1 + calls++; }");
  client.put("b", "function twice(x) { return Promise.resolve(2 * x); }");
  const json steps = R"([["a", "add"], ["b", "twice"], ["a", "add"]])"_json;
  expect_equal(client.result("chain", {steps, 10}), 23); // clean state for each
}

Test(methods, script_put) {
  Daemon daemon;
  Client client = daemon.connect();
  const json first = client.put("s", "function f() { return 1; }");
  expect_equal(first["name"], "s");
  expect_equal(client.call("s", "f"), 1);
  const json second = client.put("s", "function f() { return 2; }");
  expect_equal(client.call("s", "f"), 2);
  expect(first.contains("version") && first["version"] != second["version"], "one version for two");
  expect(first["generation"] < second["generation"], "generations don't rise");
}

Test(methods, script_get) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string source = "function f() {}\nconst g = () => 1;";
  const json put = client.put("s", source, {{"deadline_ms", 500}});
  const json got = client.result("script.get", {"s"});
  expect_members(got, {{"name", "s"}, {"version", put["version"]}, {"source", source}});
  expect_equal(got["options"]["deadline_ms"], 500);
  expect_equal(got["functions"], {"f", "g"});
  expect_equal(client.error("script.get", {"other"})["code"], "not_found");
}

Test(methods, script_put_many) {
  Daemon daemon({"pool.other.workers=1"});
  Client client = daemon.connect();
  client.put("b", "function f() { return 'old'; }");
  const auto put_many = [](const json &scripts) { return json::array({scripts}); };
  const json list = json::array({R"(["a", "import { f } from 'b'; export const g = () => f() + '!'",
                                     {"module": true}])"_json,
                                 R"(["b", "export const f = () => 'new'", {"module": true}])"_json,
                                 R"(["c", "function h() { return 3; }"])"_json});
  const json put = client.result("script.put_many", put_many(list));
  expect_equal(put["scripts"], R"([{"name": "a", "version": 1}, {"name": "b", "version": 2},
                                   {"name": "c", "version": 1}])"_json);
  expect_equal(put["generation"],
               client.result("stats", json::array())["pools"]["default"]["generation"]);
  expect_equal(client.call("a", "g"), "new!");
  expect_equal(client.call("c", "h"), 3);

  // All or none.
  json broken = list;
  broken[0][1] = "export const g = () => 'newer'";
  broken[2][1] = "function h() {";
  const json error = client.error("script.put_many", put_many(broken));
  expect_equal(error["code"], "compile_error");
  expect_contains(error["message"], "c: ");
  expect_equal(client.call("a", "g"), "new!");

  const auto refused = [&](const json &scripts, const std::string &code, const std::string &why) {
    const json refusal = client.error("script.put_many", scripts);
    expect_equal(refusal["code"], code);
    expect_contains(refusal["message"], why);
  };
  refused(json::array(), "invalid_request", "[[[name, source, options], ...]]");
  refused(put_many(json::array()), "invalid_request", "at least one");
  refused(put_many(R"([["x", "1"], ["x", "2"]])"_json), "invalid_request",
          "two scripts have the name x");
  refused(put_many(R"([["x", "1"], ["y"]])"_json), "invalid_request",
          "[[[name, source, options], ...]]");
  refused(put_many(R"([["x", "1"], ["y", "1", {"pool": "other"}]])"_json), "invalid_request",
          "one pool");
  refused(put_many(R"([["x", "1"], ["y", "1", {"moduel": true}]])"_json), "invalid_request",
          "script 2 of 2: unknown option moduel");
  expect_equal(client.error("script.get", {"x"})["code"], "not_found");

  daemon.stop();
  daemon.start();
  Client after = daemon.connect();
  expect_equal(after.call("a", "g"), "new!");
  expect_equal(after.call("c", "h"), 3);
}

Test(methods, script_list_in_pieces) {
  Daemon daemon({"pool.other.workers=1"});
  Client client = daemon.connect();
  json scripts = json::array();
  for (const char *name : {"acme/a", "acme/b", "acme/c", "acmf", "zoo"})
    scripts.push_back(json::array({name, "1"}));
  client.result("script.put_many", json::array({scripts}));
  client.put("acme/other", "1", {{"pool", "other"}});
  const auto names = [&client](const json &options) {
    json found = json::array();
    for (const json &script : client.result("script.list", json::array({options})))
      found.push_back(script["name"]);
    return found;
  };
  expect_equal(names({{"prefix", "acme/"}}), {"acme/a", "acme/b", "acme/c", "acme/other"});
  expect_equal(names({{"prefix", "acme/"}, {"pool", "default"}, {"limit", 2}}),
               {"acme/a", "acme/b"});
  expect_equal(names({{"prefix", "acme/"}, {"pool", "default"}, {"limit", 2}, {"after", "acme/b"}}),
               {"acme/c"});
  expect_equal(names({{"pool", "default"}, {"after", "acme/c"}}), {"acmf", "zoo"});
  expect_equal(names({{"pool", "default"}, {"prefix", "z"}, {"after", "a"}}), {"zoo"});
  expect_equal(names({{"limit", 5}}), {"acme/a", "acme/b", "acme/c", "acmf", "zoo"});
  expect_equal(names({{"failing", true}}), json::array());
  expect_equal(names({{"failing", false}}).size(), 6);
  expect_equal(names({{"quarantined", true}}), json::array());
  expect_contains(client.error("script.list", {{{"after", "a"}}})["message"], "option pool");
  expect_contains(client.error("script.list", {{{"memory_mb", 1}}})["message"],
                  "unknown option memory_mb; there are: pool, prefix, after, limit");
}

Test(methods, script_list) {
  Daemon daemon;
  Client client = daemon.connect();
  expect_equal(client.result("script.list", json::array()), json::array());
  client.put("one", "function f() {}", {{"deadline_ms", 500}});
  expect_equal(client.error("script.list", {{{"pool", "none"}}})["code"], "not_found");
  const json list = client.result("script.list", json::array({json::object()}));
  expect_equal(list.size(), 1);
  expect_equal(list[0]["name"], "one");
  expect_equal(list[0]["bytes"], 15);
  expect_equal(list[0]["resident"], true);
  expect_equal(list[0]["options"]["deadline_ms"], 500);
  expect(list[0].contains("version"), "no version");
}

Test(methods, script_delete) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function f() {}");
  expect_equal(client.result("script.delete", {"s"}), true);
  expect_equal(client.result("script.delete", {"s"}), false);
  expect_equal(client.error("call", {"s", "f", json::array()})["code"], "not_found");
  daemon.stop();
  daemon.start();
  expect_equal(daemon.connect().result("script.list", json::array()), json::array());
}

Test(methods, script_release) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function f() {}");
  expect_equal(client.result("script.release", {"s"}), false); // it was not quarantined
  expect_members(client.error("script.release", {"none"}),
                 {{"code", "not_found"}, {"kind", "script"}, {"name", "none"}});
  expect_equal(client.error("script.release", json::array())["code"], "invalid_request");
}

Test(methods, hello) {
  Daemon daemon({"max_in_flight=7", "pool.other.workers=1"});
  Client client = daemon.connect();
  const json hello = client.result("hello", json::array());
  const json pong = client.result("ping", json::array());
  expect_members(
      hello,
      {{"name", "lethe"},
       {"protocol", 1},
       {"version", pong["version"]},
       {"v8", pong["v8"]},
       {"errors", "map"},
       {"numbers", "exact"},
       {"host_calls", true},
       {"pools", {"default", "other"}},
       {"limits", {{"max_in_flight", 7}, {"max_message_bytes", 16 << 20}, {"max_depth", 256}}}});
  // What is not known is for a later daemon; what is left out is as ever.
  expect_members(client.result("hello", {{{"errors", "text"}, {"compression", {"zstd", 3}}}}),
                 {{"errors", "text"}, {"host_calls", true}});
  expect_equal(client.result("hello", {{{"errors", nullptr}}})["errors"], "map");
  client.result("hello", {{{"errors", "text"}}});
  const auto refused = [&client](const json &params, const std::string &why) {
    expect_contains(client.request("hello", params).error(), "invalid_request: " + why);
  };
  refused({{{"errors", "json"}}}, "option errors must be one of map|pair|text");
  refused({{{"numbers", 1}}}, "option numbers must be one of exact|float");
  refused({{{"host_calls", 2}}}, "option host_calls must be true or false");
  refused({{{"client", std::string(101, 'c')}}}, "option client must be a string of at most 100");
  refused({1}, "options must be a map or nil");
  refused({nullptr, nullptr}, "the params of hello are [options]");
  expect_equal(daemon.connect().result("hello", {nullptr})["errors"], "map"); // of each connection
}

Test(methods, surplus_params_are_refused) {
  Daemon daemon;
  Client client = daemon.connect();
  for (const char *method : {"ping", "stats", "config", "reload", "nvim_get_api_info"})
    expect_members(client.error(method, {1}),
                   {{"code", "invalid_request"},
                    {"message", "the params of " + std::string(method) + " are []"}});
}

Test(methods, ping) {
  Daemon daemon;
  const json pong = daemon.connect().result("ping", json::array());
  expect_members(pong, {{"name", "lethe"}, {"pid", daemon.pid()}});
  expect(pong["version"].is_string() && pong["v8"].is_string(), shown(pong));
  expect(pong["uptime_s"].is_number() && pong["uptime_s"] >= 0 && pong["uptime_s"] < 60,
         shown(pong));
}

Test(methods, stats) {
  Daemon daemon({"pool.default.workers=2", "pool.other.workers=1"});
  Client client = daemon.connect();
  client.eval("1");
  const json stats = client.result("stats", json::array());
  expect(stats.is_object(), shown(stats));
  expect(stats["pools"].contains("default") && stats["pools"].contains("other"), shown(stats));
}

Test(methods, config) {
  Daemon daemon({"grace_ms=33"});
  const json config = daemon.connect().result("config", json::array());
  expect_equal(config["grace_ms"]["value"], 33);
  expect_contains(shown(config["grace_ms"]), "--set");
  expect_equal(config["pool.default.deadline_ms"]["value"], 3000);
}

Test(methods, reload) {
  const ScratchFolder files;
  const std::string config = files.file("lethe.toml", "grace_ms = 30\n");
  Daemon daemon(DaemonOptions{.arguments = {"--config", config}});
  Client client = daemon.connect();
  const std::string preload = files.file("preload.js", "var preloaded = 'yes';");
  files.file("lethe.toml", "grace_ms = 40\n[pool.default]\npreload = [\"" + preload + "\"]\n");
  expect_equal(client.result("reload", json::array()), true);
  expect_equal(client.eval("preloaded"), "yes");
  expect_equal(client.result("config", json::array())["grace_ms"]["value"], 40);
  // An error leaves the old in force.
  files.file("lethe.toml", "grace_ms = 'no'\n");
  expect_contains(client.error("reload", json::array())["message"], "grace_ms");
  files.file("preload.js", "throw new Error('broken preload');");
  files.file("lethe.toml", "[pool.default]\npreload = [\"" + preload + "\"]\n");
  expect_contains(client.error("reload", json::array())["message"], "preload.js:1");
  expect_equal(client.eval("preloaded"), "yes");
  expect_equal(client.result("config", json::array())["grace_ms"]["value"], 40);
}

Test(methods, pause) {
  Daemon daemon;
  Client client = daemon.connect();
  client.result("pause", {"default"});
  expect_equal(client.eval_error("1", {{"deadline_ms", 50}})["phase"], "queued");
}

Test(methods, resume) {
  Daemon daemon;
  Client client = daemon.connect();
  client.result("pause", {"default"});
  const uint32_t waiting = client.start("eval", {"'resumed'"});
  client.result("resume", {"default"});
  expect_equal(client.wait(waiting).result(), "resumed");
}

Test(methods, drain) {
  Daemon daemon;
  Client client = daemon.connect();
  const uint32_t running =
      client.start("eval", {"const end = Date.now() + 200; while (Date.now() < end); 'finished'"});
  const uint32_t draining = client.start("drain", {"default"});
  const uint32_t refused = client.start("eval", {"1"});
  expect_equal(client.wait(refused).error()["code"], "shutting_down");
  expect_equal(client.wait(running).result(), "finished");
  expect(!client.wait(draining).failed(), "drain failed");
  client.result("resume", {"default"});
  expect_equal(client.eval("'again'"), "again");
}

Test(methods, administration_is_for_administrators) {
  if (::getuid() != 0)
    cr_skip_test("needs root to become another user");
  Daemon daemon({"socket_mode=\"0666\""});
  daemon.connect().put("s", "function f() { return 1; }");
  std::filesystem::permissions(daemon.folder().path(), std::filesystem::perms(0755));
  expect(::seteuid(65534) == 0, "seteuid");
  Client client = daemon.connect();
  expect(::seteuid(0) == 0, "seteuid");
  for (const auto &[method, params] :
       std::vector<std::pair<std::string, json>>{{"script.put", {"x", "1"}},
                                                 {"script.get", {"s"}},
                                                 {"script.delete", {"s"}},
                                                 {"script.release", {"s"}},
                                                 {"config", json::array()},
                                                 {"reload", json::array()},
                                                 {"pause", {"default"}},
                                                 {"resume", {"default"}},
                                                 {"drain", {"default"}}}) {
    const json error = client.error(method, params);
    expect_members(error, {{"code", "forbidden"}, {"method", method}});
  }
  expect_equal(client.call("s", "f"), 1);
  client.result("hello", json::array());
  client.result("ping", json::array());
  client.result("stats", json::array());
  client.result("script.list", json::array());
}

Test(methods, configuration_names_further_administrators) {
  if (::getuid() != 0)
    cr_skip_test("needs root to become another user");
  Daemon daemon({"socket_mode=\"0666\"", "admins=[\"nobody\"]"});
  std::filesystem::permissions(daemon.folder().path(), std::filesystem::perms(0755));
  expect(::seteuid(65534) == 0, "seteuid");
  Client client = daemon.connect();
  expect(::seteuid(0) == 0, "seteuid");
  client.put("s", "function f() { return 1; }");
}

Test(methods, a_method_may_come_as_bin) {
  Daemon daemon;
  Client client = daemon.connect();
  client.send(to_bytes({0, 1, json::binary({'p', 'i', 'n', 'g'}), json::array()}));
  expect_equal(client.wait(1).result()["name"], "lethe");
}

Test(methods, replies_come_in_any_order) {
  Daemon daemon;
  Client client = daemon.connect();
  const uint32_t slow =
      client.start("eval", {"const end = Date.now() + 300; while (Date.now() < end); 'slow'"});
  const uint32_t fast = client.start("eval", {"'fast'"});
  const auto begin = Clock::now();
  expect_equal(client.wait(fast).result(), "fast");
  expect(milliseconds_since(begin) < 250, "the fast request waited for the slow one");
  expect_equal(client.wait(slow).result(), "slow");
}

Test(methods, an_unknown_notification_is_ignored) {
  Daemon daemon;
  Client client = daemon.connect();
  client.notify("nvim_nothing", {1, 2});
  client.send(to_bytes({2, json::binary({'x'}), json::array()}));
  expect_equal(client.eval("1"), 1);
}
