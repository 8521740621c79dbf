// SPDX-License-Identifier: Apache-2.0
// The pages that every request of a new process touches.
#pragma once

#include "daemon/engine/memory/pages.h"
#include "ipc/file_descriptor.h"

#include <sys/types.h>
#include <vector>

namespace lethe {

// Learned from some workers that brought in nothing: after their request they tell the zygote which
// pages they have. What all of them touched the others bring in while they wait, so that their
// request finds it without page faults. For workers that serve one request.
class WorkingSet {
public:
  static constexpr int tellers = 4; // one after the other

  // Zygote, around each fork of a worker. The next one may be the one that tells.
  void before_fork();
  void after_fork(pid_t worker);
  // Zygote: takes what a worker that has ended told, if it is that one. What makes no sense is not
  // taken: the worker may have been broken into.
  void take(pid_t ended);

  // Worker, before anything else, as all that it does has page faults: brings in what is known.
  // Descriptors that are to stay open are added to `kept`.
  void bring_in(std::vector<int> &kept);
  // Worker, after its request.
  void tell() const;

private:
  struct Run {
    PageRange range;
    bool is_written; // else it was read
  };
  static constexpr size_t most_runs = 1024;

  static std::vector<Run> common(const std::vector<Run> &left, const std::vector<Run> &right);
  bool accepts(const Run &run) const;
  bool tell_mapping(const Mapping &mapping) const;

  std::vector<Run> runs_;
  int told_ = 0; // so many have
  // Of the worker that tells, or is to:
  pid_t teller_ = 0;
  std::vector<Mapping> mappings_;
  FileDescriptor from_teller_, to_zygote_, pagemap_;
};

} // namespace lethe
