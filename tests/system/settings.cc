// SPDX-License-Identifier: Apache-2.0
// client/PROTOCOL.md, the daemon's settings: one test for each name that shows its effect, and
// clear errors for what is wrong.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <thread>

using namespace lethe::test;

TestSuite(settings, .timeout = 60);

namespace {

Finished start_with(const ScratchFolder &folder, const std::vector<std::string> &arguments) {
  return run(daemon_command(folder, {.arguments = arguments}));
}

// A daemon with such a configuration file does not start, and says each of `parts`.
void refuses(const std::string &toml, const std::vector<std::string> &parts,
             Where where = Where::here()) {
  const ScratchFolder folder;
  const Finished finished = start_with(folder, {"--config", folder.file("lethe.toml", toml)});
  expect(finished.status != 0 && finished.status < 128,
         "status " + std::to_string(finished.status) + ": " + finished.errors, where);
  for (const std::string &part : parts)
    expect_contains(finished.errors, part, where);
}

// Of the worker that serves `calls` requests of a client that waits for each reply.
size_t sleeps(const std::string &busy_poll_us, int calls) {
  Daemon daemon({"pool.default.workers=1", "pool.default.busy_poll_us=" + busy_poll_us});
  Client client = daemon.connect();
  client.put("s", "const f = () => 1");
  client.call("s", "f");
  const pid_t worker = daemon.idle_workers().at(0);
  const auto count = [&] { return process_figure(worker, "status", "voluntary_ctxt_switches"); };
  const size_t before = count();
  for (int i = 0; i < calls; ++i)
    client.call("s", "f");
  return count() - before;
}

} // namespace

Test(settings, socket) {
  const ScratchFolder folder;
  Daemon daemon(DaemonOptions{.arguments = {"--set", "socket=" + folder.path().string() + "/s"}});
  Client(daemon.socket_path()).eval("1"); // --socket goes before
}

Test(settings, state_dir) {
  Daemon daemon;
  daemon.connect().put("s", "function f() {}");
  expect(std::filesystem::exists(daemon.state_folder()), "the scripts are elsewhere");
}

Test(settings, cache_dir) {
  const ScratchFolder cache;
  Daemon daemon(DaemonOptions{.cache_folder = cache.path()});
  expect_equal(daemon.connect().eval("1"), 1);
  expect(!std::filesystem::is_empty(cache.path()), "no snapshot was cached");
}

Test(settings, grace_ms) {
  Daemon daemon({"grace_ms=300"});
  Client client = daemon.connect();
  const auto begin = Clock::now();
  const json error =
      client.eval_error("/(a+)+$/.test('a'.repeat(40) + 'b')", {{"deadline_ms", 50}});
  expect_equal(error["code"], "deadline_exceeded");
  // A regular expression may be interruptible; what holds is the end.
  expect(milliseconds_since(begin) < 50 + 300 + 50, "later than deadline + grace");
}

