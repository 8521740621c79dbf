// SPDX-License-Identifier: Apache-2.0
// The lease word: whatever the timing, a request is either claimed by the worker or taken back by
// the master, never both.
#include "ipc/worker_page.h"

#include <criterion/criterion.h>
#include <new>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using lethe::WorkerPage;

Test(worker_page, a_claimed_request_is_not_taken_back) {
  WorkerPage page;
  cr_assert(page.claim(1));
  cr_assert(page.claim(2));
  cr_assert_eq(page.revoke(5), 2u);
  cr_assert_not(page.claim(3));
  cr_assert_not(page.claim(5));
  cr_assert(page.claim(6));
}

Test(worker_page, nothing_is_revoked_when_all_is_claimed) {
  WorkerPage page;
  cr_assert(page.claim(3));
  cr_assert_eq(page.revoke(3), 3u);
  cr_assert(page.claim(4));
}

Test(worker_page, each_request_is_run_once_when_two_processes_race) {
  struct Shared {
    WorkerPage page;
    std::atomic<uint32_t> round{0};
    std::atomic<uint32_t> last_claimed{0};
    std::atomic<bool> finished{false};
  };
  void *memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  cr_assert_neq(memory, MAP_FAILED);
  auto *shared = new (memory) Shared;
  constexpr uint32_t rounds = 20'000, ahead = 8;

  // The worker claims a batch of requests as fast as it can while the master takes the batch back.
  const pid_t worker = ::fork();
  if (worker == 0) {
    for (uint32_t round = 1; round <= rounds; ++round) {
      while (shared->round.load() < round)
        ::sched_yield();
      const uint32_t first = (round - 1) * ahead + 1;
      uint32_t claimed = first - 1;
      for (uint32_t sequence = first; sequence < first + ahead; ++sequence)
        if (shared->page.claim(sequence))
          claimed = sequence;
      shared->last_claimed = claimed;
      shared->finished = true;
    }
    ::_exit(0);
  }
  uint32_t kept = 0, taken_back = 0;
  for (uint32_t round = 1; round <= rounds; ++round) {
    shared->finished = false;
    shared->round = round;
    if (round % 2 == 0) // both have a turn even on one processor
      ::sched_yield();
    for (uint32_t wait = round % 97; wait > 0; --wait)
      asm volatile("");
    const uint32_t first = (round - 1) * ahead + 1;
    const uint32_t revoked_after = std::max(*shared->page.revoke(first + ahead - 1), first - 1);
    while (!shared->finished)
      ::sched_yield();
    cr_assert_eq(shared->last_claimed.load(), revoked_after, "round %u", round);
    kept += revoked_after - (first - 1);
    taken_back += first + ahead - 1 - revoked_after;
  }
  int status = -1;
  ::waitpid(worker, &status, 0);
  cr_assert_eq(status, 0);
  cr_assert_eq(kept + taken_back, rounds * ahead);
  cr_assert(kept > 0 && taken_back > 0, "no race happened: %u kept, %u taken back", kept,
            taken_back);
}
