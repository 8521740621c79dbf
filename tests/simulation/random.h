// SPDX-License-Identifier: Apache-2.0
// All chance of a schedule, from one seed.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace lethe::simulation {

// SplitMix64 (Steele, Lea and Flood 2014): the same numbers with every compiler and library.
class Random {
public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(next() % static_cast<uint64_t>(most - least + 1));
  }
  bool one_in(uint64_t times) { return next() % times == 0; }
  int64_t one_of(std::initializer_list<int64_t> values) {
    return values.begin()[next() % values.size()];
  }
  // Mostly small, now and then large: what waiting times are like.
  int64_t delay_us(int64_t usual, int64_t longest) {
    return one_in(16) ? between(usual, longest) : between(0, usual);
  }

private:
  uint64_t state_;
};

} // namespace lethe::simulation
