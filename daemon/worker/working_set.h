// SPDX-License-Identifier: Apache-2.0
// The pages that every request of a new process touches.
#pragma once

#include "daemon/worker/pages.h"
#include "ipc/file_descriptor.h"

#include <sys/types.h>
#include <vector>

namespace lethe {

// Learned from the first worker that serves a request: when that is done, it tells the zygote which
// pages it has. Later workers bring these in while they wait, so that their request finds them
// without page faults. For workers that serve one request.
class WorkingSet {
public:
  // Zygote, around each fork of a worker. The next one may be the one that tells.
  void before_fork();
  void after_fork(pid_t worker);
  // Zygote: takes what a worker that has ended told, if it is that one. What makes no sense is not
  // taken: the worker may have been broken into.
  void take(pid_t ended);

  // Worker, before it closes its sandbox: brings in what is known. Descriptors that are to stay
  // open are added to `kept`.
  void bring_in(std::vector<int> &kept);
  // Worker, after its request.
  void tell() const;

private:
  struct Run {
    PageRange range;
    bool is_written; // else it was read
  };
  static constexpr size_t most_runs = 1024;

  bool accepts(const Run &run) const;
  bool tell_mapping(const Mapping &mapping) const;

  std::vector<Run> runs_;
  bool is_known_ = false;
  // Of the worker that tells, or is to:
  pid_t teller_ = 0;
  std::vector<Mapping> mappings_;
  FileDescriptor from_teller_, to_zygote_, pagemap_;
};

} // namespace lethe
