// SPDX-License-Identifier: Apache-2.0
// kill -9 of every kind of process, again and again under load. Counted: each request that was sent
// has exactly one reply (invariant 1), no request starts twice (2), a death costs only what the
// dead process held, and leaves neither zombies nor descriptors (6), registered scripts stay (7).
#include "tests/harness/daemon.h"

#include <atomic>
#include <criterion/criterion.h>
#include <csignal>
#include <deque>
#include <random>
#include <set>
#include <thread>

using namespace lethe::test;

TestSuite(kills, .timeout = 300);

namespace {

// Sends requests whose start is observable, keeps `in_flight` of them on the way, and counts.
class CountingLoad {
public:
  CountingLoad(Client client, unsigned in_flight)
      : client_(std::move(client)), in_flight_(in_flight) {
    client_.on_host_call = [this](uint32_t, const std::string &, const json &arguments) {
      const int number = arguments[0];
      expect(started_.insert(number).second,
             "request " + std::to_string(number) + " was started twice");
      return number;
    };
  }

  CountingLoad(const CountingLoad &) = delete; // its handler points to it
  CountingLoad &operator=(const CountingLoad &) = delete;

  // Until told to stop; then all that is in flight is awaited.
  void run(const std::atomic<bool> &stop) {
    while (!stop || !waiting_.empty()) {
      while (!stop && waiting_.size() < in_flight_)
        send_request();
      if (!waiting_.empty())
        take_reply();
    }
  }

