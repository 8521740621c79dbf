// SPDX-License-Identifier: Apache-2.0
#include "ipc/wait_status.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <iterator>
#include <sys/wait.h>

namespace lethe {

std::string describe_wait_status(int status) {
  if (!WIFSIGNALED(status))
    return "exit status " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char *name = ::sigdescr_np(signal); // none for real-time signals
  return "signal " + std::to_string(signal) + (name ? " (" + std::string(name) + ")" : "");
}

bool is_fault(int status) {
  constexpr int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGFPE};
  return WIFSIGNALED(status) &&
         std::find(std::begin(faults), std::end(faults), WTERMSIG(status)) != std::end(faults);
}

bool is_sandbox_violation(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }

} // namespace lethe
