// SPDX-License-Identifier: Apache-2.0
// Waiting without sleeping: how long, and how often it is tried.
#include "daemon/worker/busy_poll.h"

#include <criterion/criterion.h>

#include <vector>

using namespace lethe;

namespace {

constexpr uint64_t limit_ns = 50'000;

uint64_t now, absence_ns;
int offers;

// A clock of its own: 1 us goes by between two looks, and what others take of the core.
BusyPoll on_quiet_core() {
  now = absence_ns = 0;
  offers = 0;
  return BusyPoll({.now_ns = [] { return now += 1000; },
                   .offer =
                       [] {
                         now += absence_ns;
                         ++offers;
                       }});
}

// Which of so many waits, in which nothing comes, begin with polling.
std::vector<int> tried(BusyPoll &poll, int waits) {
  std::vector<int> result;
  for (int wait = 0; wait < waits; ++wait) {
    bool asked = false;
    poll.wait(limit_ns, [&] {
      asked = true;
      return false;
    });
    if (asked)
      result.push_back(wait);
  }
  return result;
}

} // namespace

Test(busy_poll, ends_when_it_has_arrived) {
  BusyPoll poll = on_quiet_core();
  int left = 3;
  poll.wait(limit_ns, [&] { return --left == 0; });
  cr_assert_eq(left, 0);
  cr_assert_eq(offers, 2);
}

Test(busy_poll, ends_at_its_limit) {
  BusyPoll poll = on_quiet_core();
  poll.wait(limit_ns, [] { return false; });
  cr_assert_eq(offers, 50);
}

Test(busy_poll, without_a_limit_nothing_is_asked) {
  BusyPoll poll = on_quiet_core();
  bool asked = false;
  poll.wait(0, [&] { return asked = true; });
  cr_assert_not(asked);
}

Test(busy_poll, fruitless_waits_are_tried_less_often_down_to_one_of_8) {
  BusyPoll poll = on_quiet_core();
  const std::vector<int> expected{0, 2, 6, 14, 22};
  cr_assert(tried(poll, 30) == expected);
}

Test(busy_poll, on_a_core_that_others_need_down_to_one_of_1024) {
  BusyPoll poll = on_quiet_core();
  absence_ns = 3 * ns_per_ms;
  const std::vector<int> expected{0, 16, 272, 1296};
  cr_assert(tried(poll, 2000) == expected);
  cr_assert_eq(offers, 4);
}

Test(busy_poll, a_fruitful_wait_is_followed_by_another_try) {
  BusyPoll poll = on_quiet_core();
  const std::vector<int> first{0};
  cr_assert(tried(poll, 2) == first);
  poll.wait(limit_ns, [] { return true; });
  cr_assert(tried(poll, 2) == first);
}
