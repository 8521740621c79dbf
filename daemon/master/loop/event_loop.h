// SPDX-License-Identifier: Apache-2.0
// The event loop (libevent) and what hangs on it: timers, watched descriptors, work at a round's
// end.
#pragma once

#include <cstdint>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <functional>
#include <memory>
#include <vector>

namespace lethe {

class EventLoop;

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

// One thread, one loop. A round: wait, handle all that is ready, flush, dispose.
class EventLoop {
public:
  EventLoop();
  EventLoop(const EventLoop &) = delete;
  ~EventLoop();

  void run();                          // until stop()
  void run_round(bool waiting = true); // or take what is there
  void stop() { stopped_ = true; }
  // Monotonic time in µs: one reading for all that happens in a round.
  int64_t now_us() const;
  // The next reading is a new one: for what must not be older than what was just received.
  void read_clock_again() { now_us_ = 0; }
  // Keeps an object that is in the middle of a call alive until the round's end.
  void dispose(std::shared_ptr<void> object) { disposed_.push_back(std::move(object)); }
  event_base *base() { return base_; }

private:
  friend Flushable;
  void end_round();

  event_base *base_;
  bool stopped_ = false;
  mutable int64_t now_us_ = 0; // 0: not read yet in this round
  std::vector<Flushable *> flush_;
  std::vector<std::shared_ptr<void>> disposed_;
};

// Calls back once, `delay_us` after start() and never before. Starting again moves it. No system
// call.
class Timer {
public:
  Timer(EventLoop &loop, std::function<void()> callback);
  Timer(const Timer &) = delete;
  ~Timer() { stop(); }
  void start(int64_t delay_us);
  void stop() { event_del(&event_); }
  bool pending() const { return event_pending(&event_, EV_TIMEOUT, nullptr) != 0; }

private:
  void wait();
  void fire();

  EventLoop &loop_;
  std::function<void()> callback_;
  int64_t due_us_ = 0;
  event event_;
};

// Calls back whenever a descriptor is readable (EV_READ) or writable (EV_WRITE), or a signal
// (EV_SIGNAL) arrives, while enabled. Must go before its descriptor is closed.
class Watch {
public:
  Watch(EventLoop &loop, int descriptor_or_signal, short what, std::function<void()> callback);
  Watch(const Watch &) = delete;
  ~Watch() { disable(); }
  void enable();
  void disable();
  bool enabled() const { return enabled_; }

private:
  std::function<void()> callback_;
  bool enabled_ = false;
  event event_;
};

} // namespace lethe
