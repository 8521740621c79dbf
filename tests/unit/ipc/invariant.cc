// SPDX-License-Identifier: Apache-2.0
// invariant(): what ends the process says where, what and with which numbers.
#include "ipc/invariant.h"

#include <criterion/criterion.h>
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

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

bool aborted(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }

} // namespace

Test(invariant, one_that_holds_says_nothing) {
  const auto [said, status] = in_a_child([] { invariant(1 + 1 == 2, "sums are right"); });
  cr_assert_eq(said, "");
  cr_assert_eq(status, 0);
}

Test(invariant, a_broken_one_ends_the_process_with_file_line_sentence_and_state) {
  const size_t sent = 3;
  const auto [said, status] = in_a_child([&] {
    invariant(sent > 4, "a worker starts only what it was sent", {"claimed", 4}, {"sent", sent});
  });
  cr_assert(aborted(status));
  cr_assert(said.starts_with("tests/unit/ipc/invariant.cc:"), "%s", said.c_str());
  cr_assert(said.ends_with(": broken invariant: a worker starts only what it was sent "
                           "(claimed 4, sent 3)\n"),
            "%s", said.c_str());
}

Test(invariant, a_long_sentence_is_cut) {
  const std::string sentence(5000, 'x');
  const auto [said, status] = in_a_child([&] { invariant(false, sentence, {"number", 1}); });
  cr_assert(aborted(status));
  cr_assert_leq(said.size(), 512U);
}
