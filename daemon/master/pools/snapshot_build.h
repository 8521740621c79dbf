// SPDX-License-Identifier: Apache-2.0
// One run of lethe-snapshot, while the loop goes on.
#pragma once

#include "daemon/master/dispatch/environment.h"
#include "daemon/master/loop/process.h"

namespace lethe {

// Calls back when the startup snapshot for a zygote of these settings is in the cache, or with what
// lethe-snapshot said. Ended when this object goes.
class SnapshotBuild {
public:
  using Done = std::function<void(Result<Nothing>)>;
  SnapshotBuild(Environment &environment, ChildReaper &reaper, const ZygoteSettings &settings,
                Done done);
  SnapshotBuild(const SnapshotBuild &) = delete;
  ~SnapshotBuild();

private:
  void read();
  void ended(int wait_status);
  void report(Result<Nothing> result);

  Environment &environment_;
  ChildReaper &reaper_;
  Done done_;
  ChildProcess process_;
  FileDescriptor error_pipe_;
  std::string error_text_;
  std::unique_ptr<Watch> error_readable_;
  Timer start_failed_;
  std::string start_error_;
};

} // namespace lethe
