// SPDX-License-Identifier: Apache-2.0
// The real lethed in a folder of its own.
#pragma once

#include "tests/harness/client.h"
#include "tests/harness/process.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lethe::test {

struct DaemonOptions {
  std::vector<std::string> settings{};    // KEY=VALUE, each with --set
  std::vector<std::string> arguments{};   // further ones
  std::vector<std::string> environment{}; // NAME=VALUE
  std::function<void()> before_exec{};    // in the child: to drop privileges, to set limits
  std::string cache_folder{};   // default: one that all tests share, so that starts are fast
  std::string state_folder{};   // default: in the daemon's own folder
  std::string program_folder{}; // of lethed and what it starts; default: build/bin
};

// Starts it, waits until it says that it is ready, and stops it at the end of the scope. Stopping
// expects what an orderly stop promises: exit status 0, no process and no file left over.
class Daemon {
public:
  explicit Daemon(DaemonOptions options = {});
  // With settings only: Daemon daemon({"pool.default.workers=1"}).
  Daemon(std::initializer_list<std::string> settings)
      : Daemon(DaemonOptions{.settings = settings}) {}
  Daemon(const Daemon &) = delete;
  Daemon &operator=(const Daemon &) = delete;
  ~Daemon() noexcept(false);

  Client connect() const { return Client(socket_path()); }
  std::string socket_path() const { return folder_.path() / "lethe.sock"; }
  std::string state_folder() const {
    return options_.state_folder.empty() ? (folder_.path() / "state").string()
                                         : options_.state_folder;
  }
  const ScratchFolder &folder() const { return folder_; }
  pid_t pid() const { return process_->pid(); }
  Process &process() { return *process_; }
  std::string log() const; // its standard error so far
  // Waits until the log has this text.
  bool logs(const std::string &text, milliseconds limit = patience) const;

  void start(); // again, after stop() or kill()
  void stop();
  void kill(); // as a crash would end it: SIGKILL

  // The processes below it: the first zygote of a pool is its child, workers and the zygotes of
  // later generations are a zygote's.
  std::vector<ProcessState> descendants() const { return descendants_of(pid()); }
  pid_t zygote() const; // waits for it, where the one before has died
  std::vector<pid_t> workers() const;
  // Waits until the pools have all of their workers, and no process of an older generation lives.
  // Those that don't run something: they have closed their sandbox, and their memory is put back.
  std::vector<pid_t> idle_workers(size_t running = 0) const;
  // Has others forked in the place of the idle workers: they have run nothing yet.
  void replace_idle_workers() const;

private:
  void expect_nothing_left() const;

  DaemonOptions options_;
  ScratchFolder folder_;
  std::optional<Process> process_;
  int exceptions_at_start_;
};

// The command line that starts a daemon in this folder, for tests in which it does not get far.
Command daemon_command(const ScratchFolder &folder, const DaemonOptions &options = {});

} // namespace lethe::test
