// SPDX-License-Identifier: Apache-2.0
// Scripts that lie beside the workers' memory image: whoever calls them can't tell.
#include "tests/harness/command.h"

#include <criterion/criterion.h>
#include <csignal>
#include <ctime>

using namespace lethe::test;

TestSuite(layers, .timeout = 120);

namespace {

const json module_option = {{"module", true}};
const std::string in_image = "pool.default.scripts_in_image=", one_in_image = in_image + "1",
                  one_worker = "pool.default.workers=1", verified = "pool.default.rewind_verify=1";

json pool_of(Client &client) { return client.result("stats", json::array())["pools"]["default"]; }

std::string counting(int number) {
  return "let calls = 0; function f(x) { globalThis.seen = (globalThis.seen ?? 0) + 1;"
         " return [" +
         std::to_string(number) + " * x, ++calls, seen]; } function g(x) { return x + " +
         std::to_string(number) + "; }";
}

std::string name_of(int number) { return "acme/" + std::to_string(number); }

void put_counting(Client &client, int scripts) {
  for (int i = 0; i < scripts; ++i)
    client.put(name_of(i), counting(i));
}

void expect_each_answers(Client &client, int scripts) {
  for (int i = 0; i < scripts; ++i)
    expect_equal(client.call(name_of(i), "f", {10}), {i * 10, 1, 1});
}

} // namespace

Test(layers, each_script_is_clean_whichever_ran_before) {
  const Daemon daemon({one_worker, verified, in_image + "3"});
  Client client = daemon.connect();
  constexpr int scripts = 9;
  put_counting(client, scripts);
  for (int round = 0; round < 3; ++round) {
    expect_each_answers(client, scripts);
    for (int i = 0; i < scripts; i += 2) { // twice, and nothing in between
      expect_equal(client.call(name_of(i), "f", {1}), {i, 1, 1});
      expect_equal(client.call(name_of(i), "f", {2}), {i * 2, 1, 1});
    }
    expect_equal(client.eval("typeof f + typeof seen + typeof calls"),
                 "undefinedundefinedundefined");
  }
  const json pool = pool_of(client);
  expect_equal(pool["isolation_in_force"], "rewind");
  expect_equal(client.result("stats", json::array()).value("rewinds_failed_verify_failed", 0), 0);
}

Test(layers, many_scripts_are_there_with_the_defaults) {
  const Daemon daemon;
  Client client = daemon.connect();
  constexpr int scripts = 45; // more than an image holds
  put_counting(client, scripts);
  expect_each_answers(client, scripts);
  expect_equal(pool_of(client)["isolation_in_force"], "rewind");
  expect_equal(client.result("script.list", json::array()).size(), scripts);
}

Test(layers, are_made_again_at_a_start) {
  const ScratchFolder state;
  constexpr int scripts = 6;
  const DaemonOptions options{.settings = {one_in_image, verified}, .state_folder = state.path()};
  {
    const Daemon daemon(options);
    Client client = daemon.connect();
    put_counting(client, scripts);
    client.result("script.delete", {name_of(2)});
  }
  const Daemon daemon(options);
  Client client = daemon.connect();
  expect_equal(client.error("call", {name_of(2), "f", {1}})["code"], "not_found");
  client.put(name_of(2), counting(2));
  expect_each_answers(client, scripts);
}

namespace {

bool is_resident(Client &client, const std::string &name) {
  const json list = client.result("script.list", json::array({{{"prefix", name}}}));
  return list.at(0)["resident"].get<bool>();
}

} // namespace

Test(layers, are_made_after_a_start_when_scripts_are_called) {
  const ScratchFolder state;
  constexpr int scripts = 6;
  const DaemonOptions options{.settings = {one_in_image, one_worker, verified},
                              .state_folder = state.path()};
  {
    const Daemon daemon(options);
    Client client = daemon.connect();
    put_counting(client, scripts);
  }
  const Daemon daemon(options);
  Client client = daemon.connect();
  expect(!is_resident(client, name_of(3)), "it was not called yet");
  expect_equal(client.call(name_of(3), "f", {10}), {30, 1, 1});
  expect_equal(client.call(name_of(3), "f", {10}), {30, 1, 1});
  expect_equal(client.call(name_of(4), "f", {10}), {40, 1, 1});
  expect_equal(client.eval("typeof f + typeof seen"), "undefinedundefined");
  expect(becomes_true([&] { return is_resident(client, name_of(3)); }), "it was called");
  expect(!is_resident(client, name_of(5)), "it was not called yet");
  expect_each_answers(client, scripts);
  expect_each_answers(client, scripts);
  expect(becomes_true([&] { return is_resident(client, name_of(5)); }), "it was called");
  expect_each_answers(client, scripts);
  expect_equal(client.error("call", {name_of(5), "h", json::array()})["code"], "not_found");
  expect_equal(client.result("stats", json::array()).value("rewinds_failed_verify_failed", 0), 0);
}

