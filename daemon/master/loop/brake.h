// SPDX-License-Identifier: Apache-2.0
// Slows down what fails again and again.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lethe {

// The first failures in a row that are for free cost no time. After the next one 10 ms, then twice
// as long each time, up to 5 s. One success, and it is off.
class Brake {
public:
  explicit Brake(uint64_t free_failures = 0) : free_(free_failures) {}
  int64_t failed() {
    ++failures_;
    return delay_us();
  }
  void succeeded() { failures_ = 0; }
  uint64_t failures() const { return failures_; } // in a row
  int64_t delay_us() const {
    if (failures_ <= free_)
      return 0;
    return std::min<int64_t>(10'000LL << std::min<uint64_t>(failures_ - free_ - 1, 20), 5'000'000);
  }

private:
  uint64_t free_;
  uint64_t failures_ = 0;
};

} // namespace lethe
