// SPDX-License-Identifier: Apache-2.0
// Clients of other users, for tests that run as root: the daemon asks the kernel who has connected.
#pragma once

#include "tests/harness/daemon.h"

#include <filesystem>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

namespace lethe::test {

inline bool may_be_others() { return ::geteuid() == 0; }

// Options of a daemon to which other users can connect.
inline DaemonOptions for_all_users(std::vector<std::string> settings) {
  settings.emplace_back("socket_mode=0666");
  return {.settings = std::move(settings)};
}

inline Client connect_as(uid_t user, const Daemon &daemon) {
  std::filesystem::permissions(daemon.folder().path(), std::filesystem::perms(0711));
  expect(::setegid(user) == 0 && ::seteuid(user) == 0, "this test can't be another user");
  struct Return {
    ~Return() { [[maybe_unused]] const bool is_root = ::seteuid(0) == 0 && ::setegid(0) == 0; }
  } back;
  return daemon.connect();
}

} // namespace lethe::test
