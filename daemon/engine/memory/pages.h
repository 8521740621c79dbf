// SPDX-License-Identifier: Apache-2.0
// Pages of this process: their size, their protection, and which mappings there are.
#pragma once

#include "ipc/file_descriptor.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lethe {

// Addresses [begin, end), whole pages.
struct PageRange {
  uintptr_t begin = 0, end = 0;

  size_t bytes() const { return end - begin; }
  bool empty() const { return begin == end; }
  bool contains(uintptr_t address) const { return begin <= address && address < end; }
  // What lies in both; nothing, if they are apart.
  PageRange common(PageRange other) const {
    const uintptr_t first = std::max(begin, other.begin);
    return {first, std::max(first, std::min(end, other.end))};
  }
  // The smallest that holds both.
  PageRange with(PageRange other) const {
    return {std::min(begin, other.begin), std::max(end, other.end)};
  }
};

// The system's page size: 4 kB on x86-64, up to 64 kB on arm64.
size_t page_bytes();

// The kernel maps what is around a page that is read, in pieces of this size.
inline constexpr size_t fault_around_bytes = size_t{64} << 10;

// Does the processor have memory protection keys?
bool has_protection_keys();

// mprotect that also takes a memory protection key off the pages, where the CPU has keys: V8 tags
// code pages with one, and a page that comes back to its allocator would still carry it. False with
// errno.
bool protect(PageRange range, int protection);

// The next multiple, or the value itself.
constexpr uintptr_t align_up(uintptr_t value, size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// From where on there is nothing of the program, but its heap and all that was mapped; the arena where
// addresses are given from below, and it lies below the program.
uintptr_t program_end(uintptr_t arena_begin);

// Opens a file of /proc/self to read it, also where this process is not dumpable. None with errno.
FileDescriptor open_own(const char *name);

// Of an entry of /proc/PID/pagemap, one of which there is for each page.
enum PagemapBit : uint64_t {
  pagemap_exclusive = uint64_t{1} << 56, // no other process has it
  pagemap_guard = uint64_t{1} << 58,
  pagemap_of_file = uint64_t{1} << 61,
  pagemap_swapped = uint64_t{1} << 62,
  pagemap_present = uint64_t{1} << 63,
};
// Reads the entries of the range's first pages, at most so many. How many; 0: they can't be read.
size_t read_pagemap(int pagemap, PageRange range, uint64_t *entries, size_t most);

// How many of the range's pages this process has in its page tables; 0 where that can't be read.
size_t mapped_pages(PageRange range);

// Writes the range's content to the file, from `offset` on. False with errno.
bool copy_to_file(PageRange range, int file, uint64_t offset);

// No process can change the file any more, nor how long it is.
bool seal_forever(int memfd);

// One line of /proc/self/maps.
struct Mapping {
  PageRange range;
  int protection = 0; // PROT_*
  bool is_private = false;
  bool is_anonymous = false; // no file behind it ([heap] too)
  bool is_kernels = false;   // [vdso], [vvar] and the like
  bool is_stack = false;
  bool is_image = false;     // of a memory image's file
  bool is_surviving = false; // from allocate_surviving()
};
inline constexpr char image_file_name[] = "lethe-image"; // of its memfd

// Reads /proc/self/maps into `mappings`, in the order of their addresses, without allocating. The
// number, or -1 with errno (ENOSPC: more than `most`).
long read_mappings(Mapping *mappings, size_t most);

// Memory that no image holds: what must survive a rewind. Zeroed whole pages. Null: there is none.
void *allocate_surviving(size_t bytes);
void free_surviving(void *memory, size_t bytes);

} // namespace lethe
