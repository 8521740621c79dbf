// SPDX-License-Identifier: Apache-2.0
// The three isolations: of pools, scripts and requests.
#pragma once

#include "ipc/named.h"

#include <cstdint>

namespace lethe {

// What a request may find of earlier ones; from loose to strict.
enum class Isolation : uint8_t { reuse, rewind, process };

template <>
inline constexpr std::array names_of<Isolation>{Name{"rewind", Isolation::rewind},
                                                Name{"process", Isolation::process},
                                                Name{"reuse", Isolation::reuse}};

} // namespace lethe
