// SPDX-License-Identifier: Apache-2.0
// Whether the daemon makes control groups.
#pragma once

#include "ipc/named.h"

#include <cstdint>

namespace lethe {

enum class CgroupsMode : uint8_t {
  automatic, // where it may
  off,
};

template <>
inline constexpr std::array names_of<CgroupsMode>{Name{"auto", CgroupsMode::automatic},
                                                  Name{"off", CgroupsMode::off}};

} // namespace lethe
