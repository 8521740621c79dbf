// SPDX-License-Identifier: Apache-2.0
// A pool's largest deadline_ms and cpu_ms: nobody gets more, whether a request asks for it or a
// script was registered with it.
#include "tests/harness/command.h"

#include <criterion/criterion.h>

using namespace lethe::test;

TestSuite(request_limits, .timeout = 60);

namespace {

constexpr int64_t year_ms = 31'536'000'000;
constexpr const char *loop = "function loop() { for (;;); }";

json steps(const std::string &function) { return json::array({json::array({"s", function})}); }

// Each method that takes options of time refuses these, and says why.
void expect_refused(Client &client, const json &options, const std::string &why,
                    Where where = Where::here()) {
  const std::pair<const char *, json> requests[] = {
      {"eval", {"1", options}},
      {"call", {"s", "f", json::array(), options}},
      {"chain", {steps("f"), 1, options}},
      {"script.put", {"another", "function f() {}", options}}};
  for (const auto &[method, params] : requests) {
    const json error = client.error(method, params, where);
    expect_equal(error["code"], "invalid_request", where);
    expect_contains(error["message"], why, where);
  }
}

void expect_allowed(Client &client, const json &options, Where where = Where::here()) {
  expect_equal(client.eval("1", options, where), 1, where);
  expect_equal(client.call("s", "f", json::array(), options, where), 1, where);
  expect_equal(client.result("chain", {steps("f"), 1, options}, where), 1, where);
  client.put("another", "function f() {}", options, where);
}

// A daemon with a configuration file that may change.
class Reloaded {
public:
  explicit Reloaded(const std::string &pool) : daemon_(with(pool)) {}
  std::string write(const std::string &pool) const {
    return files_.file("lethe.toml", "[pool.default]\n" + pool);
  }
  Daemon &daemon() { return daemon_; }

private:
  DaemonOptions with(const std::string &pool) const {
    return {.arguments = {"--config", write(pool)}};
  }
  ScratchFolder files_;
  Daemon daemon_;
};

int64_t setting(Client &client, const std::string &key) {
  return client.result("config", json::array())["pool.default." + key]["value"];
}

} // namespace

Test(request_limits, two_clients_that_ask_for_a_year_do_not_hold_two_workers) {
  Daemon daemon({"pool.default.workers=2"});
  Client greedy[] = {daemon.connect(), daemon.connect()};
  uint32_t msgids[2];
  for (int i = 0; i < 2; ++i)
    msgids[i] = greedy[i].start("eval", {"for (;;);", {{"deadline_ms", year_ms}}});
  expect_equal(daemon.connect().eval("'served'"), "served");
  for (int i = 0; i < 2; ++i)
    expect_contains(greedy[i].wait(msgids[i]).error()["message"],
                    "option deadline_ms is over the pool's max_deadline_ms, 60000");
}

