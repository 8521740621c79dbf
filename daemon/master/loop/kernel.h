// SPDX-License-Identifier: Apache-2.0
// All that the master asks the kernel about processes. Handed in, so that a test can bring a kernel
// whose processes are its own objects.
#pragma once

#include "ipc/error.h"
#include "ipc/file_descriptor.h"

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lethe {

struct ChildPlan {
  std::vector<std::string> command; // the program's path first
  int descriptor_3 = -1;            // becomes its descriptor 3
  int standard_error = -1;          // becomes its descriptor 2; -1: the master's
  bool dies_with_master = false;    // by SIGKILL
};

class Kernel {
public:
  struct Started {
    pid_t pid;
    FileDescriptor pidfd; // readable once the process has ended
  };
  struct Aside {
    pid_t pid;
    FileDescriptor report; // non-blocking
  };
  struct Ended {
    pid_t pid;
    int wait_status;
  };

  virtual Result<Started> start(const ChildPlan &plan) = 0;
  // Runs `work` in a forked child; what it returns can be read as the report, until end of file. Of
  // the master's descriptors the child keeps `kept` (a lock), unless that is -1, and standard ones.
  virtual Result<Aside> run_aside(const std::function<std::string()> &work, int kept) = 0;
  // False: there is no such process any more.
  virtual bool send_signal(const FileDescriptor &pidfd, int signal) = 0;
  // Is it in the middle of its end? Its sockets are closed some time before that.
  virtual bool is_exiting(pid_t pid) = 0;
  virtual int64_t resident_bytes(pid_t pid) = 0; // 0: it has ended
  virtual int64_t cpu_us(pid_t pid) = 0;         // that it has used; -1: it was reaped

  // Takes the status of a child that has ended, if there is one. SIGCHLD told.
  virtual std::optional<Ended> reap() = 0;
  // Adopted ones, too; also such as have ended and were not reaped.
  virtual bool has_children() = 0;
  // While a child ends, others of the list may be left out: whoever asks has to ask again.
  virtual std::vector<pid_t> children() = 0;
  virtual std::string name_of(pid_t pid) = 0;
  virtual FileDescriptor open_pidfd(pid_t child) = 0;
  // Of the process that `pidfd` is of, if that is `pid`. 0: it has ended, and no signal can reach it
  // or another one. Negative: another process, no process, or one that /proc does not show to this
  // user (hidepid).
  virtual pid_t parent_of(const FileDescriptor &pidfd, pid_t pid) = 0;
  virtual void sleep_us(int64_t time_us) = 0; // at the daemon's own end

protected:
  ~Kernel() = default;
};

class LinuxKernel final : public Kernel {
public:
  Result<Started> start(const ChildPlan &plan) override;
  Result<Aside> run_aside(const std::function<std::string()> &work, int kept) override;
  bool send_signal(const FileDescriptor &pidfd, int signal) override;
  bool is_exiting(pid_t pid) override;
  int64_t resident_bytes(pid_t pid) override;
  int64_t cpu_us(pid_t pid) override;
  std::optional<Ended> reap() override;
  bool has_children() override;
  std::vector<pid_t> children() override;
  std::string name_of(pid_t pid) override;
  FileDescriptor open_pidfd(pid_t child) override;
  pid_t parent_of(const FileDescriptor &pidfd, pid_t pid) override;
  void sleep_us(int64_t time_us) override;
};

} // namespace lethe
