// SPDX-License-Identifier: Apache-2.0
// The pages that every request of a new process writes.
#pragma once

#include "daemon/worker/pages.h"

#include <vector>

namespace lethe {

// Learned once, from a fork that runs a request and looks at its own page table. A worker that
// serves one request makes these pages its own while it waits: by a few system calls instead of
// some forty page faults, and none of them in the request's time.
class WorkingSet {
public:
  // Forks. `request` runs in the child. Empty when anything fails: then each page comes as it is
  // written.
  static WorkingSet learn(void (*request)(void *context), void *context);

  void bring_in() const;

private:
  static void list_pages(int pipe);

  std::vector<PageRange> runs_;
};

} // namespace lethe