Test(request_limits, a_deadline_over_the_pools_largest_is_refused) {
  Daemon daemon({"pool.default.max_deadline_ms=20000"});
  Client client = daemon.connect();
  client.put("s", "function f() { return 1; }");
  expect_equal(setting(client, "max_deadline_ms"), 20'000);
  expect_refused(client, {{"deadline_ms", 20'001}},
                 "deadline_ms is over the pool's max_deadline_ms, 20000");
  expect_allowed(client, {{"deadline_ms", 20'000}});
}

Test(request_limits, a_cpu_limit_over_the_pools_largest_is_refused) {
  Daemon daemon({"pool.default.max_cpu_ms=5000"});
  Client client = daemon.connect();
  client.put("s", "function f() { return 1; }");
  expect_equal(setting(client, "max_cpu_ms"), 5000);
  expect_refused(client, {{"cpu_ms", 5001}}, "cpu_ms is over the pool's max_cpu_ms, 5000");
  expect_allowed(client, {{"cpu_ms", 5000}});
}

Test(request_limits, the_largest_cpu_limit_holds_for_who_sets_none) {
  Daemon daemon({"pool.default.max_cpu_ms=50"});
  Client client = daemon.connect();
  client.put("s", loop);
  expect_equal(client.eval_error("for (;;);")["limit"], "cpu");
  expect_equal(client.error("call", {"s", "loop", json::array()})["limit"], "cpu");
  expect_equal(client.error("chain", {steps("loop"), 1})["limit"], "cpu");
}

Test(request_limits, zero_is_no_limit) {
  Daemon daemon({"pool.default.max_deadline_ms=0", "pool.default.max_cpu_ms=0"});
  Client client = daemon.connect();
  client.put("s", "function f() { return 1; }");
  expect_allowed(client, {{"deadline_ms", year_ms}, {"cpu_ms", year_ms}});
}

Test(request_limits, the_largest_deadline_follows_the_pools) {
  Daemon daemon({"pool.default.deadline_ms=100000"});
  Client client = daemon.connect();
  client.put("s", "function f() { return 1; }");
  const json entry = client.result("config", json::array())["pool.default.max_deadline_ms"];
  expect_members(entry, {{"value", 100'000}, {"source", "--set"}});
  expect_refused(client, {{"deadline_ms", 100'001}}, "max_deadline_ms, 100000");
  expect_allowed(client, {{"deadline_ms", 100'000}});
}

Test(request_limits, a_largest_below_the_pools_own_stops_the_start) {
  for (const std::string key : {"deadline_ms", "cpu_ms"}) {
    const ScratchFolder folder;
    const Finished finished =
        run(daemon_command(folder, {.settings = {"pool.default." + key + "=200",
                                                 "pool.default.max_" + key + "=100"}}));
    expect(finished.status != 0, "it started");
    expect_contains(finished.errors, "--set: pool.default.max_" + key +
                                         ": must be 0 or at least pool.default." + key +
                                         ", which is 200 (--set), not 100");
  }
}

Test(request_limits, a_stored_script_is_held_to_a_largest_that_was_lowered) {
  const ScratchFolder state;
  {
    Daemon before(DaemonOptions{.state_folder = state.path()});
    before.connect().put("s", loop, {{"deadline_ms", 50'000}, {"cpu_ms", 50'000}});
    before.connect().put("modest", loop, {{"deadline_ms", 100}});
  }
  Daemon daemon(DaemonOptions{
      .settings = {"pool.default.deadline_ms=200", "pool.default.max_deadline_ms=300"},
      .state_folder = state.path()});
  Client client = daemon.connect();
  const auto begin = Clock::now();
  expect_equal(client.error("call", {"s", "loop", json::array()})["limit"], "deadline");
  const auto elapsed = milliseconds_since(begin);
  expect(elapsed >= 300 && elapsed < 5000, std::to_string(elapsed) + " ms");
  const std::string warning = "script s: option deadline_ms is over the pool's max_deadline_ms, "
                              "300; its calls get what the pool allows";
  expect(daemon.logs(warning), daemon.log());
  const std::string log = daemon.log();
  expect(log.find(warning) == log.rfind(warning), "it is said more than once: " + log);
  expect(log.find("script modest") == std::string::npos, log);
}

Test(request_limits, a_reload_changes_what_may_be_asked_for) {
  Reloaded reloaded("max_deadline_ms = 20000\n");
  Client client = reloaded.daemon().connect();
  client.put("s", "function f() { return 1; }");
  expect_refused(client, {{"deadline_ms", 30'000}}, "max_deadline_ms, 20000");
  reloaded.write("max_deadline_ms = 40000\n");
  client.result("reload", json::array());
  expect_allowed(client, {{"deadline_ms", 30'000}});
  reloaded.write("max_deadline_ms = 10000\nmax_cpu_ms = 5000\n");
  client.result("reload", json::array());
  expect_refused(client, {{"deadline_ms", 20'000}}, "max_deadline_ms, 10000");
  expect_refused(client, {{"cpu_ms", 5001}}, "max_cpu_ms, 5000");
}

Test(request_limits, a_reload_holds_a_registered_script_to_less) {
  Reloaded reloaded("");
  Client client = reloaded.daemon().connect();
  client.put("s", loop, {{"deadline_ms", 50'000}, {"cpu_ms", 40'000}});
  reloaded.write("max_cpu_ms = 60\n");
  client.result("reload", json::array());
  expect_equal(client.error("call", {"s", "loop", json::array()})["limit"], "cpu");
  expect(reloaded.daemon().logs("script s: option cpu_ms is over the pool's max_cpu_ms, 60"),
         reloaded.daemon().log());
  reloaded.write("deadline_ms = 100\nmax_deadline_ms = 100\n");
  client.result("reload", json::array());
  expect_equal(client.error("call", {"s", "loop", json::array()})["limit"], "deadline");
  expect(reloaded.daemon().logs("script s: option deadline_ms is over"), reloaded.daemon().log());
}

Test(request_limits, a_script_that_a_reload_overtook_is_refused) {
  Reloaded reloaded("");
  Client client = reloaded.daemon().connect();
  reloaded.write("max_deadline_ms = 4000\n");
  const uint32_t reload = client.start("reload", json::array());
  const uint32_t put = client.start("script.put", {"s", loop, {{"deadline_ms", 5000}}});
  expect_equal(client.wait(reload).result(), true);
  expect_contains(client.wait(put).error()["message"], "max_deadline_ms, 4000");
  expect_equal(client.result("script.list", json::array()), json::array());
  expect_equal(client.put("s", loop, {{"deadline_ms", 4000}})["version"], 1);
}

Test(request_limits, a_reload_with_contradicting_limits_leaves_the_old_in_force) {
  Reloaded reloaded("max_deadline_ms = 20000\n");
  Client client = reloaded.daemon().connect();
  reloaded.write("deadline_ms = 500\nmax_deadline_ms = 400\n");
  const json error = client.error("reload", json::array());
  expect_contains(error["message"], "pool.default.max_deadline_ms");
  expect_contains(error["message"], "pool.default.deadline_ms, which is 500");
  expect_equal(setting(client, "max_deadline_ms"), 20'000);
}

Test(request_limits, the_command_says_what_is_allowed) {
  Daemon daemon;
  daemon.connect().put("s", "function f() { return 1; }");
  for (const std::vector<std::string> &words :
       {std::vector<std::string>{"call", "s", "f", "--deadline", "60001"},
        {"eval", "1", "--deadline", "60001"},
        {"chain", "s:f", "--input", "1", "--deadline", "60001"}}) {
    const Finished finished = run(lethe_command(daemon, words));
    expect_equal(finished.status, 5); // invalid_request
    expect_contains(finished.errors, "invalid_request: option deadline_ms is over the pool's "
                                     "max_deadline_ms, 60000");
  }
  expect_equal(run(lethe_command(daemon, {"call", "s", "f", "--deadline", "60000"})).status, 0);
}

Test(request_limits, a_private_daemon_sets_its_user_no_limit) {
  const ScratchFolder folder;
  const std::string file = folder.file("one.js", "function f() { return 1; }");
  const Finished finished =
      run({{program("lethe"), "run", file, "f", "--deadline", "3600000"},
           {"HOME=" + folder.path().string(),
            "XDG_CACHE_HOME=" + (build_folder() / "tests" / "cache").string()}});
  expect(finished.status == 0, finished.errors);
  expect_equal(json::parse(finished.output), 1);
}
