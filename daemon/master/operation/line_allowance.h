// SPDX-License-Identifier: Apache-2.0
// How many lines of the log there may be of one kind and from one user.
#pragma once

#include <cstdint>
#include <utility>

namespace lethe {

class LineAllowance {
public:
  static constexpr uint32_t most = 10; // in a second

  // False: not this line.
  bool take(int64_t now_us) {
    constexpr int64_t second_us = 1'000'000;
    if (now_us - began_us_ >= second_us) {
      began_us_ = now_us;
      lines_ = 0;
    }
    const bool is_left = lines_ < most;
    ++(is_left ? lines_ : left_out_);
    return is_left;
  }
  // Since this was last asked; the next line says it.
  uint32_t left_out() { return std::exchange(left_out_, 0); }

private:
  int64_t began_us_ = 0;
  uint32_t lines_ = 0, left_out_ = 0;
};

} // namespace lethe
