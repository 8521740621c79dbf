// SPDX-License-Identifier: Apache-2.0
// The event loop (libevent) and what hangs on it: timers, watched descriptors, work at a round's
// end.
#pragma once

#include "daemon/master/loop/heap.h"
#include "ipc/clock.h"
#include "ipc/invariant.h"

#include <cstdint>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace lethe {

class EventLoop;
class Timer;
class Watch;

// Something that collects output during a round and writes it once at the round's end.
class Flushable {
public:
  virtual void flush() = 0;

protected:
  explicit Flushable(EventLoop &loop) : loop_(loop) {}
  Flushable(const Flushable &) = delete;
  virtual ~Flushable();
  void flush_later();
  EventLoop &loop_;

private:
  friend EventLoop;
  bool waiting_ = false;
};

// One thread, one loop. A round: wait, handle all that is ready, call the timers that are due,
// flush, dispose.
class EventLoop {
public:
  // Timers follow `clock`, which stays its owner's. Only a clock that goes on by itself allows
  // rounds that wait.
  explicit EventLoop(const Clock &clock);
  EventLoop(const EventLoop &) = delete;
  ~EventLoop();

  void run(); // until stop()
  // Waits, or takes what is there. True: something was called.
  bool run_round(bool waiting = true);
  void stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  // Monotonic time in µs: one reading for all that happens in a round.
  int64_t now_us() const;
  // When the earliest timer is due.
  std::optional<int64_t> next_timer_us() const;
  // The next reading is a new one: for what must not be older than what was just received.
  void read_clock_again() { now_us_ = 0; }
  // Keeps an object that is in the middle of a call alive until the round's end.
  void dispose(std::shared_ptr<void> object) {
    invariant(object, "an object is disposed of once");
    disposed_.push_back(std::move(object));
  }
  event_base *base() { return base_; }

private:
  friend Flushable;
  friend Timer;
  friend Watch;
  void add_again();
  bool limit_wait();
  void call_due_timers();
  void end_round();

  const Clock &clock_;
  event_base *base_;
  event wait_limit_; // of a round: until the earliest timer
  bool stopped_ = false;
  mutable int64_t now_us_ = 0; // 0: not read yet in this round
  uint64_t calls_ = 0, timers_started_ = 0;
  Heap<Timer> timers_; // the earliest first, and those of one time in the order of their start
  std::vector<Watch *> not_added_; // the kernel had no room for them
  std::vector<Flushable *> flush_;
  std::vector<std::shared_ptr<void>> disposed_;
};

// Calls back once, `delay_us` after start() and never before. Starting again moves it. No system
// call, and no allocation unless more timers run than ever before.
class Timer : public HeapHook {
public:
  Timer(EventLoop &loop, std::function<void()> callback)
      : loop_(loop), callback_(std::move(callback)) {}
  Timer(const Timer &) = delete;
  ~Timer() { stop(); }
  void start(int64_t delay_us);
  void stop();
  bool pending() const { return in_heap(); }

private:
  friend EventLoop;
  friend Heap<Timer>;
  bool is_before(const Timer &other) const {
    return due_us_ != other.due_us_ ? due_us_ < other.due_us_ : start_ < other.start_;
  }

  EventLoop &loop_;
  std::function<void()> callback_;
  int64_t due_us_ = 0;
  uint64_t start_ = 0; // the loop's how manieth start
};

// Calls back whenever a descriptor is readable (EV_READ) or writable (EV_WRITE), or a signal
// (EV_SIGNAL) arrives, while enabled. Must go before its descriptor is closed. Where the kernel has
// no room for one more (epoll_ctl: ENOSPC, ENOMEM), the loop tries again and again: whoever waits for
// it would wait for ever.
class Watch {
public:
  Watch(EventLoop &loop, int descriptor_or_signal, short what, std::function<void()> callback);
  Watch(const Watch &) = delete;
  ~Watch() { disable(); }
  void enable();
  void disable();
  bool enabled() const { return enabled_; }

private:
  friend EventLoop;
  EventLoop &loop_;
  std::function<void()> callback_;
  bool enabled_ = false;
  event event_;
};

} // namespace lethe
