// SPDX-License-Identifier: Apache-2.0
// How much of the sandbox there must be.
#pragma once

#include "ipc/named.h"

#include <cstdint>

namespace lethe {

enum class SandboxMode : uint8_t {
  required, // a layer that the kernel has and that does not come up stops the start
  best,     // what comes up is in force; the log says what does not
  off,      // none of it: for looking for faults, with scripts that one trusts
};

template <>
inline constexpr std::array names_of<SandboxMode>{Name{"required", SandboxMode::required},
                                                  Name{"best", SandboxMode::best},
                                                  Name{"off", SandboxMode::off}};

} // namespace lethe
