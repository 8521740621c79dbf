// SPDX-License-Identifier: Apache-2.0
// Each process of the daemon is killed, and stopped for a while (SIGSTOP), in each state of it: what
// was asked is answered, the daemon serves again, or ends as it was told to. And its clocks jump.
#include "tests/fault/injector.h"
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <ctime>

using namespace lethe::test;

TestSuite(signals, .timeout = 300);

namespace {

constexpr const char *busy_for_300_ms = "const end = Date.now() + 300; while (Date.now() < end);";

// The daemon in some state, and what was asked of it to get there.
struct Scene {
  Injector injector{};
  Daemon daemon{DaemonOptions{.settings = {"pool.default.workers=2", "stop_timeout_ms=1000",
                                           "pool.default.load_deadline_ms=5000"},
                              .environment = injector.environment()}};
  Client client{daemon.connect()};
  std::vector<uint32_t> requests{}, changes{};

  size_t count(const std::string &name, char state = 0) const {
    size_t found = 0;
    for (const ProcessState &process : daemon.descendants())
      found +=
          process.name == name && process.state != 'Z' && (state == 0 || process.state == state);
    return found;
  }
  void run_something() {
    requests.push_back(client.start("eval", {"while (1);", {{"deadline_ms", 300}}}));
    for (int i = 0; i < 3; ++i)
      requests.push_back(client.start("eval", {"1", {{"deadline_ms", 500}}}));
  }
};

struct State {
  const char *name;
  std::function<void(Scene &)> reach;
  bool ends = false; // the daemon, by itself
};

const std::vector<State> states = {
    {"idle", [](Scene &) {}},
    {"running",
     [](Scene &scene) {
       scene.run_something();
       expect(becomes_true([&] { return scene.count("lethe-worker", 'R') > 0; }), "nothing runs");
     }},
    {"loading",
     [](Scene &scene) {
       scene.run_something();
       scene.changes.push_back(scene.client.start("script.put", {"new", busy_for_300_ms}));
       expect(becomes_true([&] { return scene.count("lethe-zygote") > 1; }), "nothing loads");
     }},
    {"storing",
     [](Scene &scene) {
       scene.injector.slow_down(Call::fsync, 50'000);
       scene.changes.push_back(scene.client.start("script.put", {"new", "function f() {}"}));
       expect(becomes_true([&] { return scene.count("lethed") > 0; }), "nothing is stored");
       scene.run_something();
     }},
    {"reloading",
     [](Scene &scene) {
       scene.run_something();
       scene.changes.push_back(scene.client.start("reload", json::array()));
       expect(becomes_true([&] { return scene.count("lethe-zygote") > 1; }), "nothing is reloaded");
     }},
    {"stopping",
     [](Scene &scene) {
       scene.run_something();
       scene.changes.push_back(scene.client.start("script.put", {"new", "while (1);"}));
       scene.client.result("ping", json::array());
       scene.daemon.process().signal(SIGTERM);
       expect(scene.daemon.logs("stopping"), "it does not stop");
     },
     true}};

// Those of the daemon's processes that have this name, the oldest or the newest of them.
pid_t choose(const Scene &scene, const std::string &name, bool newest) {
  pid_t chosen = 0;
  for (const ProcessState &process : scene.daemon.descendants())
    if (process.name == name && process.state != 'Z' &&
        (chosen == 0 || (process.pid > chosen) == newest))
      chosen = process.pid;
  return chosen;
}

void send_signal(const State &state, const std::string &name, bool newest, int signal) {
  Scene scene;
  scene.client.put("s", "function f() { return 'there'; }");
  state.reach(scene);
  const pid_t pid = choose(scene, name, newest);
  if (pid == 0 || (newest && pid == choose(scene, name, false)))
    return; // none in this state, or it was done sooner
  ::kill(pid, signal);
  for (const uint32_t msgid : scene.requests)
    scene.client.wait(msgid); // fails where there is no reply, or two
  if (signal == SIGSTOP && !state.ends)
    ::kill(pid, SIGCONT); // a writer has all the time of its disk; it may be another's by now
  for (const uint32_t msgid : scene.changes)
    scene.client.wait(msgid);
  scene.injector.disarm();
  if (state.ends) {
    expect_equal(scene.daemon.process().wait(), 0);
    scene.daemon.start();
    scene.client = scene.daemon.connect();
  }
  expect_equal(scene.client.call("s", "f"), "there");
  // A zygote that was killed just now may not be known to be dead: then the answer is to try again.
  const json other = {"other", "function f() {}"};
  Reply put = scene.client.request("script.put", other);
  if (put.failed() && put.error()["code"] == "worker_crashed")
    put = scene.client.request("script.put", other);
  expect(!put.failed(), put.failed() ? shown(put.error()) : "");
  expect_equal(put.result()["name"], "other");
}

struct Target {
  const char *process;
  bool newest; // of those with that name
};

void send_signals(const std::string &name_of_state) {
  constexpr Target targets[] = {
      {"lethed", false}, {"lethe-zygote", false}, {"lethe-zygote", true}, {"lethe-worker", false}};
  const auto state = std::find_if(states.begin(), states.end(), [&](const State &candidate) {
    return candidate.name == name_of_state;
  });
  for (const auto &[process, newest] : targets)
    for (const int signal : {SIGKILL, SIGSTOP})
      try {
        send_signal(*state, process, newest, signal);
      } catch (const std::exception &failure) {
        fail(std::string(signal == SIGKILL ? "SIGKILL" : "SIGSTOP") + " of the " +
             (newest ? "newest " : "oldest ") + process + " while " + name_of_state + ": " +
             failure.what());
      }
}

} // namespace

Test(signals, while_it_is_idle) { send_signals("idle"); }
Test(signals, while_requests_run) { send_signals("running"); }
Test(signals, while_a_script_loads) { send_signals("loading"); }
Test(signals, while_a_script_is_stored) { send_signals("storing"); }
Test(signals, while_it_reloads) { send_signals("reloading"); }
Test(signals, while_it_stops) { send_signals("stopping"); }

// What its processes do meanwhile is heard, and time has gone on.
Test(signals, a_master_that_was_stopped_goes_on) {
  Scene scene;
  scene.run_something();
  ::kill(scene.daemon.pid(), SIGSTOP);
  const uint32_t asked = scene.client.start("eval", {"2", {{"deadline_ms", 5000}}});
  const auto is_over = [end = std::time(nullptr) + 2] { return std::time(nullptr) >= end; };
  expect(becomes_true(is_over), "time stands still");
  ::kill(scene.daemon.pid(), SIGCONT);
  for (const uint32_t msgid : scene.requests)
    scene.client.wait(msgid);
  expect_equal(scene.client.wait(asked).result(), 2);
}

Test(clocks, a_jump_of_the_wall_clock_moves_no_deadline) {
  for (const int64_t years : {-1, 1}) {
    Scene scene;
    const Clock::time_point begin = Clock::now();
    const uint32_t loop = scene.client.start("eval", {"while (1);", {{"deadline_ms", 400}}});
    scene.client.result("ping", json::array());
    scene.injector.injection().wall_clock_s = years * 365 * 86'400;
    const json error = scene.client.wait(loop).error();
    expect_equal(error["code"], "deadline_exceeded");
    const double took_ms = milliseconds_since(begin);
    expect(took_ms >= 400 && took_ms < 10'000, std::to_string(took_ms) + " ms");
    expect_equal(scene.client.eval("1"), 1);
    expect_equal(scene.client.put("s", "function f() {}")["version"], 1);
  }
}

// As after a pause of the whole machine: what was due meanwhile is late, and nothing else happens.
Test(clocks, after_a_leap_of_an_hour_it_serves_on) {
  Scene scene;
  scene.run_something();
  scene.changes.push_back(scene.client.start("script.put", {"s", busy_for_300_ms}));
  scene.client.result("ping", json::array());
  scene.injector.injection().uptime_s = 3600;
  for (const auto *asked : {&scene.requests, &scene.changes})
    for (const uint32_t msgid : *asked)
      scene.client.wait(msgid);
  const auto works = [&] { return !scene.client.request("eval", {"1"}).failed(); };
  expect(becomes_true(works), "it does not serve any more");
  expect_equal(scene.client.put("s", "function f() { return 3; }")["name"], "s");
  expect_equal(scene.client.call("s", "f"), 3);
}
