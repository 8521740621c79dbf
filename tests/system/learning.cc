// SPDX-License-Identifier: Apache-2.0
// The setting `learn`: scripts are warmed up with calls of their requests that change nothing.
#include "tests/harness/daemon.h"

#include <chrono>
#include <criterion/criterion.h>
#include <csignal>

using namespace lethe::test;

TestSuite(learning, .timeout = 120);

namespace {

// V8 compiles a regular expression when it is used.
const std::string square = "function square(n) { let length = 0; for (let i = 0; i < 9; ++i)"
                           "  length += `${n}-${i}`.replace(/(\\d+)-(\\d)/g, '$2').length;"
                           "  return n * n; }";
// In each call.
const std::string compile = "new Function('return 1')(); ";

// However slow the machine is, a call has the time that trying it takes.
const std::string learn = "pool.default.learn=true",
                  slowly = "pool.default.load_deadline_ms=160000";

int64_t figure(Client &client, const std::string &name) {
  return client.result("stats", json::array())[name].get<int64_t>();
}

void wait_until_learned(Client &client, int64_t generations) {
  expect(becomes_true([&] { return figure(client, "generations_learned") >= generations; }),
         "no generation was made with calls of requests");
  expect_equal(figure(client, "generations_learned"), generations);
}

// So many requests of it.
int64_t compiled_by(Client &client, int requests) {
  const int64_t before = figure(client, "compiled");
  for (int i = 0; i < requests; ++i)
    client.call("s", "square", {100});
  return figure(client, "compiled") - before;
}

int64_t in_ms(int64_t milliseconds) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + milliseconds;
}

} // namespace

Test(learning, what_requests_compile_again_and_again_they_find_compiled) {
  Daemon daemon({learn, slowly});
  Client client = daemon.connect();
  expect(!client.put("s", square).contains("warm_up"), "nothing was called yet");
  expect(compiled_by(client, 3) >= 3, "each of them compiled");
  wait_until_learned(client, 1);
  expect_equal(compiled_by(client, 5), 0);
  const json warm_up = client.result("script.get", {"s"})["warm_up"];
  expect_members(warm_up, {{"learned", 1}, {"steady", true}, {"pure", true}});
  expect_equal(figure(client, "calls_learned"), 1);
  // Whoever comes next: the pool knows them still.
  ::kill(daemon.zygote(), SIGKILL);
  wait_until_learned(client, 2);
  expect_equal(compiled_by(client, 5), 0);
  // They were another version's.
  expect(!client.put("s", square).contains("warm_up"), "it has learned nothing yet");
}

Test(learning, paths_and_requests_are_called_again_as_they_were) {
  Daemon daemon({learn, slowly});
  Client client = daemon.connect();
  client.put("s",
             square + "export default { square, fetch(request) { square(1);"
                      "  return new Response(request.url); } };",
             {{"module", true}});
  const json request = json::array({{{"url", "http://h/"}}});
  const auto ask = [&] {
    client.call("s", "default.fetch", request, {{"fetch", true}});
    client.call("s", "default.square", {100});
  };
  ask();
  wait_until_learned(client, 1);
  expect_members(client.result("script.get", {"s"})["warm_up"], {{"learned", 2}, {"pure", true}});
  const int64_t before = figure(client, "compiled");
  ask();
  expect_equal(figure(client, "compiled"), before);
}

Test(learning, what_changes_something_is_never_called_for_others) {
  Daemon daemon({learn, slowly});
  Client client = daemon.connect();
  client.put("s", square + "let visits = 0; function visit() { " + compile +
                      "return ++visits; }"
                      "function fail() { " +
                      compile + "throw new Error('no'); }");
  expect_equal(client.call("s", "visit"), 1);
  client.error("call", {"s", "fail", json::array()});
  client.call("s", "square", {9});
  wait_until_learned(client, 1);
  expect_equal(figure(client, "calls_learned"), 1);
  const json warm_up = client.result("script.get", {"s"})["warm_up"];
  expect_members(warm_up, {{"learned", 1}, {"pure", true}});
  expect_equal(client.call("s", "visit"), 1);
}

// Tried once, it most probably changes nothing; of many times in the warm-up, it does some.
Test(learning, what_changes_something_now_and_then_leaves_nothing_either) {
  Daemon daemon({learn, slowly});
  Client client = daemon.connect();
  client.put("s", "let visits = 0; function f() { " + compile +
                      "if (Math.random() < 0.05) ++visits; }"
                      "function count() { return visits; }");
  client.call("s", "f");
  wait_until_learned(client, 1);
  expect_equal(client.call("s", "count"), 0);
}