Test(settings, max_message_bytes) {
  Daemon daemon({"max_message_bytes=50000"});
  Client client = daemon.connect();
  expect_equal(client.eval_error("'x'.repeat(60000)")["limit_bytes"], 50'000);
}

Test(settings, max_depth) {
  Daemon daemon({"max_depth=20"});
  Client client = daemon.connect();
  const auto nested = [](int levels) {
    json value = 1;
    for (int i = 0; i < levels; ++i)
      value = json::array({value});
    return value;
  };
  client.on_host_call = [&](uint32_t, const std::string &, const json &arguments) {
    return nested(arguments[0]);
  };
  client.put("s", "const same = (x) => x, deeper = (x) => [x], ask = (n) => host.call('ask', n);");
  const json step = {"s", "same"};
  // As deep in each direction, and no deeper.
  expect_equal(client.eval("let o = 1; for (let i = 0; i < 20; ++i) o = [o]; o"), nested(20));
  expect_equal(client.call("s", "same", json::array({nested(20)})), nested(20));
  expect_equal(client.eval("deep", {{"globals", {{"deep", nested(20)}}}}), nested(20));
  expect_equal(client.result("chain", {json::array({step, step}), nested(20)}), nested(20));
  expect_equal(client.call("s", "ask", {20}), nested(20));
  for (const auto &[method, params] : std::vector<std::pair<std::string, json>>{
           {"call", {"s", "deeper", json::array({nested(20)})}},
           {"call", {"s", "same", json::array({nested(21)})}},
           {"chain", {json::array({step}), nested(21)}},
       })
    expect_equal(client.error(method, params)["code"], "invalid_value");
  // Where the message itself is too deep.
  expect_equal(client.error("eval", {"1", {{"globals", {{"deep", nested(30)}}}}})["code"],
               "invalid_request");
}

Test(settings, max_connections) {
  Daemon daemon({"max_connections=1"});
  Client client = daemon.connect();
  client.result("ping", json::array());
  Client second = daemon.connect();
  expect_equal(second.error("ping", json::array())["limit"], "connections");
  client.close();
  expect(becomes_true([&] { return !daemon.connect().request("ping", json::array()).failed(); }),
         "the place of a closed connection stays taken");
}

Test(settings, max_in_flight) {
  Daemon daemon({"max_in_flight=1"});
  Client client = daemon.connect();
  const uint32_t running = client.start("eval", {"host.call('wait')"});
  expect_equal(client.eval_error("1")["limit"], "in_flight");
  client.notify("cancel", {running});
  client.wait(running);
  expect_equal(client.eval("1"), 1);
}

Test(settings, pool_workers) {
  Daemon daemon({"pool.default.workers=3", "pool.default.isolation=reuse"});
  expect(becomes_true([&] { return daemon.workers().size() == 3; }),
         std::to_string(daemon.workers().size()) + " workers");
}

Test(settings, pool_workers_auto) {
  Daemon daemon({"pool.default.workers=auto"});
  const size_t least = std::max(4u, 2 * std::thread::hardware_concurrency());
  expect(becomes_true([&] { return daemon.workers().size() >= least; }),
         std::to_string(daemon.workers().size()) + " workers");
}

Test(settings, pool_isolation) {
  Daemon daemon({"pool.default.isolation=reuse", "pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("s", "var n = 0; function count() { return ++n; }");
  expect_equal(client.call("s", "count"), 1);
  expect_equal(client.call("s", "count"), 2);
}

Test(settings, pool_deadline_ms) {
  Daemon daemon({"pool.default.deadline_ms=100"});
  const auto begin = Clock::now();
  expect_equal(daemon.connect().eval_error("while (1);")["code"], "deadline_exceeded");
  expect(milliseconds_since(begin) < 1000, "the pool's deadline is not in force");
}

Test(settings, pool_load_deadline_ms) {
  Daemon daemon({"pool.default.load_deadline_ms=150"});
  Client client = daemon.connect();
  const auto begin = Clock::now();
  expect_equal(client.error("script.put", {"s", "while (1);"})["phase"], "loading");
  expect(milliseconds_since(begin) < 2000, "the load deadline is not in force");
}

Test(settings, pool_cpu_ms) {
  Daemon daemon({"pool.default.cpu_ms=50"});
  expect_equal(daemon.connect().eval_error("while (1);")["limit"], "cpu");
}

Test(settings, pool_memory_mb) {
  Daemon daemon({"pool.default.memory_mb=50"});
  expect_equal(daemon.connect().eval_error(
                   "const kept = []; while (1) kept.push([kept.length]);")["limit_mb"],
               50);
}

Test(settings, pool_queue) {
  Daemon daemon({"pool.default.queue=1"});
  Client client = daemon.connect();
  client.result("pause", {"default"});
  client.start("eval", {"1"});
  expect_equal(client.eval_error("1")["limit"], "queue");
}

Test(settings, pool_preload) {
  const ScratchFolder files;
  const std::string first =
      files.file("first.js", "function greet(name) { return 'Hello ' + name; }");
  const std::string second = files.file("second.js", "const greeting = greet('world');");
  Daemon daemon({"pool.default.preload=[\"" + first + "\", \"" + second + "\"]"});
  Client client = daemon.connect();
  expect_equal(client.eval("greeting"), "Hello world");
  client.put("s", "function f(name) { return greet(name); }");
  expect_equal(client.call("s", "f", {"Ada"}), "Hello Ada");
}

Test(settings, pool_busy_poll_us) {
  constexpr int calls = 400;
  expect(sleeps("0", calls) > calls * 9 / 10, "a worker that may not poll sleeps after each reply");
  if (std::thread::hardware_concurrency() == 1)
    return;
  bool is_awake = false; // where others need the processors it does not stay so
  for (int attempt = 0; attempt < 50 && !is_awake; ++attempt)
    is_awake = sleeps("1000", calls) < calls * 9 / 10;
  expect(is_awake, "one that may is awake when a request comes");
}

Test(settings, pool_rewind_verify) {
  Daemon daemon({"pool.default.rewind_verify=0.5"});
  expect_equal(
      daemon.connect().result("config", json::array())["pool.default.rewind_verify"]["value"], 0.5);
  refuses("[pool.default]\nrewind_verify = 2.0\n", {"rewind_verify", "lethe.toml", "0", "1"});
}

Test(settings, an_unknown_key_stops_the_start) {
  refuses("grace_ms = 5\ngrace_s = 1\n", {"grace_s", "lethe.toml:2"});
  refuses("[pool.default]\nworker = 3\n", {"worker", "lethe.toml:2"});
  const ScratchFolder folder;
  const Finished finished = start_with(folder, {"--set", "no_such=1"});
  expect(finished.status != 0, "it started");
  expect_contains(finished.errors, "no_such");
  expect_contains(finished.errors, "--set");
}

Test(settings, a_wrong_type_stops_the_start) {
  refuses("grace_ms = \"soon\"\n", {"grace_ms", "lethe.toml:1", "number"});
  refuses("[pool.default]\n\nisolation = \"none\"\n",
          {"isolation", "lethe.toml:3", "rewind", "process", "reuse"});
  refuses("[pool.default]\nworkers = \"many\"\n", {"workers", "auto"});
  refuses("[pool.default]\npreload = 5\n", {"preload", "list"});
}

Test(settings, a_value_out_of_range_stops_the_start) {
  refuses("max_connections = 0\n", {"max_connections", "lethe.toml:1", "1"});
  refuses("[pool.default]\nworkers = -1\n", {"workers", "lethe.toml:2"});
}

Test(settings, a_file_that_is_no_toml_stops_the_start) {
  refuses("grace_ms = = 5\n", {"lethe.toml:1"});
}

Test(settings, conf_d_goes_before_the_file_and_the_command_line_before_both) {
  const ScratchFolder folder;
  folder.file("lethe.toml", "grace_ms = 31\nmax_depth = 100\nmax_in_flight = 7\n");
  std::filesystem::create_directory(folder.path() / "conf.d");
  folder.file("conf.d/10-first.toml", "max_depth = 101\n");
  folder.file("conf.d/20-second.toml", "max_depth = 102\nmax_in_flight = 8\n");
  Daemon daemon(DaemonOptions{.settings = {"max_in_flight=9"},
                              .arguments = {"--config", (folder.path() / "lethe.toml").string()}});
  const json config = daemon.connect().result("config", json::array());
  expect_equal(config["grace_ms"]["value"], 31);
  expect_equal(config["max_depth"]["value"], 102);
  expect_contains(shown(config["max_depth"]), "20-second.toml");
  expect_equal(config["max_in_flight"]["value"], 9);
}

Test(settings, there_is_always_a_pool_default) {
  Daemon daemon({"pool.other.workers=1"});
  expect_equal(daemon.connect().eval("1"), 1);
}
