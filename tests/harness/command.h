// SPDX-License-Identifier: Apache-2.0
// The command lethe, as a daemon's client.
#pragma once

#include "tests/harness/daemon.h"

namespace lethe::test {

inline Command lethe_command(const Daemon &daemon, std::vector<std::string> words,
                             const std::string &input = {}) {
  words.insert(words.begin(), program("lethe"));
  return {std::move(words), {"LETHE_SOCKET=" + daemon.socket_path()}, input};
}

} // namespace lethe::test
