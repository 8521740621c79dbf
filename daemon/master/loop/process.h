// SPDX-License-Identifier: Apache-2.0
// Processes that the master starts, and those that become its children.
#pragma once

#include "daemon/master/loop/child_process.h"
#include "daemon/master/loop/event_loop.h"
#include "ipc/error.h"

#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lethe {

Result<ChildProcess> start_process(ProcessBooks &books, const ChildPlan &plan);

// How long the status of a process that has ended is waited for: a busy machine takes its time.
inline constexpr int64_t verdict_wait_us = 1'000'000;
// How long a process may take to end once it has hung up, which it does in the middle of its end.
inline constexpr int64_t hang_up_wait_us = 20'000;

// Collects children, adopted ones included (the master is their subreaper), when SIGCHLD arrives.
class ChildReaper {
public:
  using Callback = std::function<void(int wait_status)>;
  // `others` hears of each child that nobody waits for by pid: workers whose zygote has died;
  // `stray` of each that is killed because nobody knows it.
  ChildReaper(EventLoop &loop, ProcessBooks &books,
              std::function<void(pid_t, int wait_status)> others,
              std::function<void(pid_t, std::string_view name)> stray);
  void wait_for(pid_t pid, Callback callback) { waiting_[pid] = std::move(callback); }
  void forget(pid_t pid) { waiting_.erase(pid); }
  void reap();
  // Kills the children that nobody knows: what a dead zygote had forked and not reported.
  void kill_strays();
  // Waits for the end of all children, up to `limit_ms`, and kills those that nobody waits for; at
  // the daemon's own end. True: none is left.
  bool end_all(int64_t limit_ms);
  Kernel &kernel() const { return books_.kernel(); }

private:
  ProcessBooks &books_;
  std::function<void(pid_t, int)> others_;
  std::function<void(pid_t, std::string_view)> stray_;
  std::map<pid_t, Callback> waiting_;
  bool has_foreign_children_; // not all of its children descend from what it started
  Watch signal_;
};

} // namespace lethe
