// SPDX-License-Identifier: Apache-2.0
// The processes that the daemon answers for: none of them is forgotten while it lives.
#pragma once

#include "daemon/master/loop/kernel.h"
#include "ipc/file_descriptor.h"

#include <csignal>
#include <sys/types.h>
#include <unordered_set>
#include <vector>

namespace lethe {

class ProcessBooks;

// One process, by its pidfd, so that a signal hits no other one. When this object goes, the process
// is killed unless it has ended: whoever gives it up, for whatever reason, leaves nothing behind.
// What has ended already keeps the status that it ended with, even while nobody has waited for it.
class ChildProcess {
public:
  ChildProcess() = default; // none
  ChildProcess(ProcessBooks &books, pid_t pid, FileDescriptor pidfd);
  ChildProcess(ChildProcess &&other) noexcept { *this = std::move(other); }
  ChildProcess &operator=(ChildProcess &&other) noexcept;
  ~ChildProcess() { give_up(); }

  pid_t pid() const { return pid_; } // -1: none
  explicit operator bool() const { return static_cast<bool>(pidfd_); }
  // False: there is none any more.
  bool signal(int number) const;
  void kill() const { signal(SIGKILL); }
  // The kernel's own word: it holds where the parent does not wait, or lies.
  bool has_ended() const;
  // Has it ended, or is it in the middle of its end? Its sockets are closed some time before that:
  // on a busy machine a while.
  bool is_ending() const;

private:
  void give_up();

  ProcessBooks *books_ = nullptr;
  pid_t pid_ = -1;
  FileDescriptor pidfd_;
};

// Who is held, and who was killed and has not ended yet. Outlives every ChildProcess.
class ProcessBooks {
public:
  explicit ProcessBooks(Kernel &kernel) : kernel_(kernel) {}
  ~ProcessBooks();
  Kernel &kernel() const { return kernel_; }
  bool has(pid_t pid) const;
  // Asks the kernel who has ended; the number of those that were killed and have not.
  size_t forget_ended();

private:
  friend ChildProcess;
  struct Ending {
    pid_t pid;
    FileDescriptor pidfd;
  };
  void await_end(pid_t pid, FileDescriptor pidfd);

  Kernel &kernel_;
  std::unordered_multiset<pid_t> held_; // a zygote may say a number twice
  std::vector<Ending> ending_;
};

} // namespace lethe
