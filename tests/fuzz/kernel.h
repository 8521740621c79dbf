// SPDX-License-Identifier: Apache-2.0
// A kernel whose processes are event descriptors, for targets that play zygotes and workers.
#pragma once

#include "daemon/master/loop/kernel.h"
#include "ipc/clock.h"
#include "tests/fuzz/bytes.h"

#include <csignal>
#include <cstdint>
#include <map>
#include <sys/eventfd.h>
#include <sys/stat.h>

namespace lethe::fuzz {

// As the master does, which writes to whoever may have gone.
[[maybe_unused]] inline const auto old_handler = ::signal(SIGPIPE, SIG_IGN);

class PlayedKernel final : public Kernel {
public:
  // A process, as the master has it: readable once it has ended.
  FileDescriptor begin(pid_t pid) {
    FileDescriptor process(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    ends_[pid] = FileDescriptor(::dup(process.get()));
    return process;
  }
  void end(pid_t pid) {
    const uint64_t ended = 1;
    if (const auto found = ends_.find(pid); found != ends_.end())
      check(::write(found->second.get(), &ended, sizeof ended) == sizeof ended);
  }
  pid_t parent = 0;    // of whoever is asked for
  int64_t used_us = 0; // CPU time of each

  Result<Started> start(const ChildPlan &) override { return Error(ErrorCode::internal, ""); }
  Result<Aside> run_aside(const std::function<std::string()> &, int) override {
    return Error(ErrorCode::internal, "");
  }
  bool send_signal(const FileDescriptor &process, int signal) override {
    const uint64_t ended = 1;
    if (signal == SIGKILL) // of one that a zygote has made up, nobody knows what it is
        [[maybe_unused]]
      const ssize_t written = ::write(process.get(), &ended, sizeof ended);
    return true;
  }
  bool is_exiting(pid_t) override { return false; }
  int64_t resident_bytes(pid_t) override { return 0; }
  int64_t cpu_us(pid_t) override { return used_us; }
  std::optional<Ended> reap() override { return std::nullopt; }
  bool has_children() override { return false; }
  std::vector<pid_t> children() override { return {}; }
  std::string name_of(pid_t) override { return ""; }
  FileDescriptor open_pidfd(pid_t) override { return {}; }
  pid_t parent_of(const FileDescriptor &, pid_t) override { return parent; }
  void sleep_us(int64_t) override {}

private:
  std::map<pid_t, FileDescriptor> ends_;
};

class PlayedClock final : public Clock {
public:
  int64_t now_us() const override { return time_us; }
  int64_t time_us = 1'000'000;
};

// The number that a new descriptor gets: the same as before, if all are closed again.
inline int next_descriptor() {
  const FileDescriptor probe(::dup(STDIN_FILENO));
  return probe.get();
}

} // namespace lethe::fuzz
