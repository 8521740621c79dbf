// SPDX-License-Identifier: Apache-2.0
// malloc from one region: in a forked process each, as the test's own is not to change.
#include "daemon/worker/memory/bump_heap.h"
#include "tests/unit/in_fork.h"
#include "tests/unit/own_function.h"

#include <criterion/criterion.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <vector>

// There it does nothing.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

using namespace lethe;
using lethe::test::in_fork;

namespace {

// The compiler may not leave an allocation out.
char *take(size_t bytes) {
  auto *volatile block = static_cast<char *>(malloc(bytes));
  std::memset(block, 'x', bytes);
  return block;
}

} // namespace

// Each library asks the same heap, or one would be asked for what it has never seen.
Test(bump_heap, all_of_the_c_librarys_functions_are_replaced_for_libraries_too) {
  for (const char *name : {"malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc",
                           "posix_memalign", "malloc_usable_size"})
    cr_assert(lethe::test::is_own_function(name), "%s", name);
}

Test(bump_heap, what_is_allocated_lies_together_whatever_is_free_elsewhere) {
  std::vector<char *> holes;
  for (int i = 0; i < 2000; ++i)
    holes.push_back(take(1000));
  for (size_t i = 0; i < holes.size(); i += 2)
    free(holes[i]);
  cr_assert(in_fork([] {
    begin_bump_allocation();
    const char *first = take(50), *last = first;
    for (int i = 0; i < 100; ++i)
      last = take(500);
    return last > first && last - first < 100 * 600;
  }));
}

Test(bump_heap, blocks_are_aligned_apart_and_as_large_as_they_say) {
  cr_assert(in_fork([] {
    begin_bump_allocation();
    const char *end = nullptr;
    for (size_t bytes : {0, 1, 15, 16, 17, 100, 5000, 32768}) {
      char *block = take(bytes);
      if (reinterpret_cast<uintptr_t>(block) % 16 != 0 || block < end ||
          malloc_usable_size(block) < bytes)
        return false;
      end = block + malloc_usable_size(block);
    }
    return true;
  }));
}

Test(bump_heap, room_comes_back_once_all_later_blocks_are_free) {
  cr_assert(in_fork([] {
    begin_bump_allocation();
    const size_t before = bump_allocated_bytes();
    char *first = take(100), *second = take(100), *third = take(100);
    free(first);
    free(second);
    const bool is_kept = bump_allocated_bytes() > before + 300;
    free(third);
    return is_kept && bump_allocated_bytes() == before;
  }));
}

Test(bump_heap, a_block_that_is_used_again_is_zeroed_where_that_is_asked_for) {
  cr_assert(in_fork([] {
    begin_bump_allocation();
    free(take(400));
    auto *volatile block = static_cast<char *>(calloc(100, 4));
    for (int i = 0; i < 400; ++i)
      if (block[i] != 0)
        return false;
    volatile size_t far_too_many = SIZE_MAX / 2;
    auto *volatile none = calloc(far_too_many, 3);
    return none == nullptr;
  }));
}

Test(bump_heap, a_block_grows_with_its_content_from_wherever_it_is) {
  char *older = take(3000);
  cr_assert(in_fork([older] {
    begin_bump_allocation();
    char *block = take(10);
    for (const size_t bytes : {100, 2000, 40'000, 100'000}) {
      block = static_cast<char *>(realloc(block, bytes));
      for (int i = 0; i < 10; ++i)
        if (block[i] != 'x')
          return false;
      std::memset(block, 'x', bytes);
      if (bytes == 100)
        take(1); // it is not the last one any more
    }
    auto *moved = static_cast<char *>(realloc(older, 3500));
    return moved[0] == 'x' && moved[2999] == 'x';
  }));
}

Test(bump_heap, when_the_region_is_used_up_the_general_heap_goes_on) {
  cr_assert(in_fork([] {
    begin_bump_allocation();
    std::vector<char *> blocks;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 3000; ++i)
        blocks.push_back(take(1000));
      for (char *block : blocks)
        free(block);
      blocks.clear();
    }
    return mallinfo2().uordblks < size_t{3} << 20;
  }));
}

Test(bump_heap, what_is_older_is_not_written_to_when_it_is_given_back) {
  char *older = take(600);
  cr_assert(in_fork([older] {
    begin_bump_allocation();
    char before[600];
    std::memcpy(before, older, sizeof before);
    free(older);
    return std::memcmp(before, older, sizeof before) == 0; // NOLINT: it is not given back
  }));
}

Test(bump_heap, after_its_end_blocks_come_from_the_general_heap_and_all_can_be_given_back) {
  cr_assert(in_fork([] {
    begin_bump_allocation();
    char *here = take(100);
    const size_t used = bump_allocated_bytes();
    end_bump_allocation();
    char *there = take(100);
    const bool is_general = bump_allocated_bytes() == used;
    const bool is_far = there - here > 4096 || here - there > 4096;
    free(there);
    free(here);
    begin_bump_allocation();
    return is_general && is_far;
  }));
}

#endif
