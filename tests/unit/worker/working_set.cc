// SPDX-License-Identifier: Apache-2.0
// What one worker touched, the next ones have from the start.
#include "daemon/worker/memory/working_set.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lethe;

namespace {

constexpr size_t page_count = 64;

// Private pages of a file, as a zygote's are.
struct Memory {
  FileDescriptor file{::memfd_create("test", MFD_CLOEXEC)};
  char *bytes = nullptr;

  Memory() {
    for (size_t i = 0; i < page_count; ++i)
      cr_assert_eq(pwrite(file.get(), "x", 1, static_cast<off_t>(i * page_bytes())), 1);
    bytes = static_cast<char *>(::mmap(nullptr, page_count * page_bytes(), PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE, file.get(), 0));
  }
  // Reads the first half, writes to the second.
  void touch(size_t step) const {
    auto *pages = static_cast<volatile char *>(bytes);
    for (size_t i = 0; i < page_count; i += step)
      if (i < page_count / 2)
        static_cast<void>(pages[i * page_bytes()]);
      else
        pages[i * page_bytes()] = 1;
  }
};

long page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// A worker that brings in what is known, and does `work` with the descriptors it keeps. Its exit
// status.
template <typename Work> int run_worker(WorkingSet &pages, Work work) {
  pages.before_fork();
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<int> kept;
    pages.bring_in(kept);
    ::_exit(work(kept));
  }
  pages.after_fork(child);
  int status = 0;
  ::waitpid(child, &status, 0);
  pages.take(child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The page faults of a worker's work.
int faults_of_worker(WorkingSet &pages, const Memory &memory, size_t step = 4) {
  return run_worker(pages, [&](const std::vector<int> &) {
    const long before = page_faults();
    memory.touch(step);
    const long faults = page_faults() - before;
    pages.tell();
    return static_cast<int>(faults);
  });
}

} // namespace

Test(working_set, pages_that_each_request_touches_are_there_before_the_next_one) {
  const Memory memory;
  WorkingSet pages;
  for (int i = 0; i < WorkingSet::tellers; ++i)
    cr_assert_geq(faults_of_worker(pages, memory), 8);
  cr_assert_leq(faults_of_worker(pages, memory), 2); // of the stack and the call itself
  cr_assert_leq(faults_of_worker(pages, memory), 2);
  cr_assert_eq(memory.bytes[(page_count - 4) * page_bytes()], 'x'); // brought in, not changed
}

Test(working_set, pages_that_only_some_requests_touch_are_left_out) {
  const Memory memory;
  WorkingSet pages;
  for (int i = 0; i < WorkingSet::tellers; ++i)
    faults_of_worker(pages, memory, i == 1 ? 8 : 1);
  cr_assert_leq(faults_of_worker(pages, memory, 8), 2);
  cr_assert_geq(faults_of_worker(pages, memory, 1), 24); // of 32 written ones, 4 were common
}

Test(working_set, after_a_worker_that_dies_before_it_tells_the_next_one_does) {
  const Memory memory;
  WorkingSet pages;
  run_worker(pages, [&](const std::vector<int> &) {
    memory.touch(1);
    return 0;
  });
  for (int i = 0; i < WorkingSet::tellers; ++i)
    cr_assert_geq(faults_of_worker(pages, memory), 8);
  cr_assert_leq(faults_of_worker(pages, memory), 2);
}

Test(working_set, pages_that_are_not_there_are_not_believed) {
  struct Told {
    uintptr_t begin, end;
    bool is_written;
  };
  const Memory memory;
  const auto begin = reinterpret_cast<uintptr_t>(memory.bytes),
             end = begin + page_count * page_bytes(), code = reinterpret_cast<uintptr_t>(&::fork);
  for (const Told lie : {Told{page_bytes(), 2 * page_bytes(), false}, Told{end, begin, true},
                         Told{begin, UINTPTR_MAX, true}, Told{code, code + 1, true}}) {
    WorkingSet pages;
    run_worker(pages, [&](const std::vector<int> &kept) {
      return static_cast<int>(::write(kept.at(0), &lie, sizeof lie));
    });
    // The next ones live, and are asked.
    for (int i = 0; i < WorkingSet::tellers; ++i)
      cr_assert_geq(faults_of_worker(pages, memory), 8);
    cr_assert_leq(faults_of_worker(pages, memory), 2);
  }
}

// A descriptor that is none would have the sandbox close those that are kept, too.
Test(working_set, a_worker_that_cannot_open_its_pagemap_keeps_nothing_open_and_tells_nothing) {
  WorkingSet pages;
  pages.before_fork();
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NOFILE, &none);
    std::vector<int> kept;
    pages.bring_in(kept);
    pages.tell();
    ::_exit(static_cast<int>(kept.size()));
  }
  pages.after_fork(child);
  int status = -1;
  ::waitpid(child, &status, 0);
  pages.take(child);
  cr_assert_eq(status, 0);
}
