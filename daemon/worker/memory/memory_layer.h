// SPDX-License-Identifier: Apache-2.0
// What a layer of a memory image consists of, for those who write and read it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lethe {

// Where one lies: mapped, for reading, and in a file, at a multiple of a page's size.
struct MemoryLayer {
  const char *content = nullptr; // null: none
  int file = -1;
  size_t offset = 0; // bytes
};

// A head, ranges, runs of pages that lie here whole, as most of their words have changed, and pages of
// which only the changed words do; each of these has its pieces behind it, and each piece its words. All
// in the order of their addresses, at multiples of eight bytes. Then, from a multiple of a page's size
// on, the whole pages.
namespace memory_layer {

using Word = uint64_t;
struct Head {
  uint64_t ranges, runs, pages;
  uint64_t whole_pages; // where they begin
};
struct Range { // whose protection is not the image's
  uint64_t begin, end, protection;
};
struct Run {
  uint64_t begin, end;
};
struct Page {
  uint64_t address, pieces;
};
struct Piece {
  uint32_t first, words;
};
static_assert(sizeof(Piece) == sizeof(Word));

} // namespace memory_layer
} // namespace lethe