Test(learning, the_option_s_calls_run_before_and_a_call_is_pure_after_them) {
  Daemon daemon({learn, slowly});
  Client client = daemon.connect();
  client.put("s",
             "let table; function fill() { table ?\?= [1, 2, 3]; }"
             "function look(i) { " +
                 compile + "fill(); return table[i]; }",
             {{"warm_up", R"([["fill", []]])"_json}});
  expect_equal(client.call("s", "look", {1}), 2);
  wait_until_learned(client, 1);
  const json warm_up = client.result("script.get", {"s"})["warm_up"];
  expect_members(warm_up, {{"learned", 1}, {"pure", false}, {"changed", {"table"}}});
}

Test(learning, calls_that_never_end_or_need_all_memory_are_left_out) {
  Daemon daemon({learn, slowly});
  Client client = daemon.connect();
  client.put("s", square + "function loop(from) { " + compile +
                      "while (Date.now() > from); return 'soon'; }"
                      "function fill(from) { " +
                      compile +
                      "const all = []; while (Date.now() > from)"
                      "  all.push(new Array(1000).fill({})); return 'soon'; }");
  const int64_t soon = in_ms(4000); // before anything is learned
  expect_equal(client.call("s", "loop", {soon}), "soon");
  expect_equal(client.call("s", "fill", {soon}), "soon");
  client.call("s", "square", {100});
  wait_until_learned(client, 1);
  expect_equal(figure(client, "calls_learned"), 1);
  expect_equal(compiled_by(client, 5), 0);
  expect_equal(client.call("s", "loop", {in_ms(60'000)}), "soon");
  expect_equal(figure(client, "zygotes_failed"), 0);
}

Test(learning, another_change_does_not_wait_for_it) {
  // A call has minutes to be tried.
  Daemon daemon(
      {"pool.default.learn=true", "pool.default.load_deadline_ms=6000000", "log_level=debug"});
  Client client = daemon.connect();
  const int64_t first = client
                            .put("s", "function loop(from) { " + compile +
                                          "while (Date.now() > from); }")["generation"]
                            .get<int64_t>();
  client.call("s", "loop", {in_ms(4000)});
  const size_t moves = daemon.log().size();
  expect(becomes_true(
             [&] { return daemon.log().find("settled -> building", moves) != std::string::npos; }),
         "it does not begin to learn");
  const json put = client.put("other", "function f() { return 1; }");
  expect_equal(put["generation"], first + 2); // the one between them was given up
  expect_equal(client.call("other", "f"), 1);
  expect_equal(figure(client, "generations_learned"), 0);
}

Test(learning, only_where_it_is_wanted) {
  Daemon daemon({"pool.other.learn=true", "pool.other.load_deadline_ms=160000"});
  Client client = daemon.connect();
  client.put("s", square);
  client.put("s", square, {{"pool", "other"}});
  client.call("s", "square", {100});
  client.call("s", "square", {100}, {{"pool", "other"}});
  wait_until_learned(client, 1);
  expect(compiled_by(client, 3) >= 3, "the default pool has learned");
  const json stats = client.result("stats", json::array());
  expect_equal(stats["calls_learned"], 1);
}

Test(learning, where_it_is_wanted_no_more_all_is_forgotten) {
  const ScratchFolder folder;
  const auto config = [&](const char *wanted) {
    return folder.file("lethe.toml",
                       std::string("[pool.default]\nload_deadline_ms = 160000\nlearn = ") + wanted +
                           "\n");
  };
  Daemon daemon(DaemonOptions{.arguments = {"--config", config("true")}});
  Client client = daemon.connect();
  client.put("s", square);
  client.call("s", "square", {100});
  wait_until_learned(client, 1);
  config("false");
  client.result("reload", json::array());
  expect(!client.result("script.get", {"s"}).contains("warm_up"), "it is loaded as it is");
  client.call("s", "square", {100});
  config("true");
  client.result("reload", json::array());
  expect(!client.result("script.get", {"s"}).contains("warm_up"), "a call was kept");
  client.call("s", "square", {100});
  wait_until_learned(client, 2);
  expect_equal(figure(client, "calls_learned"), 2);
}
