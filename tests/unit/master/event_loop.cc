// SPDX-License-Identifier: Apache-2.0
// Timers.
#include "daemon/master/loop/event_loop.h"

#include <chrono>
#include <criterion/criterion.h>

using namespace lethe;

Test(timer, never_fires_before_its_time) {
  EventLoop loop;
  const auto now_us = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  for (int64_t delay_us = 0; delay_us < 12'000; delay_us += 237) {
    bool fired = false;
    Timer timer(loop, [&] { fired = true; });
    loop.read_clock_again();
    const int64_t begin_us = now_us();
    timer.start(delay_us);
    while (!fired)
      loop.run_round();
    cr_assert_geq(now_us() - begin_us, delay_us);
  }
}
