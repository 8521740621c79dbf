// SPDX-License-Identifier: Apache-2.0
// One state folder and more than one who would write to it; a disk that fails or is slow. What was
// confirmed is there, and an answer says what is on the disk (invariant 7).
#include "tests/fault/injector.h"
#include "tests/harness/daemon.h"

#include <cerrno>
#include <criterion/criterion.h>
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>

using namespace lethe::test;
namespace fs = std::filesystem;

TestSuite(durability, .timeout = 120);

namespace {

std::string source(const std::string &value) { return "function f() { return '" + value + "'; }"; }

// The child of lethed that writes to the disk; 0: there is none.
pid_t writer_of(const Daemon &daemon) {
  for (const ProcessState &state : daemon.descendants())
    if (state.name == "lethed" && state.state != 'Z')
      return state.pid;
  return 0;
}

// Of a start that should not succeed.
Finished start_on(const std::string &state_folder) {
  const ScratchFolder folder;
  return run(daemon_command(folder, {.state_folder = state_folder}));
}

} // namespace

Test(durability, a_state_folder_is_for_one_daemon) {
  Daemon daemon;
  Client client = daemon.connect();
  client.put("s", source("first"));
  const Finished second = start_on(daemon.state_folder());
  expect_equal(second.status, 1);
  expect_contains(second.errors, daemon.state_folder());
  expect_contains(second.errors, "in use by another lethed");
  expect_equal(client.call("s", "f"), "first");
  daemon.stop();
  daemon.start(); // nothing of the lock stays
}

// Its writer may be about to remove a source that the next daemon has just read.
Test(durability, a_daemon_waits_for_the_writer_of_a_killed_one) {
  Injector injector;
  Daemon daemon(DaemonOptions{.environment = injector.environment()});
  {
    Client client = daemon.connect();
    client.put("s", source("old"));
    injector.slow_down(Call::fsync, 500'000); // four of them
    client.start("script.put", {"s", source("new")});
    expect(becomes_true([&] { return writer_of(daemon) != 0; }), "nobody writes");
    expect(becomes_true([&] { return injector.has_hit(); }), "nobody syncs");
  }
  ::kill(daemon.pid(), SIGKILL); // not its writer, which nobody waits for
  daemon.process().wait();
  const Clock::time_point killed = Clock::now();
  daemon.start();
  expect(milliseconds_since(killed) > 1000, "it did not wait");
  injector.disarm();
  expect_equal(daemon.connect().call("s", "f"), "new");
  daemon.connect().put("s", source("newer"));
  expect(daemon.logs("waiting for its end"), "it does not say what it waits for");
  while (::waitpid(-1, nullptr, WNOHANG) > 0) { // what the killed one has left
  }
}

Test(durability, a_slow_disk_delays_nobody_but_who_puts) {
  Injector injector;
  Daemon daemon(DaemonOptions{.environment = injector.environment()});
  Client client = daemon.connect(), other = daemon.connect();
  client.put("s", source("old"));
  injector.slow_down(Call::fsync, 500'000);
  const uint32_t put = client.start("script.put", {"s", source("new")});
  expect(becomes_true([&] { return writer_of(daemon) != 0; }), "nobody writes");
  int answers = 0; // while it writes
  while (other.call("s", "f") == "old")
    ++answers;
  expect(answers > 100, "others had " + std::to_string(answers) + " answers");
  expect(!client.wait(put).failed(), "the put failed");
  expect_equal(other.call("s", "f"), "new");
}

// The last step of all: everything is written, and nobody knows whether for good.
Test(durability, a_disk_that_fails_leaves_what_the_answer_says) {
  Injector injector;
  Daemon daemon(DaemonOptions{.environment = injector.environment()});
  Client client = daemon.connect();
  client.put("s", source("old"));
  const auto expect_old = [&] {
    injector.disarm();
    expect_equal(client.call("s", "f"), "old");
    client.close();
    daemon.stop();
    daemon.start();
    client = daemon.connect();
    expect_equal(client.call("s", "f"), "old");
  };
  for (uint64_t number = 1; number <= 4; ++number) {
    injector.arm({Call::fsync, number, EIO});
    expect_contains(client.error("script.put", {"s", source("new")})["message"],
                    "Input/output error");
    expect_old();
  }
  injector.arm({Call::fsync, 1, EIO});
  expect_contains(client.error("script.delete", {"s"})["message"], "Input/output error");
  expect_old();
}

Test(durability, what_can_not_be_read_at_the_start_stops_it_and_stays) {
  Injector injector;
  Daemon daemon(DaemonOptions{.environment = injector.environment()});
  daemon.connect().put("s", source("there"));
  daemon.stop();
  const fs::path scripts = fs::path(daemon.state_folder()) / "scripts";
  for (const Fault &fault : {Fault{Call::opendir, 1, EMFILE}, {Call::opendir, 2, EIO}}) {
    injector.arm(fault);
    const ScratchFolder folder;
    const Finished failed = run(daemon_command(
        folder, {.environment = injector.environment(), .state_folder = daemon.state_folder()}));
    expect(injector.has_hit(), shown(fault) + ": it was not called");
    expect_equal(failed.status, 1);
    expect_contains(failed.errors, "stored scripts can't be read");
    expect_contains(failed.errors, scripts);
    expect(fs::is_empty(scripts / "damaged"), "it is set aside");
  }
  injector.disarm();
  daemon.start();
  expect_equal(daemon.connect().call("s", "f"), "there");
}
