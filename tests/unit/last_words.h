// SPDX-License-Identifier: Apache-2.0
// What a process says when a broken invariant ends it.
#pragma once

#include <criterion/criterion.h>
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace lethe::test {

// What a child process that runs `act` leaves on standard error, and its wait status.
template <typename Act> std::pair<std::string, int> in_a_child(Act act) {
  int ends[2];
  cr_assert_eq(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL); // the test framework's
    ::dup2(ends[1], STDERR_FILENO);
    act();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said(2048, '\0');
  const ssize_t length = ::read(ends[0], said.data(), said.size());
  said.resize(length > 0 ? static_cast<size_t>(length) : 0);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {said, status};
}

inline bool aborted(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }

// The same, of one that aborts.
template <typename Act> std::string last_words(Act act) {
  const auto [said, status] = in_a_child(act);
  cr_assert(aborted(status), "it goes on: %s", said.c_str());
  return said;
}

} // namespace lethe::test
