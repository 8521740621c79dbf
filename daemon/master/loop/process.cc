// SPDX-License-Identifier: Apache-2.0
// Children: their start, their ends, and those that nobody knows.
#include "daemon/master/loop/process.h"

#include <csignal>
#include <unistd.h>

namespace lethe {

Result<ChildProcess> start_process(ProcessBooks &books, const ChildPlan &plan) {
  auto started = books.kernel().start(plan);
  if (!started)
    return started.error();
  return ChildProcess(books, started->pid, std::move(started->pidfd));
}

// The first process of a container adopts all of that; whoever executes the daemon may have had
// children before.
ChildReaper::ChildReaper(EventLoop &loop, ProcessBooks &books,
                         std::function<void(pid_t, int)> others,
                         std::function<void(pid_t, std::string_view)> stray)
    : books_(books), others_(std::move(others)), stray_(std::move(stray)),
      has_foreign_children_(getpid() == 1 || !books.kernel().children().empty()),
      signal_(loop, SIGCHLD, EV_SIGNAL, [this] { reap(); }) {
  signal_.enable();
}

void ChildReaper::reap() {
  while (const auto ended = kernel().reap()) {
    if (const auto entry = waiting_.find(ended->pid); entry != waiting_.end()) {
      const Callback callback = std::move(entry->second);
      waiting_.erase(entry);
      callback(ended->wait_status);
    } else {
      others_(ended->pid, ended->wait_status);
    }
  }
}

void ChildReaper::kill_strays() {
  reap();
  books_.forget_ended();
  for (const pid_t pid : kernel().children()) {
    if (waiting_.contains(pid) || books_.has(pid))
      continue;
    const std::string name = kernel().name_of(pid);
    if (has_foreign_children_ && !name.starts_with("lethe-"))
      continue;
    // Not reaped yet: the number is still its own.
    FileDescriptor pidfd = kernel().open_pidfd(pid);
    if (!pidfd)
      continue;
    stray_(pid, name);
    ChildProcess(books_, pid, std::move(pidfd)).kill();
  }
}

bool ChildReaper::end_all(int64_t limit_ms) {
  for (int64_t waited_ms = 0; waited_ms <= limit_ms; ++waited_ms) {
    kill_strays(); // again and again: a process's children come to us when it has ended
    if (!kernel().has_children())
      return true;
    kernel().sleep_us(1000);
  }
  return false;
}

} // namespace lethe
