// SPDX-License-Identifier: Apache-2.0
// Which calls of requests are kept, and when a generation is made with them.
#include "daemon/master/pools/call_samples.h"

#include <criterion/criterion.h>
#include <string>

using namespace lethe;

namespace {

constexpr int64_t wait_us = CallSamples::wait_us;

// As the master does: kept if it is wanted.
bool keep(CallSamples &samples, std::string_view function, std::string_view arguments,
          int64_t now_us = 0) {
  const message::WarmUpCall call{function, arguments, {}};
  const bool is_wanted = samples.wants(call);
  if (is_wanted)
    samples.add(call, now_us);
  return is_wanted;
}

// Of so many functions, each with as many different arguments: how many are kept.
size_t keep_all(CallSamples &samples, int functions, int calls, int64_t now_us = 0) {
  size_t kept = 0;
  for (int function = 0; function < functions; ++function)
    for (int call = 0; call < calls; ++call)
      kept += keep(samples, std::string(1, static_cast<char>('a' + function)),
                   std::string("\x91") + static_cast<char>(call), now_us);
  return kept;
}

} // namespace

Test(call_samples, a_call_is_kept_once) {
  CallSamples samples;
  cr_assert(keep(samples, "f", "\x90"));
  cr_assert(!keep(samples, "f", "\x90"));
  cr_assert(keep(samples, "f", "\x91\x01"));
  cr_assert(keep(samples, "g", "\x90"));
  cr_assert_eq(samples.calls().size(), 3);
  cr_assert_eq(samples.calls()[1]->function, "f");
  cr_assert_eq(samples.calls()[1]->arguments, "\x91\x01");
  cr_assert_eq(samples.bytes(), 3 + 4);
  cr_assert(!samples.wants({"g", "\x90", {.fetch = false}}));
  cr_assert(samples.wants({"g", "\x90", {.fetch = true}}), "it is another call");
}

Test(call_samples, long_arguments_are_not_kept) {
  CallSamples samples;
  const auto arguments_of = [](size_t bytes) { // in all
    std::string text = "\x91\xda";
    const size_t rest = bytes - 4;
    text += {static_cast<char>(rest >> 8), static_cast<char>(rest & 0xff)};
    return text + std::string(rest, 'x');
  };
  cr_assert(keep(samples, "f", arguments_of(CallSamples::most_argument_bytes)));
  cr_assert(!keep(samples, "g", arguments_of(CallSamples::most_argument_bytes + 1)));
}

Test(call_samples, there_is_room_for_what_comes_later_and_for_other_functions) {
  CallSamples samples;
  cr_assert_eq(keep_all(samples, 1, 100), 2);
  cr_assert_eq(keep_all(samples, 9, 100), 2);
  samples.used(4, 0);
  cr_assert_eq(keep_all(samples, 9, 100), 2);
  samples.used(6, 0);
  cr_assert_eq(keep_all(samples, 9, 100), 2);
  cr_assert_eq(samples.calls().size(), CallSamples::most_calls);
  samples.used(8, 0);
  cr_assert(!samples.are_new() && !samples.are_due(INT64_MAX));
}

Test(call_samples, they_are_due_some_time_after_the_first_new_one) {
  CallSamples samples;
  cr_assert(!samples.are_new() && !samples.are_due(wait_us));
  keep(samples, "f", "\x90", 7);
  keep(samples, "g", "\x90", 8 + wait_us);
  cr_assert(samples.are_new() && !samples.are_due(6 + wait_us) && samples.are_due(7 + wait_us));
  // One came while the generation was made.
  samples.used(1, 2 * wait_us);
  cr_assert(samples.are_new() && !samples.are_due(3 * wait_us - 1) && samples.are_due(3 * wait_us));
}

Test(call_samples, new_ones_are_used_a_few_times_only) {
  CallSamples samples;
  size_t times = 0;
  for (char name = 'a'; name <= 'z'; ++name)
    if (keep(samples, {&name, 1}, "\x90")) {
      samples.used(samples.calls().size(), 0);
      ++times;
    }
  cr_assert_eq(times, CallSamples::most_times);
}

Test(call_samples, what_is_lost_is_due_at_once_however_often) {
  CallSamples samples;
  samples.lost();
  cr_assert(!samples.are_new());
  keep(samples, "f", "\x90", 0);
  samples.lost(); // it was never used
  cr_assert(!samples.are_due(0));
  for (int i = 0; i < 10; ++i) {
    samples.used(1, 0);
    cr_assert(!samples.are_new());
    samples.lost();
    cr_assert(samples.are_new() && samples.are_due(0));
  }
  cr_assert(keep(samples, "g", "\x90"), "that was no time of its own");
}

Test(call_samples, what_was_no_good_is_forgotten_and_counts) {
  CallSamples samples;
  for (size_t i = 0; i < CallSamples::most_times; ++i) {
    cr_assert(keep(samples, "f", "\x90"));
    samples.forget();
    cr_assert(!samples.are_new() && samples.calls().empty() && samples.bytes() == 0);
  }
  cr_assert(!keep(samples, "f", "\x90"));
}
