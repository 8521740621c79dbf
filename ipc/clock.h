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

// Handed in where time decides what happens, so that a test can bring a time of its own.
class Clock {
public:
  virtual int64_t now_us() const = 0; // never goes back

protected:
  ~Clock() = default;
};

class MonotonicClock final : public Clock {
public:
  int64_t now_us() const override { return static_cast<int64_t>(now_ns() / 1000); }
};

} // namespace lethe
