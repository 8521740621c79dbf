// SPDX-License-Identifier: Apache-2.0
// Signals by pidfd, and the books.
#include "daemon/master/loop/child_process.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <poll.h>

namespace lethe {
namespace {

// A killed process takes a moment. As long as it is few, nobody looks before the next second.
constexpr size_t most_unlooked = 16;

// Readable once no thread of the process is left, also while nobody has waited for it.
bool ended(const FileDescriptor &pidfd) {
  pollfd poll_for{pidfd.get(), POLLIN, 0};
  return ::poll(&poll_for, 1, 0) > 0;
}

} // namespace

ChildProcess::ChildProcess(ProcessBooks &books, pid_t pid, FileDescriptor pidfd)
    : books_(&books), pid_(pid), pidfd_(std::move(pidfd)) {
  books.held_.insert(pid);
}

ChildProcess &ChildProcess::operator=(ChildProcess &&other) noexcept {
  if (this == &other)
    return *this;
  give_up();
  books_ = std::exchange(other.books_, nullptr);
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  return *this;
}

bool ChildProcess::signal(int number) const {
  return pidfd_ && books_->kernel().send_signal(pidfd_, number);
}

bool ChildProcess::has_ended() const { return !pidfd_ || ended(pidfd_); }

bool ChildProcess::is_ending() const {
  if (!books_)
    return true;
  const bool is_exiting = books_->kernel().is_exiting(pid_);
  return has_ended() || is_exiting; // asked last: until then the number was its own
}

void ChildProcess::give_up() {
  if (!books_)
    return;
  const auto held = books_->held_.find(pid_);
  invariant(held != books_->held_.end(), "a process that is held is in the books", {"pid", pid_});
  books_->held_.erase(held);
  if (signal(SIGKILL)) // else it was waited for
    books_->await_end(pid_, std::move(pidfd_));
  books_ = nullptr;
}

ProcessBooks::~ProcessBooks() {
  invariant(held_.empty(), "the books outlive every process", {"held", held_.size()});
}

void ProcessBooks::await_end(pid_t pid, FileDescriptor pidfd) {
  if (ended(pidfd))
    return;
  ending_.push_back({pid, std::move(pidfd)});
  if (ending_.size() > most_unlooked)
    forget_ended();
}

bool ProcessBooks::has(pid_t pid) const {
  return held_.contains(pid) || std::any_of(ending_.begin(), ending_.end(),
                                            [pid](const Ending &one) { return one.pid == pid; });
}

size_t ProcessBooks::forget_ended() {
  std::erase_if(ending_, [](const Ending &one) { return ended(one.pidfd); });
  return ending_.size();
}

} // namespace lethe
