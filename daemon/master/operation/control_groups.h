// SPDX-License-Identifier: Apache-2.0
// Control groups (cgroup v2): where the service has a tree of its own, each pool has a group in it,
// with limits for all of the pool's processes together, and with an end that none of them escapes.
//
//   the service's group      empty, as the kernel wants it of a group whose children have limits
//   ├── lethed               the master, and what builds snapshots or writes files
//   └── pool-NAME            the pool's zygotes and workers
#pragma once

#include "ipc/error.h"
#include "ipc/file_descriptor.h"

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace lethe {

// One group, by its folder. One that is none takes nobody in, and nothing of it fails.
class ControlGroup {
public:
  ControlGroup() = default;
  explicit ControlGroup(std::string folder) : folder_(std::move(folder)) {}

  explicit operator bool() const { return !folder_.empty(); }
  const std::string &folder() const { return folder_; }

  // The process and all that it will fork. It takes up to some milliseconds.
  Result<Nothing> add(pid_t process) const;
  // Of a controller that is not there, nothing is limited. 0: no limit.
  Result<Nothing> limit_tasks(int64_t tasks) const { return limit("pids.max", tasks); }
  Result<Nothing> limit_memory(int64_t bytes) const { return limit("memory.max", bytes); }
  // How many processes of it the kernel has killed for want of memory.
  int64_t memory_kills() const;
  // Every process in it, whoever made it, is killed.
  void kill_all() const;
  // False: there is somebody in it yet; one that was killed takes a moment.
  bool remove() const;

private:
  Result<Nothing> limit(std::string_view file, int64_t most) const;

  std::string folder_;
};

// The service's tree. The one that is made by default is none, and makes groups that are none.
class ControlGroups {
public:
  // Where the kernel tells of the own group and of mounts. A test has other files.
  struct Sources {
    std::string own_group = "/proc/self/cgroup", mounts = "/proc/self/mounts";
  };

  ControlGroups() = default;
  ControlGroups(ControlGroups &&other) noexcept { *this = std::move(other); }
  ControlGroups &operator=(ControlGroups &&other) noexcept;
  ~ControlGroups() { give_back(); }

  // The own group's folder, if it is one that the daemon may divide: not the hierarchy's root,
  // writable, and with no process in it but this one. The error's message: why there is none.
  static Result<std::string> find_own(const Sources &sources);
  // Divides it: this process moves to a group below. What an earlier daemon left there is killed.
  static Result<ControlGroups> divide(const std::string &folder);

  Result<ControlGroup> make_for_pool(const std::string &pool);
  // Ends whatever is left in the pools' groups, removes them, and moves this process back. It waits
  // for those that end, for some hundred milliseconds at most.
  void give_back();

private:
  std::string folder_; // empty: there are none
  // Two daemons that were started in one group must not kill each other's workers.
  FileDescriptor lock_;
  ControlGroup own_;
  std::vector<ControlGroup> pools_;
};

} // namespace lethe
