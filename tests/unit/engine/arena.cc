// SPDX-License-Identifier: Apache-2.0
// V8's page allocator: what it hands out is apart, aligned, zero, and counted; also after an image
// was taken.
#include "daemon/engine/memory/arena.h"
#include "daemon/worker/memory/memory_image.h"

#include <criterion/criterion.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace lethe;

namespace {

constexpr auto read_write = v8::PageAllocator::kReadWrite;
constexpr size_t reserved_bytes = size_t{64} << 20;

bool is_zero(const char *memory, size_t bytes) {
  return memory[0] == 0 && std::memcmp(memory, memory + 1, bytes - 1) == 0;
}

} // namespace

Test(range_set, adjoining_ranges_become_one_and_removing_splits) {
  RangeSet set;
  set.add({10, 20});
  set.add({30, 40});
  cr_assert_eq(set.runs().size(), 2);
  set.add({20, 30});
  cr_assert_eq(set.runs().size(), 1);
  cr_assert_eq(set.bytes(), 30);
  set.remove({15, 18});
  cr_assert_eq(set.runs().size(), 2);
  cr_assert_eq(set.bytes(), 27);
  cr_assert_eq(set.bytes_in({14, 19}), 2);
  set.add({5, 50});
  cr_assert_eq(set.runs().size(), 1);
  cr_assert_eq(set.bytes(), 45);
  set.remove({0, 100});
  cr_assert_eq(set.bytes(), 0);
}

Test(range_set, random_operations_agree_with_a_table) {
  std::mt19937 random(7);
  RangeSet set;
  std::vector<bool> table(200);
  for (int round = 0; round < 5000; ++round) {
    const uintptr_t begin = random() % 200, end = begin + random() % (201 - begin);
    const bool add = random() % 2 == 0;
    if (begin == end)
      continue;
    add ? set.add({begin, end}) : set.remove({begin, end});
    for (uintptr_t i = begin; i < end; ++i)
      table[i] = add;
    size_t bytes = 0;
    uintptr_t last_end = 0;
    for (const auto &[run_begin, run_end] : set.runs()) {
      cr_assert(run_begin < run_end && (bytes == 0 || run_begin > last_end));
      for (uintptr_t i = run_begin; i < run_end; ++i)
        cr_assert(table[i]);
      bytes += run_end - run_begin;
      last_end = run_end;
    }
    cr_assert_eq(bytes, set.bytes());
    cr_assert_eq(bytes, static_cast<size_t>(std::count(table.begin(), table.end(), true)));
  }
}

Test(arena, pages_are_apart_aligned_and_zero) {
  Arena arena(reserved_bytes);
  std::mt19937 random(3);
  struct Block {
    char *memory;
    size_t bytes;
    char mark;
  };
  std::vector<Block> blocks;
  for (int round = 0; round < 2000; ++round) {
    if (random() % 2 && !blocks.empty()) {
      const size_t i = random() % blocks.size();
      for (size_t at = 0; at < blocks[i].bytes; at += 1000)
        cr_assert_eq(blocks[i].memory[at], blocks[i].mark);
      cr_assert(arena.FreePages(blocks[i].memory, blocks[i].bytes));
      blocks.erase(blocks.begin() + static_cast<long>(i));
      continue;
    }
    const size_t bytes = (1 + random() % 40) * page_bytes(), alignment = page_bytes()
                                                                         << random() % 7;
    auto *memory = static_cast<char *>(arena.AllocatePages(nullptr, bytes, alignment, read_write));
    if (!memory)
      continue;
    cr_assert_eq(reinterpret_cast<uintptr_t>(memory) % alignment, 0);
    cr_assert(is_zero(memory, bytes));
    const char mark = static_cast<char>(1 + random() % 100);
    std::memset(memory, mark, bytes);
    blocks.push_back({memory, bytes, mark});
  }
  for (const Block &block : blocks)
    cr_assert(arena.FreePages(block.memory, block.bytes));
  cr_assert_eq(arena.accessible_bytes(), 0);
}

