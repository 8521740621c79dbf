// SPDX-License-Identifier: Apache-2.0
// One daemon for one state folder.
#pragma once

#include "daemon/master/loop/kernel.h"

#include <string>

namespace lethe {

// Nobody else has the folder's lock (flock on the folder itself) as long as this object lives, or a
// child that was given the descriptor: a writer that outlives its killed master still writes.
class FolderLock {
public:
  FolderLock() = default; // of none
  // Waits some seconds for such a writer. The error says that somebody else has the folder. Where
  // the file system has no locks, there is a warning.
  static Result<FolderLock> take(Kernel &kernel, const std::string &folder);
  int descriptor() const { return folder_.get(); }

private:
  FileDescriptor folder_;
};

} // namespace lethe
