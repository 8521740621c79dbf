// SPDX-License-Identifier: Apache-2.0
// Timers follow the clock that the loop was given.
#include "daemon/master/loop/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <criterion/criterion.h>
#include <cstdlib>
#include <random>
#include <string>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace lethe;

namespace {

class HeldClock final : public Clock {
public:
  int64_t now_us() const override { return time_us; }
  int64_t time_us = 1'000'000;
};

// A loop in its own time.
struct Held {
  HeldClock clock;
  EventLoop loop{clock};
  std::string called;

  bool round_after(int64_t us) {
    clock.time_us += us;
    return loop.run_round(false);
  }
  std::function<void()> note(char name) {
    return [this, name] { called += name; };
  }
};

} // namespace

Test(event_loop, the_environment_does_not_choose_how_it_waits) {
  ::setenv("EVENT_NOEPOLL", "1", 1);
  cr_assert_str_eq(event_base_get_method(Held().loop.base()), "epoll");
}

// In the place of the C library's, also for libevent.
static int refused = 0;
extern "C" __attribute__((visibility("default"))) int epoll_ctl(int epoll, int what, int file,
                                                                epoll_event *event) noexcept {
  if (what == EPOLL_CTL_ADD && refused > 0) {
    --refused;
    errno = ENOSPC;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, what, file, event));
}

Test(watch, is_added_as_soon_as_the_kernel_has_room) {
  const MonotonicClock clock;
  EventLoop loop(clock);
  int ends[2];
  cr_assert_eq(::pipe(ends), 0);
  int called = 0;
  Watch watch(loop, ends[0], EV_READ, [&] {
    ++called;
    loop.stop();
  });
  refused = 3;
  watch.enable();
  watch.disable(); // nothing is left of it
  watch.enable();
  cr_assert_eq(::write(ends[1], "x", 1), 1);
  loop.run();
  cr_assert_eq(called, 1);
  cr_assert_eq(refused, 0);
  refused = 1;
  {
    Watch gone(loop, ends[1], EV_WRITE, [] {});
    gone.enable();
  }
  loop.run_round(false);
}

Test(timer, never_fires_before_its_time) {
  const MonotonicClock clock;
  EventLoop loop(clock);
  for (int64_t delay_us = 0; delay_us < 12'000; delay_us += 237) {
    bool fired = false;
    Timer timer(loop, [&] { fired = true; });
    loop.read_clock_again();
    const int64_t begin_us = clock.now_us();
    timer.start(delay_us);
    while (!fired)
      loop.run_round();
    cr_assert_geq(clock.now_us() - begin_us, delay_us);
  }
}

Test(timer, fires_by_the_clock_that_was_handed_in) {
  Held held;
  Timer timer(held.loop, held.note('a'));
  timer.start(3'600'000'000);
  cr_assert_eq(*held.loop.next_timer_us(), held.clock.time_us + 3'600'000'000);
  cr_assert(!held.round_after(3'599'999'999));
  cr_assert(timer.pending() && held.called.empty());
  cr_assert(held.round_after(1));
  cr_assert_eq(held.called, "a");
  cr_assert(!timer.pending() && !held.loop.next_timer_us());
}

Test(timer, those_that_are_due_fire_in_the_order_of_their_times_and_then_of_their_starts) {
  Held held;
  Timer a(held.loop, held.note('a')), b(held.loop, held.note('b')), c(held.loop, held.note('c')),
      d(held.loop, held.note('d'));
  a.start(20);
  b.start(10);
  c.start(20);
  d.start(10);
  b.start(10); // moved behind d
  held.round_after(50);
  cr_assert_eq(held.called, "dbac");
}

Test(timer, one_that_is_started_by_a_timer_has_its_turn_in_the_next_round) {
  Held held;
  int times = 0;
  Timer again(held.loop, [&] { again.start(0), ++times; });
  again.start(0);
  held.round_after(0);
  cr_assert_eq(times, 1);
  held.round_after(0);
  cr_assert_eq(times, 2);
}

Test(timer, one_may_stop_another_that_is_due) {
  Held held;
  Timer victim(held.loop, held.note('v'));
  Timer first(held.loop, [&] { victim.stop(); });
  first.start(1);
  victim.start(1);
  held.round_after(1);
  cr_assert_eq(held.called, "");
}

Test(timer, input_goes_before_timers) {
  Held held;
  int ends[2];
  cr_assert_eq(pipe(ends), 0);
  cr_assert_eq(write(ends[1], "x", 1), 1);
  Timer timer(held.loop, held.note('t'));
  timer.start(0);
  Watch watch(held.loop, ends[0], EV_READ, held.note('i'));
  watch.enable();
  held.round_after(1);
  cr_assert_eq(held.called, "it");
}

Test(timer, starts_moves_and_stops_in_any_order_keep_the_order_of_calls) {
  std::minstd_rand random(7);
  for (int turn = 0; turn < 200; ++turn) {
    Held held;
    std::vector<int64_t> due_us(50, -1), fired;
    std::vector<std::unique_ptr<Timer>> timers;
    for (const int64_t &due : due_us)
      timers.push_back(std::make_unique<Timer>(held.loop, [&] { fired.push_back(due); }));
    for (int step = 0; step < 300; ++step) {
      const size_t i = random() % due_us.size();
      const bool stops = random() % 4 == 0;
      due_us[i] = stops ? -1 : static_cast<int64_t>(random() % 1000);
      stops ? timers[i]->stop() : timers[i]->start(due_us[i]);
    }
    std::vector<int64_t> expected = due_us;
    std::erase(expected, -1);
    std::sort(expected.begin(), expected.end());
    held.round_after(1000);
    cr_assert(fired == expected);
  }
}
