// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, options of script.put: one test for each row.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(script_options, .timeout = 60);

Test(script_options, pool) {
  Daemon daemon({"pool.other.workers=1"});
  Client client = daemon.connect();
  client.put("s", "function f() { return 'default'; }");
  client.put("s", "function f() { return 'other'; }", {{"pool", "other"}});
  expect_equal(client.call("s", "f"), "default");
  expect_equal(client.call("s", "f", json::array(), {{"pool", "other"}}), "other");
}

Test(script_options, module) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("lib/math", "export const square = x => x * x;", {{"module", true}});
  client.put("main",
             "import {square} from 'lib/math';"
             "export async function area(r) { return 3 * square(r); }"
             "export default function () { return 'default'; }"
             "function hidden() {}",
             {{"module", true}});
  expect_equal(client.call("main", "area", {2}), 12);
  expect_equal(client.call("main", "default"), "default");
  expect_equal(client.error("call", {"main", "hidden", json::array()})["code"], "not_found");
  const json error =
      client.error("script.put", {"broken", "import 'lib/none';", {{"module", true}}});
  expect_equal(error["code"], "compile_error");
  expect_contains(error["message"], "lib/none");
}

Test(script_options, warm_up) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string source =
      "var warm = new Set; function f(a, b) { warm.add(a + b); return [...warm]; }";
  const json put = client.put("s", source, {{"warm_up", R"([["f", [1, 2]], ["f", [3, 4]]])"_json}});
  // Run before the checkpoint: each request finds it.
  expect_equal(client.call("s", "f", {5, 6}), {3, 7, 11});
  expect_equal(client.call("s", "f", {5, 6}), {3, 7, 11});
  // Again and again, until V8 compiles nothing any more; this is the worker's word.
  expect_equal(put["warm_up"]["steady"], true);
  expect(put["warm_up"]["rounds"] > 100, "it ended too early");
  expect(put["warm_up"]["before_us"] > put["warm_up"]["after_us"], "it is no faster afterwards");
  expect_equal(client.result("script.get", {"s"})["warm_up"], put["warm_up"]);
  const json error =
      client.error("script.put", {"s", source, {{"warm_up", R"([["none", []]])"_json}}});
  expect_contains(error["message"], "none");
  expect(!client.put("s", source).contains("warm_up"), "there was none");
}

// A script that learns in each request is found by that.
Test(script_options, what_v8_compiles_in_requests_is_counted_by_script_and_named_in_the_log) {
  Daemon daemon({"slow_ms=1"});
  Client client = daemon.connect();
  const std::string wait = "const end = Date.now() + 5; while (Date.now() < end); ";
  client.put("compiles", "function f(x) { " + wait +
                             "const plus = new Function('x', 'return x + 1');"
                             "if (x === null) throw new Error('nothing'); return plus(x); }");
  client.put("ready", "function f(x) { " + wait + "return x + 1; }",
             {{"warm_up", R"([["f", [1]]])"_json}});
  const auto compiled = [&](const std::string &name) {
    for (const json &entry : client.result("script.list", json::array()))
      if (entry["name"] == name)
        return entry["compiled"].get<int>();
    return -1;
  };
  expect_equal(compiled("compiles"), 0);
  for (int i = 0; i < 3; ++i)
    expect_equal(client.call("compiles", "f", {i}), i + 1);
  const int counted = compiled("compiles");
  expect(counted >= 3, "it compiled in each request");
  expect_equal(client.result("stats", json::array())["compiled"], counted);
  expect(daemon.logs("; V8 compiled "), daemon.log());
  client.error("call", {"compiles", "f", {nullptr}});
  expect(compiled("compiles") > counted, "what fails counts, too");
  for (int i = 0; i < 3; ++i)
    client.call("ready", "f", {i});
  expect_equal(compiled("ready"), 0);
}

