// SPDX-License-Identifier: Apache-2.0
// A bit for each page of a memory image.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lethe {

inline constexpr size_t most_image_pages = size_t{1} << 23; // 32 GB of 4 kB pages

// Lies in memory that was zeroed.
struct PageBits {
  uint64_t words[most_image_pages / 64];
  bool has(size_t page) const { return (words[page / 64] >> (page % 64) & 1) != 0; }
  void set(size_t page) { words[page / 64] |= uint64_t{1} << (page % 64); }
  void clear(size_t page) { words[page / 64] &= ~(uint64_t{1} << (page % 64)); }
};

} // namespace lethe
