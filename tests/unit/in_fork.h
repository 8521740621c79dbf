// SPDX-License-Identifier: Apache-2.0
// For what a test must not do to its own process.
#pragma once

#include <functional>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe::test {

// Runs `body` in a forked process, which has one thread (a test's own has two). True if that
// returns true.
inline bool in_fork(const std::function<bool()> &body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status == 0;
}

} // namespace lethe::test
