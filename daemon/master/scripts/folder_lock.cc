// SPDX-License-Identifier: Apache-2.0
// flock, with patience.
#include "daemon/master/scripts/folder_lock.h"
#include "daemon/master/operation/log.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>

namespace lethe {
namespace {

// A disk that takes longer keeps the service manager trying.
constexpr int64_t patience_us = 5'000'000, pause_us = 20'000;

} // namespace

Result<FolderLock> FolderLock::take(Kernel &kernel, const std::string &folder) {
  FolderLock lock;
  lock.folder_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.folder_)
    return Error(ErrorCode::internal, system_message("state_dir: open " + folder));
  for (int64_t waited_us = 0; ::flock(lock.folder_.get(), LOCK_EX | LOCK_NB) < 0;
       waited_us += pause_us) {
    // Some network file systems lock no folders. That is no reason not to serve.
    if (errno != EWOULDBLOCK && errno != EINTR) {
      log_warning("state_dir: {}; a second daemon there would not be noticed",
                  system_message("lock " + folder));
      return lock;
    }
    if (waited_us == 0)
      log_warning("state_dir: {} is in use; waiting for its end", folder);
    if (waited_us >= patience_us)
      return Error(ErrorCode::internal,
                   fmt::format("state_dir: {} is in use by another lethed; stop it, or give each "
                               "daemon a state_dir of its own",
                               folder));
    kernel.sleep_us(pause_us);
  }
  return lock;
}

} // namespace lethe