Test(script_options, warm_up_says_what_it_has_changed) {
  Daemon daemon;
  Client client = daemon.connect();
  const json calls = {{"warm_up", R"([["f", []]])"_json}};
  const json pure = client.put("pure", "function f() { return [1].map((x) => x + 1); }", calls);
  expect_equal(pure["warm_up"]["pure"], true);
  expect(!pure["warm_up"].contains("changed"), "nothing has");
  const json put = client.put(
      "s", "let visits = 0; const cache = new Map; function f() { cache.set(++visits % 9, 1); }",
      calls);
  expect_equal(put["warm_up"]["pure"], false);
  expect_equal(put["warm_up"]["changed"], {"visits", "cache.size"});
  expect_equal(client.result("script.get", {"s"})["warm_up"], put["warm_up"]);
}

Test(script_options, warm_up_must_be_pure) {
  Daemon daemon;
  Client client = daemon.connect();
  const json options = {{"warm_up", R"([["f", []]])"_json}, {"warm_up_must_be_pure", true}};
  client.put("s", "function f() { return 'old'; }", options);
  const json error = client.error(
      "script.put", {"s", "let visits = 0; function f() { return ++visits; }", options});
  expect_equal(error["code"], "invalid_request");
  expect_contains(error["message"], "visits");
  expect_equal(client.call("s", "f"), "old");
  expect_equal(client.result("script.get", {"s"})["version"], 1);
}

Test(script_options, deadline_ms) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function loop() { while (1); }", {{"deadline_ms", 80}});
  const auto begin = Clock::now();
  expect_equal(client.error("call", {"s", "loop", json::array()})["code"], "deadline_exceeded");
  expect(milliseconds_since(begin) < 1000, "the script's deadline is not in force");
}

Test(script_options, cpu_ms) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function loop() { while (1); }", {{"cpu_ms", 50}});
  expect_equal(client.error("call", {"s", "loop", json::array()})["limit"], "cpu");
}

Test(script_options, memory_mb) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", "function f() { const kept = []; while (1) kept.push({a: kept.length}); }",
             {{"memory_mb", 30}});
  expect_equal(client.error("call", {"s", "f", json::array()})["limit_mb"], 30);
}

Test(script_options, isolation) {
  Daemon daemon({"pool.default.isolation=reuse", "pool.default.workers=1"});
  Client client = daemon.connect();
  const std::string source = "var n = 0; function count() { return ++n; }";
  client.put("shared", source);
  client.put("clean", source, {{"isolation", "process"}});
  for (int i = 1; i <= 3; ++i) {
    expect_equal(client.call("shared", "count"), i);
    expect_equal(client.call("clean", "count"), 1);
  }
}

Test(script_options, source_map) {
  Daemon daemon;
  Client client = daemon.connect();
  // Line 1 of the generated source is line 11 of original.ts.
  const std::string map = R"({"version":3,"sources":["original.ts"],"names":[],"mappings":"AAUA"})";
  client.put("s", "function f() { throw new Error('mapped'); }", {{"source_map", map}});
  expect_contains(client.error("call", {"s", "f", json::array()})["stack"], "original.ts:11");
}

Test(script_options, an_unknown_key_is_named) {
  Daemon daemon;
  Client client = daemon.connect();
  const json error = client.error("script.put", {"s", "1", {{"modul", true}}});
  expect_equal(error["code"], "invalid_request");
  expect_contains(error["message"], "modul");
}

Test(script_options, node_globals) {
  Daemon daemon;
  Client client = daemon.connect();
  const std::string source = "var own = Object.getOwnPropertyNames(globalThis);"
                             "function f() { return ['Buffer', 'process', 'global'].map("
                             "  (name) => [own.includes(name), typeof globalThis[name]]); }";
  client.put("s", source, {{"node_globals", true}});
  expect_equal(client.call("s", "f"),
               R"([[true, "function"], [true, "object"], [true, "object"]])"_json);
  client.put("module",
             "export function f() { return Buffer.from('é').toString('hex') + process.platform; }",
             {{"module", true}, {"node_globals", true}});
  expect_equal(client.call("module", "f"), "c3a9linux");
  // Whoever does not ask for them does not find them.
  client.put("s", source, {{"node_globals", false}});
  expect_equal(client.call("s", "f"),
               R"([[false, "undefined"], [false, "undefined"], [false, "undefined"]])"_json);
  expect_equal(client.eval("typeof process + typeof Buffer"), "undefinedundefined");
  const json error = client.error("script.put", {"s", source, {{"node_globals", 2}}});
  expect_contains(error["message"], "node_globals must be true or false");
}
