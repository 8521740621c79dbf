// SPDX-License-Identifier: Apache-2.0
// What a worker can't do: everything but computing, and talking on the socket that it has.
#pragma once

#include "daemon/confinement/confinement.h"
#include "daemon/confinement/system_call_filter.h"
#include "ipc/error.h"
#include "ipc/worker_page.h"

#include <cstdint>
#include <linux/filter.h>
#include <string>
#include <vector>

namespace lethe {

// Closes all descriptors above standard error's but these.
Result<Nothing> close_all_but(std::vector<int> kept);

// Made once in the first zygote, which it closes, too, with all that it forks. Applied by each
// worker, on top of that: a seccomp filter of the few system calls that V8 and our loop need,
// Landlock without any access, and limits.
class Sandbox {
public:
  struct Options {
    bool makes_code = true; // by V8: memory may become executable
    bool limits_speculation = false;
  };
  // What a worker's will be; this process stays open. The arena begins at that address. Fails where
  // no worker could be closed so.
  static Result<Sandbox> prepare(uintptr_t arena_begin, const Options &options);
  // Closes this process, a zygote, for good: it forks, and opens no file but those in /proc. It
  // must have one thread, and what it needs of other files must be there. False: some layer has
  // failed.
  bool confine();
  // Of this process and of its workers.
  const std::vector<Layer> &layers() const { return layers_; }

  // Instead of apply() in a worker that is discarded after its request: V8's profiler may start a
  // thread and signal this process.
  Result<Nothing> apply_for_profiler(const std::vector<int> &kept);

  // Closes this process, for good: no descriptor stays open but standard error's and below, and
  // those of `kept`. A forbidden system call ends the process; process_globals.page then tells which
  // it was.
  Result<Nothing> apply(const std::vector<int> &kept) const;

  const std::vector<sock_filter> &filter() const { return filter_; }

private:
  std::vector<sock_filter> filter_of(const CallTable &table) const;

  uintptr_t arena_begin_ = 0;
  Options options_;
  bool has_threads_ = false; // V8's profiler makes them, and timers
  std::vector<sock_filter> filter_;
  Landlock landlock_;
  std::vector<Layer> layers_;
};

} // namespace lethe
