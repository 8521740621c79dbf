// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lethe {

// How much console output one request may make.
struct ConsoleLimits {
  size_t lines = 1000;
  size_t bytes = size_t{64} << 10;
};

} // namespace lethe
