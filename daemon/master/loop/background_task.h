// SPDX-License-Identifier: Apache-2.0
// Work that may wait for a disk, away from the event loop.
#pragma once

#include "daemon/master/loop/process.h"

#include <functional>
#include <memory>
#include <string>

namespace lethe {

// Runs `work` in a forked child, so that the event loop never waits for a disk. `done` gets its
// error, or an error if the child died. The child is not killed when this object goes: what it
// writes is meant to last; for as long it has the descriptor `kept`, a lock, unless that is -1.
class BackgroundTask {
public:
  using Work = std::function<Result<Nothing>()>;
  using Done = std::function<void(Result<Nothing>)>;
  BackgroundTask(EventLoop &loop, ChildReaper &reaper, const Work &work, int kept, Done done);

private:
  void read();

  Done done_;
  std::string report_; // "+" for success, "-" and a message else
  FileDescriptor pipe_;
  std::unique_ptr<Watch> readable_;
  std::unique_ptr<Timer> failed_at_once_;
};

} // namespace lethe