Test(arena, the_limit_holds_and_a_release_makes_room) {
  Arena arena(reserved_bytes);
  arena.set_limit(100 * page_bytes());
  void *first = arena.AllocatePages(nullptr, 60 * page_bytes(), page_bytes(), read_write);
  cr_assert_not_null(first);
  cr_assert_null(arena.AllocatePages(nullptr, 60 * page_bytes(), page_bytes(), read_write));
  void *reserved =
      arena.AllocatePages(nullptr, 60 * page_bytes(), page_bytes(), v8::PageAllocator::kNoAccess);
  cr_assert_not_null(reserved);
  cr_assert_not(arena.SetPermissions(reserved, 60 * page_bytes(), read_write));
  cr_assert(arena.ReleasePages(first, 60 * page_bytes(), 10 * page_bytes()));
  cr_assert(arena.SetPermissions(reserved, 60 * page_bytes(), read_write));
  cr_assert_eq(arena.accessible_bytes(), 70 * page_bytes());
}

Test(arena, what_was_never_accessible_is_not_made_resident) {
  Arena arena(reserved_bytes);
  const size_t bytes = reserved_bytes / 2, used = 4 * page_bytes();
  const auto none = v8::PageAllocator::kNoAccess;
  auto *memory = static_cast<char *>(arena.AllocatePages(nullptr, bytes, page_bytes(), none));
  cr_assert_not_null(memory);
  // As a WebAssembly memory: its beginning is in use, then a part that was.
  cr_assert(arena.SetPermissions(memory, used, read_write));
  std::memset(memory, 1, used);
  cr_assert(arena.SetPermissions(memory + used / 2, used / 2, none));
  arena.image_taken();
  cr_assert(arena.FreePages(memory, bytes));
  std::vector<unsigned char> resident(bytes / page_bytes());
  cr_assert_eq(::mincore(memory, bytes, resident.data()), 0);
  cr_assert_leq(std::count_if(resident.begin(), resident.end(), [](auto page) { return page & 1; }),
                4);
  cr_assert_eq(arena.AllocatePages(nullptr, bytes, page_bytes(), read_write), memory);
  cr_assert(is_zero(memory, bytes));
}

Test(arena, what_a_request_frees_and_takes_again_is_zero_and_goes_back) {
  static Arena arena(reserved_bytes);
  const size_t bytes = 16 * page_bytes();
  static char *memory =
      static_cast<char *>(arena.AllocatePages(nullptr, bytes, page_bytes(), read_write));
  std::memset(memory, 7, bytes);
  arena.image_taken();
  const pid_t zygote = fork(); // it has one thread, a test's own process has two
  if (zygote != 0) {
    int status = -1;
    waitpid(zygote, &status, 0);
    cr_assert_eq(status, 0);
    return;
  }
  auto image = MemoryImage::checkpoint({}, nullptr);
  if (!image)
    _exit(2);
  arena.set_protection_listener(
      [](void *context, PageRange range) {
        static_cast<MemoryImage *>(context)->note_protection(range);
      },
      image->get());
  const pid_t worker = fork();
  if (worker == 0) {
    bool right = (*image)->open_files() && (*image)->adopt();
    for (int round = 0; round < 50 && right; ++round) {
      arena.FreePages(memory, bytes);
      auto *again =
          static_cast<char *>(arena.AllocatePages(nullptr, bytes, page_bytes(), read_write));
      auto *more =
          static_cast<char *>(arena.AllocatePages(nullptr, bytes * 4, page_bytes(), read_write));
      right = again == memory && is_zero(again, bytes) && is_zero(more, bytes * 4);
      std::memset(again, 8, bytes);
      std::memset(more, 9, bytes * 4);
      right = right && (*image)->rewind() == RewindFailure::none &&
              is_zero(memory + 1, bytes - 2) == false && memory[0] == 7 && memory[bytes - 1] == 7 &&
              arena.accessible_bytes() == bytes && (*image)->first_difference() == 0;
    }
    _exit(right ? 0 : 1);
  }
  int status = -1;
  waitpid(worker, &status, 0);
  _exit(status == 0 ? 0 : 1);
}