  size_t succeeded = 0, crashed = 0;

private:
  void send_request() {
    const int number = ++last_number_;
    waiting_.emplace_back(
        client_.start("call", {"work", "run", {number}, {{"deadline_ms", 20'000}}}), number);
  }

  void take_reply() {
    const auto [msgid, number] = waiting_.front();
    waiting_.erase(waiting_.begin());
    const Reply reply = client_.wait(msgid); // fails when there are two for one request, or none
    if (reply.failed()) {
      const json error = reply.error();
      expect_equal(error["code"], "worker_crashed");
      ++crashed;
    } else {
      expect_equal(reply.result(), number);
      expect(started_.contains(number), "a result without a start");
      ++succeeded;
    }
  }

  Client client_;
  unsigned in_flight_;
  int last_number_ = 0;
  std::vector<std::pair<uint32_t, int>> waiting_;
  std::set<int> started_;
};

constexpr const char *work =
    "async function run(number) { return await host.call('start', number); }";

// Runs the load on several connections while `kill_something` is called again and again.
void under_load(Daemon &daemon, int kills,
                const std::function<void(std::mt19937 &)> &kill_something) {
  daemon.connect().put("work", work);
  std::atomic<bool> stop{false};
  std::deque<CountingLoad> loads;
  for (int i = 0; i < 3; ++i)
    loads.emplace_back(daemon.connect(), 8);
  std::vector<std::string> failures(loads.size());
  const auto run_load = [&](size_t i) {
    try {
      loads[i].run(stop);
    } catch (const std::exception &failure) {
      failures[i] = failure.what();
      stop = true;
    }
  };
  {
    std::vector<std::jthread> threads;
    const struct Stop {
      std::atomic<bool> &flag;
      ~Stop() { flag = true; }
    } before_they_are_joined{stop};
    for (size_t i = 0; i < loads.size(); ++i)
      threads.emplace_back(run_load, i);
    std::mt19937 random(4711);
    for (int i = 0; i < kills && !stop; ++i) {
      std::this_thread::sleep_for(milliseconds(random() % 30)); // a kill at any moment
      kill_something(random);
    }
  }
  size_t succeeded = 0, crashed = 0;
  for (const CountingLoad &load : loads) {
    succeeded += load.succeeded;
    crashed += load.crashed;
  }
  for (const std::string &failure : failures)
    expect(failure.empty(), failure);
  expect(succeeded > static_cast<size_t>(kills), // the service goes on between them
         std::to_string(succeeded) + " requests succeeded");
  expect(crashed <= static_cast<size_t>(kills) * 24,
         std::to_string(crashed) + " requests were lost");
  cr_log_info("%zu requests succeeded, %zu died with their worker, %d kills", succeeded, crashed,
              kills);
}

constexpr size_t most_workers = 8; // with spares; each has two descriptors in the master

void expect_clean(const Daemon &daemon, size_t descriptors_before) {
  expect(becomes_true([&] {
           const auto all = daemon.descendants();
           return std::none_of(all.begin(), all.end(),
                               [](const ProcessState &state) { return state.state == 'Z'; });
         }),
         "zombies stay");
  expect(becomes_true([&] {
           return open_descriptors(daemon.pid()) <= descriptors_before + 2 * most_workers;
         }),
         "descriptors leak: " + std::to_string(descriptors_before) + " before, " +
             std::to_string(open_descriptors(daemon.pid())) + " now");
}

void kill_workers_under_load(const std::string &isolation) {
  Daemon daemon({"pool.default.workers=4", "pool.default.isolation=" + isolation});
  const size_t descriptors = open_descriptors(daemon.pid());
  under_load(daemon, 100, [&](std::mt19937 &random) {
    const auto workers = daemon.workers();
    if (!workers.empty())
      ::kill(workers[random() % workers.size()], SIGKILL);
  });
  expect_clean(daemon, descriptors);
}

void kill_zygotes_under_load(const std::string &isolation) {
  Daemon daemon({"pool.default.workers=4", "pool.default.isolation=" + isolation});
  const size_t descriptors = open_descriptors(daemon.pid());
  Client probe = daemon.connect();
  under_load(daemon, 20, [&](std::mt19937 &) {
    probe.eval("1"); // the pool is back
    for (const ProcessState &state : daemon.descendants())
      if (state.parent == daemon.pid() && state.name == "lethe-zygote" && state.state != 'Z')
        ::kill(state.pid, SIGKILL);
  });
  expect_clean(daemon, descriptors);
}

} // namespace

Test(kills, of_workers_under_process) { kill_workers_under_load("process"); }

Test(kills, of_workers_under_reuse) { kill_workers_under_load("reuse"); }

Test(kills, of_zygotes_under_process) { kill_zygotes_under_load("process"); }

Test(kills, of_zygotes_under_reuse) { kill_zygotes_under_load("reuse"); }

Test(kills, of_workers_and_zygotes_while_scripts_are_put) {
  Daemon daemon({"pool.default.workers=2"});
  const size_t descriptors = open_descriptors(daemon.pid());
  Client admin = daemon.connect();
  int version = 0;
  under_load(daemon, 30, [&](std::mt19937 &random) {
    const uint32_t putting = admin.start(
        "script.put", {"extra", "function f() { return " + std::to_string(++version) + "; }"});
    std::this_thread::sleep_for(milliseconds(random() % 10));
    const auto all = daemon.descendants();
    if (!all.empty())
      ::kill(all[random() % all.size()].pid, SIGKILL);
    const Reply reply = admin.wait(putting);
    if (!reply.failed()) // confirmed: it is there
      expect_equal(admin.call("extra", "f"), version);
  });
  expect_clean(daemon, descriptors);
}

// Whoever kills a zygote does not take away the script that it was just loading.
Test(kills, of_a_zygote_while_a_script_is_loaded) {
  Daemon daemon({"pool.default.workers=1"});
  Client client = daemon.connect();
  client.put("slow", "const until = Date.now() + 500; while (Date.now() < until);"
                     "function f() { return 'loaded'; }");
  for (const ProcessState &state : daemon.descendants())
    ::kill(state.pid, SIGKILL);
  pid_t killed = 0;
  for (int i = 0; i < 2; ++i) {
    pid_t zygote = 0;
    const auto is_loading = [&] { // a child of the new zygote, and no worker
      for (const ProcessState &state : daemon.descendants())
        if (state.parent != daemon.pid() && state.name == "lethe-zygote" && state.state == 'R' &&
            state.pid != killed)
          zygote = state.pid;
      return zygote != 0;
    };
    expect(becomes_true(is_loading), "no script is loaded");
    ::kill(zygote, SIGKILL);
    killed = zygote;
  }
  expect_equal(client.call("slow", "f"), "loaded");
}

Test(kills, of_the_master) {
  Daemon daemon({"pool.default.workers=2"});
  std::mt19937 random(4711);
  std::map<std::string, int> confirmed;
  for (int round = 0; round < 12; ++round) {
    Client client = daemon.connect();
    for (const auto &[name, value] : confirmed)
      expect_equal(client.call(name, "f"), value);
    // Puts and calls on the way when it dies.
    std::vector<std::pair<uint32_t, std::string>> putting;
    for (int i = 0; i < 3; ++i) {
      const std::string name = "s" + std::to_string(random() % 10);
      putting.emplace_back(client.start("script.put", {name, "function f() { return " +
                                                                 std::to_string(round) + "; }"}),
                           name);
      client.start("eval", {"while (1);"});
    }
    std::vector<std::string> unknown;
    const size_t awaited = random() % 4;
    for (size_t i = 0; i < putting.size(); ++i)
      if (i < awaited) {
        expect(!client.wait(putting[i].first).failed(), "a put failed");
        confirmed[putting[i].second] = round;
      } else {
        unknown.push_back(putting[i].second); // may or may not have been stored
      }
    daemon.kill(); // expects that workers, loops included, end by themselves
    daemon.start();
    Client again = daemon.connect();
    for (const std::string &name : unknown) {
      const Reply reply = again.request("call", {name, "f", json::array()});
      if (!reply.failed()) {
        expect(!confirmed.contains(name) || reply.result() >= confirmed[name], "an old version");
        confirmed[name] = reply.result();
      } else {
        expect(!confirmed.contains(name), name + " is lost");
      }
    }
  }
}
