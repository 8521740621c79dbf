// SPDX-License-Identifier: Apache-2.0
// Children: their start, their ends, and those that nobody knows.
#include "daemon/master/loop/process.h"
#include "ipc/invariant.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {

Result<ChildProcess> start_process(ProcessBooks &books, const ChildPlan &plan) {
  auto started = books.kernel().start(plan);
  if (!started)
    return started.error();
  return ChildProcess(books, started->pid, std::move(started->pidfd));
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
  return fmt::format("exit status {}", WEXITSTATUS(status));
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

BackgroundTask::BackgroundTask(EventLoop &loop, ChildReaper &reaper, const Work &work, Done done)
    : done_(std::move(done)) {
  auto aside = reaper.kernel().run_aside([work] {
    const Result<Nothing> result = work();
    return result ? "+" : "-" + result.error().message;
  });
  if (!aside) { // said from the loop, as everything else
    report_ = "-" + aside.error().message;
    failed_at_once_ = std::make_unique<Timer>(
        loop, [this] { done_(Error(ErrorCode::internal, report_.substr(1))); });
    failed_at_once_->start(0);
    return;
  }
  reaper.wait_for(aside->pid, [](int) {}); // its report tells; but it is known
  pipe_ = std::move(aside->report);
  readable_ = std::make_unique<Watch>(loop, pipe_.get(), EV_READ, [this] { read(); });
  readable_->enable();
}

void BackgroundTask::read() {
  invariant(readable_->enabled(), "a background task ends once");
  char piece[4096];
  const ssize_t count = ::read(pipe_.get(), piece, sizeof piece);
  if (count > 0) {
    report_.append(piece, static_cast<size_t>(count));
    return;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  readable_->disable();
  if (report_ == "+")
    done_(Nothing{});
  else
    done_(Error(ErrorCode::internal,
                report_.empty() ? "the process that writes to the disk died" : report_.substr(1)));
}

} // namespace lethe
