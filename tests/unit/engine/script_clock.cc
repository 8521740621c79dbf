// SPDX-License-Identifier: Apache-2.0
// The clock that scripts read, when it goes in steps.
#include "daemon/engine/script_clock.h"
#include "tests/unit/own_function.h"

#include <cmath>
#include <criterion/criterion.h>
#include <ctime>
#include <set>
#include <sys/time.h>

using lethe::ScriptClock;

namespace {

constexpr uint64_t step = ScriptClock::coarse_step_ns, begin = 1'000'000 * step;

ScriptClock coarse(uint64_t secret) {
  ScriptClock clock;
  clock.coarsen(step, secret);
  return clock;
}

// How far into the step that begins there the reading changes.
uint64_t edge(const ScriptClock &clock, uint64_t from) {
  for (uint64_t passed = 0; passed < step; passed += 100)
    if (clock.shown_ns(from + passed) != from)
      return passed;
  return step;
}

} // namespace

Test(script_clock, is_exact_unless_it_is_told_otherwise) {
  for (const uint64_t time : {uint64_t{0}, uint64_t{1}, begin + 12'345})
    cr_expect_eq(ScriptClock().shown_ns(time), time);
}

Test(script_clock, shows_whole_steps_and_never_goes_back) {
  const ScriptClock clock = coarse(4711);
  uint64_t last = 0;
  for (uint64_t time = begin; time < begin + 50 * step; time += 777) {
    const uint64_t shown = clock.shown_ns(time);
    cr_assert_eq(shown % step, 0);
    cr_assert(shown >= last && shown + step > time && shown <= time + step, "%lu at %lu", shown,
              time);
    last = shown;
  }
}

// Else a loop that counts until the reading changes would be a fine clock.
Test(script_clock, its_edges_are_elsewhere_in_each_step_and_with_each_secret) {
  std::set<uint64_t> edges, others;
  for (uint64_t i = 0; i < 100; ++i) {
    edges.insert(edge(coarse(4711), begin + i * step));
    others.insert(edge(coarse(i), begin));
  }
  cr_expect_gt(edges.size(), size_t{80});
  cr_expect_gt(others.size(), size_t{80});
}

// The C library's own makes a system call that no sandbox allows, where the vDSO has no clock to read
// (in some virtual machines).
Test(script_clock, libraries_ask_for_wall_time_by_the_call_that_is_allowed) {
  cr_assert(lethe::test::is_own_function("gettimeofday"));
  timeval told{};
  cr_assert(gettimeofday(&told, nullptr) == 0);
  cr_assert(std::abs(told.tv_sec - time(nullptr)) <= 1 && told.tv_usec < 1'000'000);
}
