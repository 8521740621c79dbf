// SPDX-License-Identifier: Apache-2.0
// How a process ended, in words.
#pragma once

#include <string>

namespace lethe {

// "signal 9 (Killed)" or "exit status 70", from a wait status.
std::string describe_wait_status(int status);

} // namespace lethe
