// SPDX-License-Identifier: Apache-2.0
// What a worker can't do: everything but computing, and talking on the socket that it has.
#pragma once

#include "ipc/error.h"
#include "ipc/file_descriptor.h"
#include "ipc/worker_page.h"

#include <cstdint>
#include <linux/filter.h>
#include <string>
#include <vector>

namespace lethe {

// Closes all descriptors above standard error's but these.
Result<Nothing> close_all_but(std::vector<int> kept);

// Made once in the zygote, applied by each worker: a seccomp filter of the few system calls that V8
// and our loop need, Landlock without any access, and limits.
class Sandbox {
public:
  // In a process with all its handlers of signals; the arena begins at that address.
  static Result<Sandbox> prepare(uintptr_t arena_begin);
  // What there is of it on this kernel, as message::Confinement has it.
  std::vector<std::string> layers() const;

  // Instead of apply() in a worker that is discarded after its request: V8's profiler may start a
  // thread and signal this process.
  Result<Nothing> apply_for_profiler(WorkerPage &page, const std::vector<int> &kept);

  // Closes this process, for good: no descriptor stays open but standard error's and below, and
  // those of `kept`. A forbidden system call ends the process; `page` then tells which it was.
  Result<Nothing> apply(WorkerPage &page, const std::vector<int> &kept) const;

  const std::vector<sock_filter> &filter() const { return filter_; }

private:
  uintptr_t arena_begin_ = 0;
  std::vector<sock_filter> filter_;
  FileDescriptor landlock_; // none on a kernel without
  long landlock_abi_ = 0;
};

} // namespace lethe
