// SPDX-License-Identifier: Apache-2.0
// Each system call of the master, of the zygotes and of the workers fails once, one after the other:
// while the daemon starts, while it serves, while it stops. Each request has one answer, a start that
// fails says why, the daemon goes on serving, nothing leaks, and what was put is there. Some of the walk
// in each run, all of it with LETHE_FAULTS=all (`make faults`).
#include "tests/fault/injector.h"
#include "tests/harness/daemon.h"

#include <algorithm>
#include <criterion/criterion.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/prctl.h>
#include <sys/wait.h>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(system_calls, .timeout = 7200);

namespace {

// LETHE_FAULTS=all: until all are tried; LETHE_FAULTS=600: so many seconds for each walk.
milliseconds time_to_walk() {
  const char *value = std::getenv("LETHE_FAULTS");
  if (!value)
    return milliseconds(5000);
  return std::strcmp(value, "all") == 0 ? milliseconds::max()
                                        : milliseconds(1000 * std::atoll(value));
}

// LETHE_FAULT_CALL=open: those alone.
bool is_wanted(const Fault &fault) {
  const char *value = std::getenv("LETHE_FAULT_CALL");
  return !value || call_names[static_cast<size_t>(fault.call)] == value;
}

// In a mixed order, in which one of each kind comes before two of any.
void mix(std::vector<Fault> &faults) {
  std::shuffle(faults.begin(), faults.end(), std::mt19937(4711));
  std::map<Call, size_t> seen;
  std::vector<std::pair<size_t, Fault>> ranked;
  for (const Fault &fault : faults)
    ranked.emplace_back(seen[fault.call]++, fault);
  std::ranges::stable_sort(ranked, {}, &std::pair<size_t, Fault>::first);
  std::ranges::transform(ranked, faults.begin(), [](auto &pair) { return pair.second; });
}

// Tries the faults, as many as there is time for and until it is enough, and fails with all that was
// found.
void walk(
    std::vector<Fault> faults, const std::function<void(const Fault &)> &try_one,
    const std::function<bool()> &is_enough = [] { return true; }) {
  std::erase_if(faults, [](const Fault &fault) { return !is_wanted(fault); });
  mix(faults);
  const Clock::time_point begin = Clock::now();
  std::string found;
  size_t tried = 0;
  for (const Fault &fault : faults) {
    if (milliseconds_since(begin) > static_cast<double>(time_to_walk().count()) && is_enough())
      break;
    ++tried;
    try {
      try_one(fault);
    } catch (const std::exception &failure) {
      found += shown(fault) + ": " + failure.what() + "\n";
      std::fprintf(stderr, "%s: %s\n", shown(fault).c_str(), failure.what());
    }
  }
  std::fprintf(stderr, "system_calls: %zu of %zu faults\n", tried, faults.size());
  expect(tried > 0, "no fault was tried");
  expect(found.empty(), found);
}

std::string source(int version) {
  return "function f() { return " + std::to_string(version) + "; }";
}

std::map<std::string, std::string> files_of(const fs::path &folder) {
  std::map<std::string, std::string> files;
  for (const auto &entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder)] = read_file(entry.path());
  return files;
}