Test(layers, whoever_is_the_first_to_call_a_script_waits_no_longer_than_he_wants) {
  const ScratchFolder state;
  const DaemonOptions options{
      .settings = {one_in_image, one_worker, "pool.default.load_deadline_ms=1000"},
      .state_folder = state.path()};
  const int64_t until = 1000 * std::time(nullptr) + 4000;
  const std::string later = "const later = Date.now() > " + std::to_string(until) + ";";
  {
    const Daemon daemon(options);
    Client client = daemon.connect();
    client.put("first", "1"); // the image's
    client.put("loops", later + "while (later); function f() { return 1; }");
    client.put("throws", later + "if (later) throw new TypeError('too late'); function f() {}");
    client.put("good", "function f() { return 'good'; }");
  }
  expect(becomes_true([until] { return 1000 * std::time(nullptr) > until + 1000; }), "it is later");
  const Daemon daemon(options);
  Client client = daemon.connect();
  expect_members(client.error("call", {"throws", "f", json::array()}),
                 {{"code", "script_error"}, {"name", "TypeError"}});
  expect_members(client.error("call", {"loops", "f", json::array(), {{"deadline_ms", 200}}}),
                 {{"code", "deadline_exceeded"}});
  expect_equal(client.call("good", "f"), "good");
  // It is so for each who calls them, though they could not be kept.
  expect(becomes_true([&] { return is_resident(client, "good"); }), "it was called");
  expect_members(client.error("call", {"throws", "f", json::array()}),
                 {{"code", "script_error"}, {"name", "TypeError"}});
  expect_members(client.error("call", {"loops", "f", json::array(), {{"cpu_ms", 200}}}),
                 {{"code", "deadline_exceeded"}, {"limit", "cpu"}});
  expect_equal(client.call("good", "f"), "good");
}

// However often zygotes are renewed on the way.
Test(layers, a_pool_whose_scripts_are_called_comes_to_rest) {
  const ScratchFolder state;
  constexpr int scripts = 24;
  const DaemonOptions options{.settings = {one_in_image, one_worker}, .state_folder = state.path()};
  {
    const Daemon daemon(options);
    Client client = daemon.connect();
    json all = json::array();
    for (int i = 0; i < scripts; ++i)
      all.push_back(json::array({name_of(i), counting(i)}));
    client.result("script.put_many", json::array({all}));
  }
  const Daemon daemon(options);
  Client client = daemon.connect();
  for (int i = 0; i < scripts; ++i) { // one after the other
    expect_equal(client.call(name_of(i), "f", {10}), {i * 10, 1, 1});
    expect(becomes_true([&] { return is_resident(client, name_of(i)); }), name_of(i));
  }
  const auto zygotes_renewed = [&client] {
    return client.result("stats", json::array())["zygotes_renewed"].get<int>();
  };
  expect(becomes_true([&] { return zygotes_renewed() > 0; }), "it was grown often");
  for (int i = 0; i < scripts; ++i)
    expect(is_resident(client, name_of(i)), name_of(i));
  expect_each_answers(client, scripts);
}

Test(layers, the_last_put_answers) {
  const Daemon daemon({one_in_image, verified});
  Client client = daemon.connect();
  put_counting(client, 3);
  for (const int replaced : {0, 2, 0, 1}) { // the first is the image's
    client.put(name_of(replaced), "function f() { return 'new'; }");
    expect_equal(client.call(name_of(replaced), "f"), "new");
    client.put(name_of(replaced), counting(replaced));
    expect_each_answers(client, 3);
  }
  for (const int gone : {0, 1}) {
    expect_equal(client.result("script.delete", {name_of(gone)}), true);
    expect_equal(client.error("call", {name_of(gone), "f", {1}})["code"], "not_found");
    expect_equal(client.call(name_of(2), "f", {1}), {2, 1, 1});
  }
}

