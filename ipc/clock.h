// SPDX-License-Identifier: Apache-2.0
// Time, as the kernel's clocks have it.
#pragma once

#include <cstdint>
#include <ctime>

namespace lethe {

inline constexpr uint64_t ns_per_ms = 1'000'000;

inline uint64_t now_ns(clockid_t clock = CLOCK_MONOTONIC) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

} // namespace lethe
