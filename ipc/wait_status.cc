// SPDX-License-Identifier: Apache-2.0
#include "ipc/wait_status.h"

#include <cstring>
#include <sys/wait.h>

namespace lethe {

std::string describe_wait_status(int status) {
  if (!WIFSIGNALED(status))
    return "exit status " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char *name = ::sigdescr_np(signal); // none for real-time signals
  return "signal " + std::to_string(signal) + (name ? " (" + std::string(name) + ")" : "");
}

} // namespace lethe
