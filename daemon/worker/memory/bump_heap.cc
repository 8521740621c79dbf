// SPDX-License-Identifier: Apache-2.0
// The functions of the C library that this replaces, and those below them:
// https://sourceware.org/glibc/manual/latest/html_node/Replacing-malloc.html
#include "daemon/worker/memory/bump_heap.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>
#include <utility>

// A sanitizer's own heap has to see each block.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

namespace lethe {
void begin_bump_allocation() {}
void end_bump_allocation() {}
size_t bump_allocated_bytes() { return 0; }
} // namespace lethe

#else

extern "C" {
void *__libc_malloc(size_t);
void __libc_free(void *);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
}

namespace lethe {
namespace {

constexpr size_t region_bytes = size_t{512} << 10;
constexpr size_t most_block_bytes = size_t{32} << 10;
constexpr size_t granule = 16; // what malloc aligns to

// Before each block; blocks lie one after the other.
struct Header {
  uint32_t bytes; // a multiple of the granule
  uint32_t is_free;
  char *previous; // block; null for the first one
};
static_assert(sizeof(Header) == granule);

struct BumpHeap {
  char *next = nullptr;
  bool is_open = false; // else all that is new is the general heap's, and there may be threads
  char *last = nullptr; // block, the only one that can grow; not free
  bool has_older_only = false; // the general heap has given out nothing since this one has begun
  size_t (*general_size)(void *) = nullptr;
};
constinit BumpHeap heap;
alignas(4096) constinit char region[region_bytes] = {};

bool is_here(const void *block) { return block >= region && block < region + region_bytes; }

Header &header(char *block) { return *(reinterpret_cast<Header *>(block) - 1); }

constexpr size_t rounded(size_t bytes) {
  return std::max((bytes + granule - 1) / granule * granule, granule);
}

// Null: there is no room, or it is too large.
void *take(size_t bytes) {
  if (!heap.is_open || bytes > most_block_bytes)
    return nullptr;
  const size_t taken = rounded(bytes);
  if (static_cast<size_t>((region + region_bytes) - heap.next) < sizeof(Header) + taken)
    return nullptr;
  char *block = heap.next + sizeof(Header);
  header(block) = {static_cast<uint32_t>(taken), 0, std::exchange(heap.last, block)};
  heap.next = block + taken;
  return block;
}

// What the general heap gives out now has to be given back to it, too.
void *general(void *block) {
  heap.has_older_only = false;
  return block;
}

void give_back(void *block) {
  if (is_here(block)) {
    header(static_cast<char *>(block)).is_free = 1;
    while (heap.is_open && heap.last && header(heap.last).is_free) {
      heap.next = heap.last - sizeof(Header);
      heap.last = header(heap.last).previous;
    }
  } else if (!heap.has_older_only)
    __libc_free(block);
}

// In its place; only the last block can grow.
bool resize(void *block, size_t bytes) {
  Header &of_block = header(static_cast<char *>(block));
  const size_t wanted = rounded(bytes);
  if (block != heap.last || !heap.is_open)
    return wanted <= of_block.bytes;
  if (wanted > most_block_bytes ||
      wanted > static_cast<size_t>((region + region_bytes) - heap.last))
    return false;
  of_block.bytes = static_cast<uint32_t>(wanted);
  heap.next = heap.last + wanted;
  return true;
}

using SizeOf = size_t (*)(void *);

SizeOf general_size() {
  if (!heap.general_size)
    heap.general_size = reinterpret_cast<SizeOf>(::dlsym(RTLD_NEXT, "malloc_usable_size"));
  return heap.general_size;
}

size_t size_of(void *block) {
  if (is_here(block))
    return header(static_cast<char *>(block)).bytes;
  return general_size()(block);
}

void *move(void *block, size_t bytes) {
  if (is_here(block) && resize(block, bytes))
    return block;
  if (!is_here(block) && !heap.has_older_only)
    return __libc_realloc(block, bytes);
  const size_t kept = std::min(size_of(block), bytes);
  void *moved = take(bytes);
  if (!moved)
    moved = general(__libc_malloc(bytes));
  if (moved)
    std::memcpy(moved, block, kept);
  return moved;
}

void *aligned(size_t alignment, size_t bytes) {
  if (void *block = alignment <= granule ? take(bytes) : nullptr)
    return block;
  return general(__libc_memalign(alignment, bytes));
}

} // namespace

void begin_bump_allocation() {
  if (!heap.next) {
    general_size(); // is found while files can be opened
    heap.next = region;
  }
  heap.is_open = heap.has_older_only = true;
}

void end_bump_allocation() { heap.is_open = heap.has_older_only = false; }

size_t bump_allocated_bytes() { return heap.next ? static_cast<size_t>(heap.next - region) : 0; }

} // namespace lethe

// For all libraries: one that asked the general heap how large a block of the region is would ask it
// for what it has never seen.
#pragma GCC visibility push(default)
extern "C" {

void *malloc(size_t bytes) {
  void *block = lethe::take(bytes);
  return block ? block : lethe::general(__libc_malloc(bytes));
}

void free(void *block) {
  if (block)
    lethe::give_back(block);
}

void *calloc(size_t count, size_t size) {
  size_t bytes = 0;
  void *block = __builtin_mul_overflow(count, size, &bytes) ? nullptr : lethe::take(bytes);
  return block ? std::memset(block, 0, bytes) : lethe::general(__libc_calloc(count, size));
}

void *realloc(void *block, size_t bytes) {
  if (!block)
    return malloc(bytes);
  if (bytes == 0) {
    free(block);
    return nullptr;
  }
  return lethe::move(block, bytes);
}

void *memalign(size_t alignment, size_t bytes) { return lethe::aligned(alignment, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) { return lethe::aligned(alignment, bytes); }
int posix_memalign(void **block, size_t alignment, size_t bytes) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void *got = lethe::aligned(alignment, bytes);
  if (!got)
    return ENOMEM;
  *block = got;
  return 0;
}
size_t malloc_usable_size(void *block) { return block ? lethe::size_of(block) : 0; }
}
#pragma GCC visibility pop

#endif
