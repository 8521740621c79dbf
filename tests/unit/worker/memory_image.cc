// SPDX-License-Identifier: Apache-2.0
// Checkpoint and rewind of an ordinary process, without V8: memory of every kind goes back, and a
// step that fails is noticed.
#include "daemon/worker/memory/memory_image.h"
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/memory/memory_image_walk.h"
#include "tests/unit/in_fork.h"

#include <algorithm>
#include <alloca.h>
#include <criterion/criterion.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace lethe;
using lethe::test::in_fork;

namespace {

int in_data = 1;
int in_bss;
thread_local int in_thread = 2;

void keep_malloc_in_one_place() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

char *map_pages(size_t pages, int protection) {
  return static_cast<char *>(
      mmap(nullptr, pages * page_bytes(), protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

PageRange range_of(const char *memory, size_t pages) {
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  return {begin, begin + pages * page_bytes()};
}

// Makes an image, and runs `worker` in a forked process that has adopted it. True if that returns
// true.
bool in_worker(ScanMethod method, const std::function<bool(MemoryImage &)> &worker,
               size_t most_touched = size_t{64} << 20) {
  return in_fork([&] {
    auto image = MemoryImage::checkpoint({method, most_touched}, nullptr);
    return image && (*image)->method() == method &&
           in_fork([&] { return (*image)->open_files() && (*image)->adopt() && worker(**image); });
  });
}

// Does `body` end its process by a memory fault? Tried in a forked one.
bool dies(const std::function<void()> &body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

const ScanMethod every_method[] = {ScanMethod::pagemap_scan, ScanMethod::pagemap, ScanMethod::drop};

} // namespace

TestSuite(memory_image, .init = keep_malloc_in_one_place);

Test(memory_image, heap_data_bss_and_thread_local_memory_go_back) {
  for (const ScanMethod method : every_method) {
    auto *on_heap = new int(3);
    cr_assert(in_worker(method, [on_heap](MemoryImage &image) {
      for (int round = 0; round < 200; ++round) {
        in_data = in_bss = in_thread = *on_heap = 77 + round;
        if (image.rewind() != RewindFailure::none || in_data != 1 || in_bss != 0 ||
            in_thread != 2 || *on_heap != 3 || image.first_difference() != 0)
          return false;
      }
      return true;
    }));
    delete on_heap;
  }
}

Test(memory_image, memory_that_malloc_took_is_free_again) {
  for (const ScanMethod method : every_method)
    cr_assert(in_worker(method, [](MemoryImage &image) {
      const void *const break_before = sbrk(0);
      const void *first = nullptr;
      for (int round = 0; round < 12; ++round) {
        char *block = static_cast<char *>(malloc(5000));
        char *large = static_cast<char *>(malloc(size_t{20} << 20));
        if (!large || (first && block != first))
          return false;
        first = block;
        memset(block, 1, 5000);
        memset(large, 1, size_t{20} << 20);
        if (image.rewind() != RewindFailure::none || sbrk(0) != break_before ||
            image.first_difference() != 0)
          return false;
      }
      return true;
    }));
}

Test(memory_image, a_page_that_was_written_and_fresh_ones_go_back_bit_for_bit) {
  for (const ScanMethod method : every_method) {
    constexpr size_t pages = 300;
    char *memory = map_pages(pages, PROT_READ | PROT_WRITE);
    for (size_t page = 0; page < pages; page += 2) // every other page has no content
      memset(memory + page * page_bytes(), static_cast<int>(page % 100 + 1), page_bytes());
    cr_assert(in_worker(method, [memory](MemoryImage &image) {
      for (size_t round = 0; round < 100; ++round) {
        for (size_t page = round % 7; page < pages; page += 1 + round % 5)
          memset(memory + page * page_bytes() + round, 0xee, 1000);
        if (image.rewind() != RewindFailure::none || image.first_difference() != 0)
          return false;
        for (size_t page = 0; page < pages; ++page)
          for (size_t i = 0; i < page_bytes(); i += 97)
            if (memory[page * page_bytes() + i] !=
                (page % 2 ? 0 : static_cast<char>(page % 100 + 1)))
              return false;
      }
      return true;
    }));
    munmap(memory, pages * page_bytes());
  }
}

Test(memory_image, protections_are_put_back) {
  for (const ScanMethod method : every_method) {
    char *memory = map_pages(8, PROT_READ | PROT_WRITE);
    memset(memory, 5, 8 * page_bytes());
    cr_assert_eq(mprotect(memory + 4 * page_bytes(), 4 * page_bytes(), PROT_NONE), 0);
    cr_assert(in_worker(method, [memory](MemoryImage &image) {
      for (int round = 0; round < 10; ++round) {
        char *hidden = memory + 4 * page_bytes();
        mprotect(hidden, 4 * page_bytes(), PROT_READ | PROT_WRITE);
        image.note_protection(range_of(hidden, 4));
        hidden[0] = 9;
        mprotect(memory, page_bytes(), PROT_READ);
        image.note_protection(range_of(memory, 1));
        if (image.rewind() != RewindFailure::none)
          return false;
        memory[0] = 6;                       // writable again
        if (!dies([&] { hidden[0] = 1; }) || // inaccessible again
            image.rewind() != RewindFailure::none || memory[0] != 5)
          return false;
      }
      mprotect(memory + 4 * page_bytes(), 4 * page_bytes(), PROT_READ);
      return memory[4 * page_bytes()] == 5; // content under PROT_NONE was kept
    }));
  }
}

Test(memory_image, more_protection_changes_than_are_listed_are_put_back) {
  char *memory = map_pages(400, PROT_READ | PROT_WRITE);
  memset(memory, 5, 400 * page_bytes());
  cr_assert(in_worker(ScanMethod::pagemap_scan, [memory](MemoryImage &image) {
    for (size_t page = 0; page < 400; page += 2) {
      mprotect(memory + page * page_bytes(), page_bytes(), PROT_READ);
      image.note_protection(range_of(memory + page * page_bytes(), 1));
    }
    if (image.rewind() != RewindFailure::none)
      return false;
    memset(memory, 6, 400 * page_bytes());
    return true;
  }));
}

Test(memory_image, guard_pages_stay_what_they_are) {
  constexpr int guard_install = 102; // MADV_GUARD_INSTALL, Linux 6.13
  for (const ScanMethod method : every_method) {
    char *memory = map_pages(5, PROT_READ | PROT_WRITE);
    memset(memory, 5, 5 * page_bytes());
    char *guard = memory + 2 * page_bytes();
    if (madvise(guard, page_bytes(), guard_install) != 0)
      cr_skip_test("this kernel has no guard pages");
    cr_assert(in_worker(method, [memory, guard](MemoryImage &image) {
      for (int round = 0; round < 10; ++round) {
        memory[0] = memory[4 * page_bytes()] = 6;
        if (image.rewind() != RewindFailure::none || image.first_difference() != 0 ||
            memory[0] != 5 || memory[4 * page_bytes()] != 5 || !dies([&] { guard[0] = 1; }))
          return false;
      }
      return true;
    }));
    munmap(memory, 5 * page_bytes());
  }
}

Test(memory_image, random_bytes_of_the_c_library_differ_after_a_rewind_and_need_no_mapping) {
  constexpr size_t bytes = 16;
  auto *last = static_cast<char *>(allocate_surviving(page_bytes()));
  for (const ScanMethod method : every_method)
    cr_assert(in_worker(method, [last](MemoryImage &image) {
      for (int round = 0; round < 10; ++round) {
        char fresh[bytes];
        if (getrandom(fresh, bytes, 0) != bytes || memcmp(fresh, last, bytes) == 0)
          return false;
        memcpy(last, fresh, bytes);
        if (getentropy(fresh, bytes) != 0 || memcmp(fresh, last, bytes) == 0 ||
            image.rewind() != RewindFailure::none)
          return false;
      }
      return true;
    }));
}

Test(memory_image, what_changed_between_the_checkpoint_and_adopting_stays) {
  for (const ScanMethod method : every_method)
    cr_assert(in_fork([method] {
      char *memory = map_pages(2, PROT_READ | PROT_WRITE);
      memory[0] = 1;
      auto image = MemoryImage::checkpoint({method}, nullptr);
      memory[0] = 2;
      return image && in_fork([&] {
               memory[page_bytes()] = 3;
               bool right = (*image)->open_files() && (*image)->adopt();
               for (int round = 0; round < 100; ++round) {
                 memory[0] = memory[page_bytes()] = 9;
                 right = right && (*image)->rewind() == RewindFailure::none && memory[0] == 2 &&
                         memory[page_bytes()] == 3;
               }
               return right;
             });
    }));
}

Test(memory_image, what_differs_from_the_image_costs_nothing_while_nobody_writes_it) {
  constexpr size_t pages = 50;
  char *memory = map_pages(2 * pages, PROT_READ | PROT_WRITE);
  memset(memory, 1, pages * page_bytes());
  cr_assert(in_fork([memory] {
    auto image = MemoryImage::checkpoint({ScanMethod::pagemap_scan}, nullptr);
    return image && in_fork([&] {
             for (size_t page = 0; page < 2 * pages; ++page)
               memory[page * page_bytes()] = 2; // differs, in what had content and in what had none
             memory[0] = memory[pages * page_bytes()] = 1;
             memory[pages * page_bytes()] = 0; // as it was: no difference
             bool right = (*image)->open_files() && (*image)->adopt() &&
                          (*image)->statistics().overlay_pages >= 2 * pages - 2 &&
                          (*image)->statistics().overlay_pages < 2 * pages + 20;
             for (int round = 0; round < 10; ++round)
               right = right && (*image)->rewind() == RewindFailure::none &&
                       (*image)->first_difference() == 0;
             right = right && (*image)->statistics().hot_pages < 20;
             for (const size_t page : {size_t{1}, pages, pages + 1}) { // noticed all the same
               char *const changed = memory + page * page_bytes();
               const char before = *changed;
               *changed = 3;
               right = right &&
                       (*image)->first_difference() == reinterpret_cast<uintptr_t>(changed) &&
                       (*image)->rewind() == RewindFailure::none && *changed == before;
             }
             return right;
           });
  }));
}

Test(memory_image, an_image_of_an_image_has_the_content_of_both) {
  for (const ScanMethod method : every_method)
    cr_assert(in_fork([method] {
      char *memory = map_pages(3, PROT_READ | PROT_WRITE);
      memory[0] = 1;
      auto first = MemoryImage::checkpoint({method}, nullptr);
      memory[page_bytes()] = 2;
      return first && in_fork([&] { // the next zygote
               memory[2 * page_bytes()] = 3;
               auto second = MemoryImage::checkpoint({method}, first->get());
               *first = {};
               return second && in_fork([&] {
                        bool right = (*second)->open_files() && (*second)->adopt();
                        for (int round = 0; round < 10; ++round) {
                          memset(memory, 9, 3 * page_bytes());
                          right = right && (*second)->rewind() == RewindFailure::none &&
                                  memory[0] == 1 && memory[page_bytes()] == 2 &&
                                  memory[2 * page_bytes()] == 3 && memory[1] == 0 &&
                                  (*second)->first_difference() == 0;
                        }
                        return right;
                      });
             });
    }));
}

Test(memory_image, memory_that_is_only_forked_keeps_its_content_and_has_a_file_behind_it) {
  cr_assert(in_fork([] {
    char *written = map_pages(2, PROT_READ | PROT_WRITE);
    const FileDescriptor file(memfd_create("library", MFD_CLOEXEC));
    if (ftruncate(file.get(), static_cast<off_t>(page_bytes())) != 0)
      return false;
    auto *relocated = static_cast<char *>(
        mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0));
    written[page_bytes()] = relocated[0] = 1;
    constexpr size_t many = 512; // fill huge pages
    char *filled = map_pages(many, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < many * page_bytes(); ++i)
      filled[i] = static_cast<char>(i / page_bytes() + i);
    protect(range_of(relocated, 1), PROT_READ);
    MemoryImage::Settings settings;
    settings.is_for_forks = true;
    if (!MemoryImage::checkpoint(settings, nullptr)) // not kept
      return false;
    const auto scanner = PageScanner::open(ScanMethod::pagemap_scan);
    const auto is_own = [&scanner](const char *page) {
      const PageRange range = range_of(page, 1);
      uintptr_t position = range.begin;
      PageRange run;
      return scanner->changed(range, &position, &run, 1) > 0;
    };
    for (size_t i = 0; i < many * page_bytes(); ++i)
      if (filled[i] != static_cast<char>(i / page_bytes() + i))
        return false;
    return !is_own(filled) && written[page_bytes()] == 1 && relocated[0] == 1 &&
           !is_own(written + page_bytes()) && !is_own(relocated) && dies([=] { relocated[0] = 2; });
  }));
}

Test(memory_image, a_process_with_a_second_thread_is_refused) {
  std::thread other([] { pause(); });
  other.detach();
  cr_assert(!MemoryImage::checkpoint({}, nullptr));
}

Test(memory_image, surviving_memory_survives) {
  auto *survivor = static_cast<int *>(allocate_surviving(page_bytes()));
  cr_assert(in_worker(ScanMethod::pagemap_scan, [survivor](MemoryImage &image) {
    for (int round = 0; round < 10; ++round) {
      ++*survivor;
      if (image.rewind() != RewindFailure::none)
        return false;
    }
    return *survivor == 10;
  }));
}

Test(memory_image, a_steady_request_has_no_page_fault_and_is_not_scanned) {
  char *memory = map_pages(40, PROT_READ | PROT_WRITE);
  memset(memory, 1, 40 * page_bytes());
  cr_assert(in_worker(ScanMethod::pagemap_scan, [memory](MemoryImage &image) {
    uint64_t scans = 0;
    for (int round = 0; round < 300; ++round) {
      for (size_t page = 0; page < 40; ++page)
        memory[page * page_bytes() + 7] = 2;
      ++in_thread; // the C library writes that page, too, if only now and then
      if (image.rewind() != RewindFailure::none)
        return false;
      if (round == 20)
        scans = image.statistics().scans;
    }
    return image.statistics().scans == scans && image.first_difference() == 0;
  }));
}

Test(memory_image, a_heavy_request_leaves_no_hot_pages_behind) {
  constexpr size_t pages = 2000;
  char *memory = map_pages(pages, PROT_READ | PROT_WRITE);
  memset(memory, 1, pages * page_bytes());
  cr_assert(in_worker(ScanMethod::pagemap_scan, [memory](MemoryImage &image) {
    for (int round = 0; round < 5; ++round) {
      memset(memory, 2, pages * page_bytes());
      if (image.rewind() != RewindFailure::none || image.statistics().hot_pages > 64)
        return false;
    }
    return image.first_difference() == 0;
  }));
}

Test(memory_image, what_several_requests_write_becomes_hot_and_cools_again) {
  constexpr size_t pages = 300;
  char *memory = map_pages(pages, PROT_READ | PROT_WRITE);
  memset(memory, 1, pages * page_bytes());
  cr_assert(in_worker(ScanMethod::pagemap_scan, [memory](MemoryImage &image) {
    for (int round = 0; round < 3; ++round) {
      memset(memory, 2, pages * page_bytes());
      if (image.rewind() != RewindFailure::none)
        return false;
    }
    if (image.statistics().hot_pages < pages)
      return false;
    for (int round = 0; round < 20; ++round) {
      memory[0] = 2;
      if (image.rewind() != RewindFailure::none)
        return false;
    }
    return image.statistics().hot_pages < 64 && image.first_difference() == 0;
  }));
}

Test(memory_image, too_much_touched_memory_is_refused) {
  char *memory = map_pages(1000, PROT_READ | PROT_WRITE);
  cr_assert(in_worker(
      ScanMethod::pagemap_scan,
      [memory](MemoryImage &image) {
        memset(memory, 2, 1000 * page_bytes());
        return image.rewind() == RewindFailure::too_much_touched;
      },
      size_t{1} << 20));
}

Test(memory_image, memory_that_was_not_accessible_is_empty_again_and_counts_as_touched) {
  constexpr size_t pages = 600;
  char *memory = map_pages(pages, PROT_NONE);
  const auto use = [&](MemoryImage &image, size_t touched) {
    for (size_t page = 0; page < pages; page += 4) // as V8 does, in pieces
      image.note_protection(range_of(memory + page * page_bytes(), 4));
    static_cast<void>(protect(range_of(memory, pages), PROT_READ | PROT_WRITE));
    memset(memory, 2, touched * page_bytes());
    return image.rewind();
  };
  for (const ScanMethod method : every_method)
    cr_assert(in_worker(method, [&](MemoryImage &image) {
      for (int round = 0; round < 5; ++round)
        if (use(image, pages) != RewindFailure::none || image.first_difference() != 0 ||
            !dies([&] { memory[pages / 2 * page_bytes()] = 1; }))
          return false;
      static_cast<void>(protect(range_of(memory, pages), PROT_READ));
      return memory[0] == 0 && memory[pages * page_bytes() - 1] == 0;
    }));
  for (const ScanMethod method : {ScanMethod::pagemap_scan, ScanMethod::pagemap})
    cr_assert(in_worker(
        method,
        [&](MemoryImage &image) {
          return use(image, 200) == RewindFailure::none &&
                 use(image, pages) == RewindFailure::too_much_touched;
        },
        size_t{400} * page_bytes()));
}

Test(memory_image, after_a_heavy_request_reading_is_no_page_fault) {
  constexpr size_t pages = 250;
  char *memory = map_pages(pages, PROT_READ | PROT_WRITE);
  memset(memory, 1, pages * page_bytes());
  cr_assert(in_worker(ScanMethod::pagemap_scan, [memory](MemoryImage &image) {
    const auto only_read = [&] {
      for (size_t page = 0; page < pages; ++page)
        if (memory[page * page_bytes()] != 1)
          return false;
      return image.rewind() == RewindFailure::none;
    };
    for (int round = 0; round < 3; ++round) {
      if (!only_read() || !only_read())
        return false;
      for (size_t page = 0; page < pages; page += 1 + page / 100 * 10) // a run, and scattered
        memory[page * page_bytes()] = 2;
      if (image.rewind() != RewindFailure::none)
        return false;
      const uint64_t scans = image.statistics().scans;
      if (!only_read() || image.statistics().scans != scans)
        return false;
    }
    return true;
  }));
}

Test(memory_image, a_mapping_that_appears_is_noticed) {
  for (const ScanMethod method : every_method)
    cr_assert(in_worker(method, [](MemoryImage &image) {
      map_pages(10, PROT_READ | PROT_WRITE)[0] = 1;
      return image.rewind() == RewindFailure::mapping_changed;
    }));
}

Test(memory_image, deep_recursion_is_no_new_mapping) {
  cr_assert(in_worker(ScanMethod::pagemap_scan, [](MemoryImage &image) {
    const std::function<int(int)> recurse = [&](int depth) {
      volatile char frame[1000];
      frame[0] = static_cast<char>(depth);
      return depth == 0 ? frame[0] : recurse(depth - 1) + frame[0];
    };
    static_cast<void>(recurse(700));
    return image.rewind() == RewindFailure::none;
  }));
}

namespace {

constexpr uint64_t left = 0xa7a7'1234'5678'a7a7;

// Leaves words at that depth below the caller's frame, and has been down there.
[[gnu::noinline]] void leave_on_stack(size_t depth) {
  auto *deep = static_cast<volatile uint64_t *>(alloca(depth));
  for (int i = 0; i < 64; ++i)
    deep[i] = left;
}

// Of those that are below this frame.
[[gnu::noinline]] size_t left_on_stack() {
  constexpr size_t deepest = (size_t{2} << 20) - (size_t{64} << 10), own = 512;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) / 8 * 8 - own;
  size_t found = 0;
  for (uintptr_t address = here - deepest; address < here; address += 8)
    found += *reinterpret_cast<const volatile uint64_t *>(address) == left;
  return found;
}

} // namespace

Test(memory_image, nothing_of_a_request_stays_on_the_stack_however_deep_it_was) {
  for (const ScanMethod method : every_method)
    for (const size_t kilobytes : {10, 20, 100, 250, 300, 1000})
      cr_expect(in_worker(method,
                          [kilobytes](MemoryImage &image) {
                            for (int round = 0; round < 3; ++round) { // later ones without a fault
                              leave_on_stack(kilobytes << 10);
                              if (image.rewind() != RewindFailure::none || left_on_stack() != 0)
                                return false;
                            }
                            for (int i = 0; i < 100; ++i) // a small one after the other
                              if (image.rewind() != RewindFailure::none)
                                return false;
                            return image.first_difference() == 0;
                          }),
                "%zu kB", kilobytes);
}

namespace {

// Code and constants: to use them is no page fault then.
void bring_in_programs() {
  const auto bring_in = [](dl_phdr_info *object, size_t, void *) {
    for (const auto *part = object->dlpi_phdr; part < object->dlpi_phdr + object->dlpi_phnum;
         ++part) {
      const uintptr_t begin = object->dlpi_addr + part->p_vaddr / page_bytes() * page_bytes();
      if (part->p_type == PT_LOAD && (part->p_flags & PF_W) == 0)
        populate({begin, object->dlpi_addr + part->p_vaddr + part->p_memsz});
    }
    return 0;
  };
  dl_iterate_phdr(bring_in, nullptr);
}

} // namespace

// The first one, when all that it touches is there already.
Test(memory_image, nothing_of_a_request_without_a_page_fault_stays_on_the_stack) {
  for (const ScanMethod method : every_method)
    cr_expect(in_fork([method] {
      auto image = MemoryImage::checkpoint({method, size_t{64} << 20}, nullptr);
      return image && in_fork([&image] {
               bring_in_programs();
               leave_on_stack(size_t{20} << 10);
               if (!(*image)->open_files() || !(*image)->adopt())
                 return false;
               leave_on_stack(size_t{20} << 10);
               return (*image)->rewind() == RewindFailure::none && left_on_stack() == 0;
             });
    }));
}

Test(memory_image, verification_finds_what_is_left_on_the_stack) {
  for (const ScanMethod method : every_method)
    cr_expect(in_worker(method, [](MemoryImage &image) {
      leave_on_stack(size_t{100} << 10);
      if (image.rewind() != RewindFailure::none || image.first_difference() != 0)
        return false;
      leave_on_stack(size_t{100} << 10);
      return image.first_difference() != 0;
    }));
}

Test(memory_image, verification_finds_a_byte_that_differs) {
  char *memory = map_pages(2, PROT_READ | PROT_WRITE);
  memory[0] = 1;
  cr_assert(in_worker(ScanMethod::pagemap_scan, [memory](MemoryImage &image) {
    if (image.rewind() != RewindFailure::none || image.first_difference() != 0)
      return false;
    memory[page_bytes() + 9] = 1;
    return image.first_difference() == reinterpret_cast<uintptr_t>(memory) + page_bytes();
  }));
}

Test(memory_image, a_failing_step_of_the_checkpoint_is_an_error) {
  for (const char *step : {"checkpoint.regions", "checkpoint.file", "checkpoint.content",
                           "checkpoint.write", "checkpoint.map"}) {
    arm_faults(step);
    cr_assert(in_fork([] { return !MemoryImage::checkpoint({}, nullptr); }), "%s", step);
  }
}

Test(memory_image, a_failing_step_of_the_rewind_is_an_error) {
  char *memory = map_pages(200, PROT_READ | PROT_WRITE);
  for (const char *step :
       {"rewind.break", "rewind.protection", "rewind.mappings", "rewind.scan", "rewind.drop"}) {
    arm_faults(step);
    cr_assert(in_worker(ScanMethod::pagemap_scan,
                        [memory](MemoryImage &image) {
                          memset(memory, 1, 200 * page_bytes());
                          image.note_protection(range_of(memory, 200));
                          memset(malloc(size_t{8} << 20), 1, size_t{8} << 20);
                          return image.rewind() != RewindFailure::none;
                        }),
              "%s", step);
  }
}

namespace {

// What processes write as layers, for others to read.
struct LayerFile {
  FileDescriptor file{memfd_create("layer", MFD_CLOEXEC)};
  MemoryLayer read() const {
    void *memory = mmap(nullptr, size_t{1} << 30, PROT_READ, MAP_SHARED, file.get(), 0);
    return {memory == MAP_FAILED ? nullptr : static_cast<const char *>(memory), file.get(), 0};
  }
};

// As in_fork(), of what lies on the stack: a heap that goes back to its checkpoint has none of it.
template <typename F> bool in_plain_fork(const F &body) {
  const pid_t child = fork();
  if (child == 0)
    _exit(body() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0;
}

bool can_write(char *byte) {
  return in_plain_fork([byte] {
    *static_cast<volatile char *>(byte) = 1;
    return true;
  });
}

// A forked process adopts the image, does this, and writes it as a layer.
template <typename F> bool writes_layer(MemoryImage &image, const LayerFile &layer, const F &task) {
  return in_plain_fork([&] {
    if (!image.open_files() || !image.return_to_checkpoint() || !image.adopt())
      return false;
    task();
    const auto written = image.write_layer(layer.file);
    return written && *written > 0;
  });
}

} // namespace

Test(memory_image, a_layer_is_what_a_process_has_changed_and_another_puts_it_on) {
  (void)has_protection_keys(); // computed once, and kept
  for (const ScanMethod method : every_method) {
    char *const reserved = map_pages(16, PROT_NONE);
    char *const code = map_pages(2, PROT_READ | PROT_WRITE);
    memset(code, 1, page_bytes());
    mprotect(code, 2 * page_bytes(), PROT_READ);
    constexpr size_t many = 40;
    char *const whole = map_pages(many, PROT_READ | PROT_WRITE);
    memset(whole, 1, many * page_bytes());
    const auto whole_is = [whole](char value, size_t from, size_t to) {
      return std::ranges::all_of(std::span(whole + from * page_bytes(), (to - from) * page_bytes()),
                                 [value](char byte) { return byte == value; });
    };
    auto *const on_heap = new int(3);
    cr_assert(in_fork([&] {
      auto image = MemoryImage::checkpoint({method, size_t{64} << 20}, nullptr);
      if (!image)
        return false;
      MemoryImage &memory = **image;
      const LayerFile first, second;
      const auto changes = [&](int value) {
        return [&memory, reserved, code, whole, on_heap, value] {
          in_data = *on_heap = value;
          // Pages 5 to 25, 10 to 30: kept whole.
          memset(whole + static_cast<size_t>(value) / 2 * page_bytes(), value, 20 * page_bytes());
          if (value == 10) { // what was reserved is used, what can't be written has changed
            mprotect(reserved + page_bytes(), 4 * page_bytes(), PROT_READ | PROT_WRITE);
            memory.note_protection(range_of(reserved + page_bytes(), 4));
            reserved[page_bytes()] = reserved[3 * page_bytes() + 7] = static_cast<char>(value);
            mprotect(code, page_bytes(), PROT_READ | PROT_WRITE);
            code[5] = static_cast<char>(value);
            mprotect(code, page_bytes(), PROT_READ);
            memory.note_protection(range_of(code, 1));
          } else {
            in_bss = value;
          }
        };
      };
      if (!writes_layer(memory, first, changes(10)) || !writes_layer(memory, second, changes(20)))
        return false;
      in_data = in_bss = 99; // of the parent, after the checkpoint: no fork has it
      const auto is_as_first = [&] {
        return whole_is(1, 0, 5) && whole_is(10, 5, 25) && whole_is(1, 25, many) && in_data == 10 &&
               *on_heap == 10 && in_bss == 0 && reserved[page_bytes()] == 10 &&
               reserved[3 * page_bytes() + 7] == 10 && reserved[2 * page_bytes()] == 0 &&
               code[5] == 10 && code[6] == 1 && !can_write(code + 5) && !can_write(reserved);
      };
      const auto is_as_second = [&] {
        return whole_is(1, 0, 10) && whole_is(20, 10, 30) && whole_is(1, 30, many) &&
               in_data == 20 && *on_heap == 20 && in_bss == 20 && code[5] == 1 &&
               !can_write(reserved + page_bytes());
      };
      const auto is_as_image = [&] {
        return whole_is(1, 0, many) && in_data == 1 && *on_heap == 3 && in_bss == 0 &&
               code[5] == 1 && !can_write(reserved + page_bytes());
      };
      const auto is_put_on = [&](const MemoryLayer &layer, const auto &is_right,
                                 const auto &request) {
        if (memory.rewind() != RewindFailure::none ||
            memory.use_layer(layer) != RewindFailure::none || memory.first_difference() != 0)
          return false;
        for (int round = 0; round < 3; ++round) {
          if (!is_right())
            return false;
          request();
          if (memory.rewind(1) != RewindFailure::none || memory.first_difference() != 0)
            return false;
        }
        return is_right();
      };
      return in_plain_fork([&] {
        const MemoryLayer one = first.read(), two = second.read();
        if (!one.content || !two.content || !memory.open_files() ||
            !memory.return_to_checkpoint() || !memory.adopt())
          return false;
        for (int round = 0; round < 10; ++round) {
          const bool good =
              is_put_on(one, is_as_first,
                        [&] {
                          in_data = in_bss = *on_heap = 5;
                          memset(whole, 5, many * page_bytes() / 2);
                          reserved[page_bytes()] = reserved[2 * page_bytes()] = 5;
                          mprotect(reserved, 16 * page_bytes(), PROT_READ | PROT_WRITE);
                          memory.note_protection(range_of(reserved, 16));
                          reserved[9 * page_bytes()] = 5;
                          mprotect(code, page_bytes(), PROT_READ | PROT_WRITE);
                          memory.note_protection(range_of(code, 1));
                          code[5] = 6;
                        }) &&
              is_put_on(two, is_as_second,
                        [&] {
                          in_data = in_bss = *on_heap = 5;
                          whole[12 * page_bytes()] = 5;
                        }) &&
              (round % 2 == 1 ||
               is_put_on({}, is_as_image, [&] { in_data = in_bss = *on_heap = 6; }));
          if (!good)
            return false;
        }
        // One script for a while: what it does not write is copied no more.
        const auto copied = [&memory] { return memory.statistics().pages_copied; };
        const uint64_t before = copied();
        if (!is_put_on(one, is_as_first, [] {}))
          return false;
        const uint64_t at_first = copied() - before;
        for (int round = 0; round < 1000; ++round)
          if (memory.rewind(1) != RewindFailure::none)
            return false;
        const uint64_t after = copied();
        for (int round = 0; round < 4; ++round)
          if (memory.rewind(1) != RewindFailure::none)
            return false;
        const bool is_less = method == ScanMethod::drop || copied() - after < at_first;
        return is_less && is_as_first() && is_put_on(two, is_as_second, [] { in_data = 6; });
      });
    }));
    delete on_heap;
  }
}
