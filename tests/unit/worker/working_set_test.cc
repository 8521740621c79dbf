// SPDX-License-Identifier: Apache-2.0
// What one fork needed, the next ones have from the start.
#include "daemon/worker/working_set.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lethe;

namespace {

constexpr size_t page_count = 64;

struct Memory {
  volatile char *bytes =
      static_cast<volatile char *>(::mmap(nullptr, page_count *page_bytes(), PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));

  void write_every(size_t step) const {
    for (size_t i = 0; i < page_count; i += step)
      bytes[i * page_bytes()] = 1;
  }
};

long page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// In a fork: the page faults of writing to every fourth page.
int faults_in_fork(const WorkingSet &pages, const Memory &memory) {
  const pid_t child = ::fork();
  if (child == 0) {
    pages.bring_in();
    const long before = page_faults();
    memory.write_every(4);
    ::_exit(static_cast<int>(page_faults() - before));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

Test(working_set, pages_that_a_request_wrote_are_there_before_the_next_one) {
  const Memory memory;
  const WorkingSet nothing,
      learned =
          WorkingSet::learn([](void *context) { static_cast<Memory *>(context)->write_every(4); },
                            const_cast<Memory *>(&memory));
  cr_assert_geq(faults_in_fork(nothing, memory), static_cast<int>(page_count / 4));
  cr_assert_leq(faults_in_fork(learned, memory), 2); // of the stack and the call itself
}

Test(working_set, a_request_that_dies_teaches_nothing) {
  const Memory memory;
  const WorkingSet learned =
      WorkingSet::learn([](void *) { ::_exit(1); }, const_cast<Memory *>(&memory));
  cr_assert_geq(faults_in_fork(learned, memory), static_cast<int>(page_count / 4));
}