Test(layers, importers_follow_a_module) {
  const Daemon daemon({one_in_image});
  Client client = daemon.connect();
  client.put("first", "1"); // the image's
  client.put("lib", "export const version = 1; export let n = 0; export const up = () => ++n;",
             module_option);
  const std::string importer = "import { version, up } from 'lib';"
                               "export const f = () => [version, up(), up()];";
  client.put("a", importer, module_option);
  client.put("b", "export { f } from 'a';", module_option);
  for (const std::string script : {"a", "b", "a", "b"})
    expect_equal(client.call(script, "f"), {1, 1, 2});
  client.put("lib", "export const version = 2; export const up = () => 'up';", module_option);
  for (const std::string script : {"a", "b", "a"})
    expect_equal(client.call(script, "f"), {2, "up", "up"});
  expect_equal(client.eval("import('b').then((b) => b.f())"), {2, "up", "up"});

  json error = client.error("script.put", {"lib", "export const other = 1;", module_option});
  expect_equal(error["code"], "compile_error");
  expect_contains(error["message"], "which imports it");
  expect_equal(client.call("b", "f"), {2, "up", "up"});
  error = client.error("script.delete", {"lib"});
  expect_equal(error["code"], "invalid_request");
  expect_contains(error["message"], "imports lib");
  expect_equal(client.call("b", "f"), {2, "up", "up"});
  for (const std::string script : {"b", "a", "lib"})
    expect_equal(client.result("script.delete", {script}), true);
}

Test(layers, what_can_not_be_loaded_is_refused_and_changes_nothing) {
  const Daemon daemon({one_in_image, "pool.default.load_deadline_ms=4000"});
  Client client = daemon.connect();
  put_counting(client, 3);
  const auto code = [&](const std::string &source, const json &options = nullptr) {
    const json error = client.error("script.put", {name_of(2), source, options});
    expect_each_answers(client, 3);
    return error["code"];
  };
  expect_members(client.error("script.put", {"s", "\nlet x =;"}),
                 {{"code", "compile_error"}, {"script", "s"}, {"line", 2}});
  expect_members(client.error("script.put", {"s", "\n\nthrow new RangeError('on purpose')"}),
                 {{"code", "script_error"}, {"name", "RangeError"}, {"line", 3}});
  expect_equal(client.error("call", {"s", "f", json::array()})["code"], "not_found");
  expect_equal(code("throw 1"), "script_error");
  expect_equal(code("import 'nothing'", module_option), "compile_error");
  expect_equal(code("for (;;);"), "deadline_exceeded");
  expect_equal(code("const all = []; for (;;) all.push(new Array(200000).fill(all.length));"),
               "memory_limit");
}

Test(layers, an_error_has_its_place_in_the_original) {
  const Daemon daemon({one_in_image});
  Client client = daemon.connect();
  client.put("first", "1");
  const std::string map = R"({"version":3,"sources":["original.ts"],"names":[],"mappings":"AAUA"})";
  client.put("s", "function f() { throw new Error('mapped'); }", {{"source_map", map}});
  expect_contains(client.error("call", {"s", "f", json::array()})["stack"], "original.ts:11");
}

Test(layers, a_warmed_up_script_is_clean) {
  const Daemon daemon({one_in_image, verified});
  Client client = daemon.connect();
  client.put("first", "1");
  const std::string source = "function f(x) { const seen = globalThis.seen; let sum = 0;"
                             " for (let i = 0; i < x; ++i) sum += i; return [sum, seen ?? 0]; }"
                             "function leave() { globalThis.seen = 1; }";
  const json put = client.put("s", source, {{"warm_up", R"([["f", [100]]])"_json}});
  expect(put["warm_up"]["rounds"] > 0, shown(put));
  client.put("other", counting(8));
  for (int round = 0; round < 3; ++round) {
    expect_equal(client.call("s", "f", {100}), {4950, 0});
    client.call("s", "leave");
    expect_equal(client.call("other", "f", {3}), {24, 1, 1});
  }
}

