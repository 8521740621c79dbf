// SPDX-License-Identifier: Apache-2.0
// Have the calls of a warm-up changed anything that a request could find?
//
// Two forks look, one before the calls and one after them: this process, of which the image is made,
// is not touched, and V8 forgets nothing of what it has learned for them.
#pragma once

#include "daemon/worker/scripts/portrait_painter.h"
#include "ipc/file_descriptor.h"

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lethe {

class PurityCheck {
public:
  // Runs in a fork.
  using Paint = std::function<Result<Portrait>()>;

  // Forks the process that looks at what there is now. It may look until the end of all.
  explicit PurityCheck(Paint paint);
  ~PurityCheck();
  PurityCheck(const PurityCheck &) = delete;
  PurityCheck &operator=(const PurityCheck &) = delete;

  // Forks the other one, and waits for it.
  PortraitDifference compare();

private:
  struct Child {
    pid_t pid = -1;
    FileDescriptor output;
  };
  // Its process runs `body`, with its output's other end, and ends.
  static Child fork(const std::function<void(int)> &body);
  static void end(Child &child);
  Portrait portrait() const;

  Paint paint_;
  Child before_;
};

// Does `body` return true in a fork of this process? That may end in any way.
bool is_true_in_fork(const std::function<bool()> &body);
// Whatever it does then, unless another time is set before. Its forks end with it.
void end_this_process_at(uint64_t time_ns);

} // namespace lethe
