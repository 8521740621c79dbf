// SPDX-License-Identifier: Apache-2.0
// How many faults are too many, and for how long.
#include "daemon/master/dispatch/run_history.h"

#include <criterion/criterion.h>

using namespace lethe;

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr RunHistory::Limits three_in_ten_minutes{.faults = 3, .within_us = 10 * minute_us};

bool has_key(const Error &error, std::string_view key) {
  for (const auto &[name, value] : error.keys)
    if (name == key)
      return true;
  return false;
}

} // namespace

Test(run_history, a_script_is_quarantined_until_it_is_released) {
  const auto script = RunHistory::of_script("acme/s", 7);
  cr_assert(!script->note_fault(1, three_in_ten_minutes));
  cr_assert(!script->note_fault(2, three_in_ten_minutes));
  cr_assert_eq(script->faults(2), 2);
  cr_assert(!script->is_quarantined(2));
  cr_assert(script->note_fault(3, three_in_ten_minutes));
  cr_assert(script->is_quarantined(1000 * minute_us));
  cr_assert(!script->note_fault(4, three_in_ten_minutes), "once is enough");
  const Error error = script->error(5);
  cr_assert_eq(error.code, ErrorCode::quarantined);
  for (const char *part :
       {"version 7 of script acme/s", "3 workers", "10 minutes", "lethe script release acme/s"})
    cr_assert(error.message.find(part) != error.message.npos, "%s", error.message.c_str());
  cr_assert(!has_key(error, "retry_after_ms"), "it would be the same again");
  cr_assert(script->release(6));
  cr_assert(!script->is_quarantined(6));
  cr_assert(!script->release(7));
  cr_assert(!script->note_fault(8, three_in_ten_minutes), "it starts afresh");
}

Test(run_history, a_users_evals_are_refused_for_a_while) {
  const auto evals = RunHistory::of_evals(1000);
  for (int64_t time_us = 1; time_us <= 2; ++time_us)
    cr_assert(!evals->note_fault(time_us, three_in_ten_minutes));
  cr_assert(evals->note_fault(3, three_in_ten_minutes));
  cr_assert(evals->is_quarantined(9 * minute_us));
  cr_assert(has_key(evals->error(9 * minute_us), "retry_after_ms"));
  cr_assert(!evals->is_clean(9 * minute_us));
  cr_assert(!evals->is_quarantined(11 * minute_us));
  cr_assert(evals->is_clean(11 * minute_us));
}

Test(run_history, a_fault_now_and_then_is_forgotten) {
  const auto script = RunHistory::of_script("s", 1);
  for (int64_t hour = 0; hour < 100; ++hour)
    for (const int64_t minute : {0, 5})
      cr_assert(!script->note_fault((hour * 60 + minute) * minute_us, three_in_ten_minutes));
  cr_assert(script->is_clean(100 * 60 * minute_us));
}

Test(run_history, a_limit_of_0_is_none) {
  const auto script = RunHistory::of_script("s", 1);
  for (int64_t time_us = 0; time_us < 1000; ++time_us)
    cr_assert(!script->note_fault(time_us, {.faults = 0, .within_us = minute_us}));
  cr_assert(!script->is_quarantined(1000));
}