Test(layers, hold_what_is_large) {
  const Daemon daemon({one_in_image, verified, one_worker});
  Client client = daemon.connect();
  client.put("first", "1");
  client.put("table",
             "const table = Array.from({ length: 200000 }, (_, i) => ({ i, text: 'n' + i }));"
             "const bytes = new Uint8Array(3 << 20).map((_, i) => i);"
             "function f(i) { const was = [table[i].text, bytes[i]];"
             " table[i].text = bytes[i] = 0; return was; }");
  client.put("small", counting(1));
  for (const int i : {1000, 1000, 199'999}) {
    expect_equal(client.call("table", "f", {i}), {"n" + std::to_string(i), i % 256});
    expect_equal(client.call("small", "f", {1}), {1, 1, 1});
  }
}

namespace {

// Some 1.5 MB of memory once it is loaded.
std::string with_table(int number) {
  return "const table = new Uint8Array(1500000).fill(" + std::to_string(100 + number) +
         "); function f(i) { const was = table[i]; table[i] = 0; return was; }";
}

void expect_tables(Client &client, int scripts) {
  for (int i = 0; i < scripts; ++i)
    expect_equal(client.call(name_of(i), "f", {1000}), 100 + i);
}

constexpr int64_t megabyte = 1 << 20;

} // namespace

Test(layers, versions_that_were_replaced_go) {
  const Daemon daemon({one_in_image});
  Client client = daemon.connect();
  client.put("first", "1");
  int version = 0;
  const auto put = [&] {
    client.put(name_of(0), with_table(++version));
    expect_equal(client.call(name_of(0), "f", {1}), 100 + version);
    return pool_of(client);
  };
  for (int i = 0; i < 8; ++i)
    put();
  // The one before, as its workers may have been there when this one was put.
  expect(becomes_true([&] {
           const json pool = put();
           return pool["layer_bytes"] > megabyte && pool["layer_bytes"] < 3 * megabyte &&
                  pool["layer_garbage_bytes"] < 5 * megabyte;
         }),
         shown(pool_of(client)));
}

Test(layers, that_nobody_calls_make_room) {
  const Daemon daemon({one_in_image, one_worker, verified, "pool.default.resident_scripts_mb=8"});
  Client client = daemon.connect();
  client.put("first", "1");
  constexpr int scripts = 12;
  client.put(name_of(0), with_table(0));
  expect_equal(client.call(name_of(0), "f", {1000}), 100);
  for (int i = 1; i < scripts; ++i) {
    client.put(name_of(i), with_table(i));
    const json pool = pool_of(client);
    expect(pool["layer_bytes"] <= 8 * megabyte, shown(pool));
  }
  expect(pool_of(client)["scripts_cold"] >= scripts - 5, shown(pool_of(client)));
  expect(is_resident(client, name_of(0)), "it was called");
  for (int round = 0; round < 3; ++round)
    expect_tables(client, scripts);
  // All of them were called within a minute: those that are there stay.
  expect(is_resident(client, name_of(0)), "it was called first");
  client.put(name_of(1), "function f() { return 'new'; }");
  expect_equal(client.call(name_of(1), "f"), "new");
  expect_equal(client.call(name_of(2), "f", {1000}), 102);
  expect_equal(client.result("stats", json::array()).value("rewinds_failed_verify_failed", 0), 0);
}

Test(layers, one_that_is_too_large_is_refused_with_advice) {
  const Daemon daemon({one_in_image, "pool.default.resident_scripts_mb=1"});
  Client client = daemon.connect();
  client.put("first", "1");
  client.put(name_of(0), counting(0));
  const json error = client.error("script.put", {name_of(0), with_table(1)});
  expect_equal(error["code"], "memory_limit");
  expect_contains(error["message"], "pool.default.resident_scripts_mb is 1: raise that");
  expect_equal(client.call(name_of(0), "f", {10}), {0, 1, 1});
}

// Its image has an older version.
Test(layers, a_script_that_was_replaced_and_has_no_room_answers_as_the_last_put) {
  const Daemon daemon({in_image + "2", one_worker, verified, "pool.default.resident_scripts_mb=2"});
  Client client = daemon.connect();
  client.put(name_of(0), counting(0));
  client.put(name_of(1), counting(1));
  client.put(name_of(2), with_table(2));
  expect_equal(client.call(name_of(2), "f", {1000}), 102);
  client.put(name_of(0), with_table(0)); // there is no room for both
  expect(!is_resident(client, name_of(0)), shown(pool_of(client)));
  for (int i = 0; i < 3; ++i)
    expect_equal(client.call(name_of(0), "f", {1000}), 100);
  expect_equal(client.call(name_of(1), "f", {10}), {10, 1, 1});
  client.put(name_of(3), counting(3));
  expect_equal(client.call(name_of(0), "f", {1000}), 100);
  expect_equal(client.call(name_of(3), "f", {10}), {30, 1, 1});
}

// One process loads many of them.
Test(layers, scripts_put_together_do_not_find_each_other) {
  const Daemon daemon({one_in_image, one_worker, verified});
  Client client = daemon.connect();
  constexpr int scripts = 30;
  const auto source = [](int i) {
    return "if (globalThis.left || Array.prototype.left) throw new Error('it is left');"
           "globalThis.left = Array.prototype.left = " +
           std::to_string(i) + ";" + counting(i);
  };
  const json warm_up = {{"warm_up", R"([["f", [1]]])"_json}};
  json all = json::array();
  all.push_back(json::array({name_of(0), counting(0)}));
  for (int i = 1; i < scripts; ++i)
    all.push_back(json::array({name_of(i), i % 10 == 3 ? with_table(i) : source(i),
                               i % 10 == 1 ? warm_up : json::object()}));
  all.push_back(
      json::array({"lib", "export let n = 0; export const up = () => ++n;", module_option}));
  all.push_back(json::array(
      {"user", "import { up } from 'lib'; export const f = () => up();", module_option}));
  json bad = all;
  bad[20][1] = "throw new RangeError('on purpose')";
  const json error = client.error("script.put_many", json::array({bad}));
  expect_members(error, {{"code", "script_error"}, {"name", "RangeError"}});
  expect_contains(error["message"], name_of(20));
  expect_equal(client.result("script.list", json::array()), json::array());
  client.result("script.put_many", json::array({all}));
  for (int round = 0; round < 2; ++round) {
    for (int i = 1; i < scripts; ++i)
      if (i % 10 == 3)
        expect_equal(client.call(name_of(i), "f", {1000}), 100 + i);
      else
        expect_equal(client.call(name_of(i), "g", {10}), 10 + i);
    expect_equal(client.call("user", "f"), 1);
  }
  expect_equal(client.result("stats", json::array()).value("rewinds_failed_verify_failed", 0), 0);
}

Test(layers, who_asks_for_a_script_that_went_meanwhile_is_told_what_there_is) {
  const Daemon daemon({one_in_image, one_worker});
  Client client = daemon.connect();
  client.put("first", "function wait() { return host.call('go on'); }");
  client.put("gone", "function f() {}");
  client.put("there", "function f() {}");
  Client other = daemon.connect();
  uint32_t late = 0;
  client.on_host_call = [&](uint32_t, const std::string &, const json &) {
    late = other.start("call", {"gone", "f", json::array()});
    other.result("script.delete", {"gone"});
    return nullptr;
  };
  client.call("first", "wait");
  const json error = other.wait(late).error();
  expect_equal(error["code"], "not_found");
  expect_contains(error["message"], "first, there");
}

Test(layers, fresh_processes_and_chains_find_them) {
  const Daemon daemon({one_in_image});
  Client client = daemon.connect();
  put_counting(client, 4);
  for (const std::string isolation : {"process", "rewind", "process"})
    for (int i = 0; i < 4; ++i)
      expect_equal(client.call(name_of(i), "f", {2}, {{"isolation", isolation}})[0], 2 * i);
  expect_equal(client.result("chain", {R"([["acme/2", "g"], ["acme/3", "g"]])"_json, 1}), 6);
}

Test(layers, a_request_that_ends_its_worker_ends_no_other) {
  const Daemon daemon({one_in_image, one_worker});
  Client client = daemon.connect();
  client.put("first", "1");
  client.put("s", "function spin() { for (;;); } function f() { return 1; }");
  client.put("t", counting(5));
  std::vector<uint32_t> running;
  for (int i = 0; i < 3; ++i) {
    running.push_back(client.start("call", {"s", "spin", json::array(), {{"deadline_ms", 100}}}));
    running.push_back(client.start("call", {"t", "f", {i}}));
  }
  for (int i = 0; i < 3; ++i) {
    expect_equal(client.wait(running[2 * i]).error()["code"], "deadline_exceeded");
    expect_equal(client.wait(running[2 * i + 1]).result(), {5 * i, 1, 1});
  }
}

Test(layers, are_seen_by_debuggers_whether_they_are_there_or_not) {
  Daemon daemon({one_in_image});
  Client client = daemon.connect();
  client.put("first", "1");
  client.put("s", "class Kept {}\nglobalThis.all = [];\nfunction keep(n) {\n"
                  "  for (let i = 0; i < n; ++i) all.push(new Kept());\n}\n");
  const std::string heap = daemon.folder().path() / "h", profile = daemon.folder().path() / "p";
  expect_equal(run(lethe_command(daemon, {"heap", "s", "keep", "1234", "--output", heap})).status,
               0);
  expect_contains(read_file(heap), "\"Kept\"");
  expect_equal(run(lethe_command(daemon, {"profile", "s", "keep", "50000", "--for", "300ms",
                                          "--output", profile}))
                   .status,
               0);
  expect_contains(read_file(profile), R"("functionName":"keep")");
  daemon.stop();
  daemon.start();
  const std::string after = daemon.folder().path() / "after";
  expect_equal(run(lethe_command(daemon, {"heap", "s", "keep", "1234", "--output", after})).status,
               0);
  expect_contains(read_file(after), "\"Kept\"");
}
