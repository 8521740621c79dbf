// SPDX-License-Identifier: Apache-2.0
// A round of the event loop.
#include "daemon/master/loop/event_loop.h"
#include "ipc/error.h"

#include <algorithm>
#include <ctime>

namespace lethe {

EventLoop::EventLoop() : base_(event_base_new()) {
  if (!base_)
    fatal("libevent finds a way to wait for events");
}

EventLoop::~EventLoop() {
  disposed_.clear();
  event_base_free(base_);
}

void EventLoop::run() {
  while (!stopped_)
    run_round();
}

void EventLoop::run_round(bool waiting) {
  now_us_ = 0;
  event_base_loop(base_, waiting ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
  end_round();
}

int64_t EventLoop::now_us() const {
  if (now_us_ == 0) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_us_ = int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  }
  return now_us_;
}

void EventLoop::end_round() {
  // A flush may find its peer gone, and what follows from that may want others flushed.
  for (size_t i = 0; i < flush_.size(); ++i) // NOLINT(modernize-loop-convert): it may grow
    if (Flushable *flushable = flush_[i]) {
      flushable->waiting_ = false;
      flushable->flush();
    }
  flush_.clear();
  while (!disposed_.empty()) // a destructor may dispose of more
    std::exchange(disposed_, {}).clear();
}

Flushable::~Flushable() {
  if (waiting_)
    std::replace(loop_.flush_.begin(), loop_.flush_.end(), this, static_cast<Flushable *>(nullptr));
}

void Flushable::flush_later() {
  if (std::exchange(waiting_, true))
    return;
  loop_.flush_.push_back(this);
}

Timer::Timer(EventLoop &loop, std::function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {
  evtimer_assign(
      &event_, loop.base(),
      [](evutil_socket_t, short, void *timer) { static_cast<Timer *>(timer)->fire(); }, this);
}

void Timer::start(int64_t delay_us) {
  due_us_ = loop_.now_us() + delay_us;
  wait();
}

void Timer::wait() {
  const int64_t left_us = std::max<int64_t>(due_us_ - loop_.now_us(), 0);
  const timeval left{left_us / 1'000'000, left_us % 1'000'000};
  evtimer_add(&event_, &left);
}

// libevent counts from the begin of a round, by the kernel's coarse clock, which is up to a tick
// (4 ms) behind: it may call too early. Its exact clock would cost a system call in each round.
void Timer::fire() {
  if (loop_.now_us() < due_us_)
    wait();
  else
    callback_();
}

Watch::Watch(EventLoop &loop, int descriptor_or_signal, short what, std::function<void()> callback)
    : callback_(std::move(callback)) {
  event_assign(
      &event_, loop.base(), descriptor_or_signal, static_cast<short>(what | EV_PERSIST),
      [](evutil_socket_t, short, void *watch) { static_cast<Watch *>(watch)->callback_(); }, this);
}

void Watch::enable() {
  if (!std::exchange(enabled_, true))
    event_add(&event_, nullptr);
}

void Watch::disable() {
  if (std::exchange(enabled_, false))
    event_del(&event_);
}

} // namespace lethe
