// SPDX-License-Identifier: Apache-2.0
// How a process ended, in words.
#pragma once

#include <string>

namespace lethe {

// "signal 9 (Killed)" or "exit status 70", from a wait status.
std::string describe_wait_status(int status);
// A fault of its own ended it: a signal that others do not send, of a wild address or a failed check.
bool is_fault(int status);
// The kernel ended it over a system call that its sandbox forbids.
bool is_sandbox_violation(int status);

} // namespace lethe