void expect_no_child_left() {
  const auto is_alone = [] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return descendants_of(::getpid()).empty();
  };
  expect(becomes_true(is_alone, milliseconds(10'000)), "a process is left behind");
}

// A daemon that stops and starts again with each fault, and had a script before.
class Starts {
public:
  explicit Starts(Role role) : injector_(role), builds_snapshot_(role == Role::snapshot) {
    Daemon daemon(DaemonOptions{.state_folder = state_.path()});
    daemon.connect().put("s", source(1));
    daemon.stop();
    stored_ = files_of(state_.path());
  }
  Injector &injector() { return injector_; }

  // Serves after it, or has said why it does not.
  void try_one() {
    const ScratchFolder folder;
    const std::string log = folder.path() / "log";
    const lethe::FileDescriptor errors(::open(log.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    DaemonOptions options{.environment = injector_.environment(), .state_folder = state_.path()};
    if (builds_snapshot_) {
      options.cache_folder = folder.path() / "cache";
      options.settings = {"pool.default.preload=[\"" + preload_ + "\"]"};
    }
    Process daemon(daemon_command(folder, options), -1, errors.get());
    int status = -1;
    const auto is_settled = [&] {
      status = daemon.wait(milliseconds(0));
      return status >= 0 || read_file(log).find("ready on") != std::string::npos;
    };
    if (!becomes_true(is_settled))
      fail("neither ready nor ended; its log:\n" + read_file(log));
    if (status < 0) {
      expect_serves(folder.path() / "lethe.sock", log);
      daemon.signal(SIGTERM);
      status = daemon.wait();
      expect(status == 0,
             "status " + std::to_string(status) + " at the stop; its log:\n" + read_file(log));
    } else {
      expect(status == 1 || status == 2, "it ended with status " + std::to_string(status));
      expect(injector_.has_hit(), "it ended without a fault; its log:\n" + read_file(log));
      expect(!read_file(log).empty(), "it does not say why it ends");
      ++ended_;
    }
    expect_no_child_left();
    expect(files_of(state_.path()) == stored_,
           "the stored files are others; its log:\n" + read_file(log));
  }
  size_t ended() const { return ended_; }

private:
  void expect_serves(const std::string &socket, const std::string &log) {
    try {
      Client client(socket);
      expect_equal(client.eval("1"), 1);
      expect_equal(client.call("s", "f"), 1);
    } catch (const std::exception &failure) {
      fail(failure.what() + ("; its log:\n" + read_file(log)));
    }
  }

  ScratchFolder state_, preloads_;
  const std::string preload_ = preloads_.file("preload.js", "globalThis.preloaded = true;");
  std::map<std::string, std::string> stored_;
  Injector injector_;
  const bool builds_snapshot_; // at each start, with a preload file
  size_t ended_ = 0;
};

// A daemon that goes on from fault to fault.
class Serving {
public:
  explicit Serving(Role role) : injector_(role) { start(); }
  Injector &injector() { return injector_; }

  void start() {
    injector_.disarm();
    daemon_.reset();
    daemon_.emplace(DaemonOptions{.settings = {"pool.default.workers=2", "stop_timeout_ms=1000"},
                                  .environment = injector_.environment()});
    confirmed_ = version_ = 1;
    daemon_->connect().put("s", source(1));
    ask_for_everything(); // what is made at the first use is there
    expect_at_rest();
    descriptors_ = open_descriptors(daemon_->pid());
    zygotes_descriptors_ = open_descriptors(zygote());
  }

  // A bit of everything that clients and operators do. Each request has one answer.
  void ask_for_everything() {
    Client client = daemon_->connect();
    client.on_host_call = [](uint32_t, const std::string &, const json &arguments) {
      return arguments;
    };
    const uint32_t put = client.start("script.put", {"s", source(++version_)});
    std::vector<uint32_t> others;
    for (int i = 0; i < 3; ++i)
      others.push_back(client.start("call", {"s", "f", json::array()}));
    others.push_back(client.start("eval", {"host.call('x', 1)"}));
    others.push_back(client.start("eval", {"'x'.repeat(500000)"}));
    others.push_back(client.start("eval", {"new Promise(() => {})", {{"deadline_ms", 50}}}));
    take(client, put);
    others.push_back(client.start("reload", json::array()));
    for (const pid_t worker : daemon_->workers())
      if (others.size() % 2 == 0 || worker % 2 == 0)
        ::kill(worker, SIGKILL);
    others.push_back(client.start("stats", json::array()));
    for (const uint32_t msgid : others)
      answered(client, msgid);
    answered(client, client.start("drain", {"default"}));
    answered(client, client.start("resume", {"default"}));
  }

  // All is as before the fault.
  void expect_unharmed() {
    injector_.disarm();
    expect(daemon_->process().wait(milliseconds(0)) < 0, "the daemon has ended");
    Client client = daemon_->connect();
    client.request("resume", {"default"});
    const auto works = [&] { return !client.request("eval", {"1"}).failed(); };
    expect(becomes_true(works), "it does not serve any more");
    expect_equal(client.call("s", "f"), confirmed_);
    expect_rewinds(client);
    client.close();
    expect_at_rest();
    expect_closed("the daemon", daemon_->pid(), descriptors_);
    expect_closed("its zygote", zygote(), zygotes_descriptors_);
  }

  void expect_there_after_a_restart() {
    daemon_->stop();
    daemon_->start();
    expect_equal(daemon_->connect().call("s", "f"), confirmed_);
  }

  std::string log() const { return daemon_->log(); }

private:
  static void answered(Client &client, uint32_t msgid) {
    const Reply reply = client.wait(msgid); // fails where there is none, or two
    if (reply.failed())
      expect(!reply.error()["message"].get<std::string>().empty(), "an error without a message");
  }
  void take(Client &client, uint32_t put) {
    const Reply reply = client.wait(put);
    if (!reply.failed())
      confirmed_ = version_;
    else
      expect(!reply.error()["message"].get<std::string>().empty(), "an error without a message");
  }
  // Now, or from the next generation on.
  void expect_rewinds(Client &client) {
    const auto isolation = [&] {
      return client.result("stats", json::array())["pools"]["default"]["isolation_in_force"];
    };
    if (isolation() == "rewind")
      return;
    client.put("s", source(++version_));
    confirmed_ = version_;
    expect_equal(isolation(), "rewind");
  }
  static void expect_closed(const std::string &who, pid_t pid, size_t most) {
    const auto has_closed = [&] { return open_descriptors(pid) <= most; };
    if (becomes_true(has_closed, milliseconds(10'000)))
      return;
    std::string all;
    for (const auto &entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
      all += " " + fs::read_symlink(entry).string();
    fail(who + " has more than " + std::to_string(most) + " descriptors:" + all);
  }
  // The only one, while the daemon is at rest; of what generation, matters not.
  pid_t zygote() const {
    for (const ProcessState &state : daemon_->descendants())
      if (state.name == "lethe-zygote")
        return state.pid;
    fail("there is no zygote");
  }
  // One zygote, its workers, no zombie.
  void expect_at_rest() {
    const auto is_at_rest = [&] {
      size_t zygotes = 0, workers = 0, ended = 0;
      for (const ProcessState &state : daemon_->descendants())
        ++(state.state == 'Z' ? ended : state.name == "lethe-worker" ? workers : zygotes);
      return ended == 0 && zygotes == 1 && workers == 2;
    };
    if (becomes_true(is_at_rest))
      return;
    std::string all;
    for (const ProcessState &state : daemon_->descendants())
      all += " " + state.name + " " + state.state;
    fail("it does not come to rest:" + all);
  }

  Injector injector_;
  std::optional<Daemon> daemon_;
  int version_ = 1, confirmed_ = 1;
  size_t descriptors_ = 0, zygotes_descriptors_ = 0;
};

// A daemon with requests that run and wait, and a put, at its stop; from `arm` on calls count.
// Gives those that were made.
std::vector<Fault> stop_with(Injector &injector, const std::function<void()> &arm) {
  const ScratchFolder state;
  Daemon daemon(DaemonOptions{.settings = {"pool.default.workers=1", "stop_timeout_ms=300"},
                              .environment = injector.environment(),
                              .state_folder = state.path()});
  Client client = daemon.connect();
  client.put("s", source(1));
  std::vector<uint32_t> asked;
  asked.push_back(client.start("eval", {"const end = Date.now() + 30; while (Date.now() < end);"}));
  asked.push_back(client.start("eval", {"new Promise(() => {})"}));
  asked.push_back(client.start("eval", {"1"}));
  client.result("ping", json::array());
  arm();
  asked.push_back(client.start("script.put", {"t", "while (1);"}));
  daemon.process().signal(SIGTERM);
  for (const uint32_t msgid : asked)
    client.wait(msgid);
  const int status = daemon.process().wait();
  expect(status == 0, "status " + std::to_string(status) + "; its log:\n" + daemon.log());
  std::vector<Fault> possible = all_faults(injector.injection());
  injector.disarm();
  expect_no_child_left();
  fs::remove(daemon.socket_path()); // its removal may have been what failed
  daemon.start();
  expect_equal(daemon.connect().call("s", "f"), 1);
  return possible;
}

void walk_starts(Role role) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  Starts starts(role);
  starts.try_one(); // nothing fails
  const std::vector<Fault> faults = all_faults(starts.injector().injection());
  // In little time there may be none among them that ends a start.
  walk(
      faults,
      [&](const Fault &fault) {
        starts.injector().arm(fault);
        starts.try_one();
      },
      [&] { return starts.ended() > 0; });
  expect(std::getenv("LETHE_FAULT_CALL") || starts.ended() > 0, "no start fails, whatever does");
}

void walk_service(Role role) {
  Serving serving(role);
  serving.injector().disarm();
  serving.ask_for_everything();
  const std::vector<Fault> faults = all_faults(serving.injector().injection());
  size_t hits = 0, tried = 0;
  walk(faults, [&](const Fault &fault) {
    try {
      serving.injector().arm(fault);
      serving.ask_for_everything();
      hits += serving.injector().has_hit();
      serving.expect_unharmed();
      if (++tried % 16 == 0)
        serving.expect_there_after_a_restart();
    } catch (const std::exception &failure) {
      const std::string log = serving.log();
      try {
        serving.start();
      } catch (const std::exception &) { // it has ended, with what status matters not
        serving.start();
      }
      fail(failure.what() + ("; its log:\n" + log));
    }
  });
  expect(hits > 0, "no call failed");
}

void walk_stops(Role role) {
  Injector injector(role);
  const std::vector<Fault> faults = stop_with(injector, [&] { injector.disarm(); });
  walk(faults, [&](const Fault &fault) {
    injector.disarm();
    stop_with(injector, [&] { injector.arm(fault); });
  });
}

} // namespace

Test(system_calls, that_fail_at_the_start_are_told_or_do_no_harm) { walk_starts(Role::master); }
Test(system_calls, of_lethe_snapshot_that_fail_at_the_start_are_told_or_do_no_harm) {
  walk_starts(Role::snapshot);
}
Test(system_calls, of_zygotes_that_fail_at_the_start_are_told_or_do_no_harm) {
  walk_starts(Role::zygote);
}

Test(system_calls, that_fail_while_it_serves_cost_no_answer) { walk_service(Role::master); }
Test(system_calls, of_zygotes_that_fail_while_it_serves_cost_no_answer) {
  walk_service(Role::zygote);
}
Test(system_calls, of_workers_that_fail_while_it_serves_cost_no_answer) {
  walk_service(Role::worker);
}

Test(system_calls, that_fail_at_the_stop_cost_no_answer) { walk_stops(Role::master); }
Test(system_calls, of_zygotes_that_fail_at_the_stop_cost_no_answer) { walk_stops(Role::zygote); }
