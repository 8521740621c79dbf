// SPDX-License-Identifier: Apache-2.0
// A round of the event loop.
#include "daemon/master/loop/event_loop.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <utility>

namespace lethe {
namespace {

constexpr int64_t pause_us = 50'000; // until the kernel may have room again

// However the environment is: variables of libevent's would have it wait by other means.
event_base *new_base() {
  event_config *config = event_config_new();
  invariant(config, "there is memory for a loop");
  event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
  event_base *base = event_base_new_with_config(config);
  event_config_free(config);
  return base;
}

} // namespace

EventLoop::EventLoop(const Clock &clock) : clock_(clock), base_(new_base()) {
  invariant(base_, "libevent finds a way to wait for events");
  evtimer_assign(
      &wait_limit_, base_, [](evutil_socket_t, short, void *) {}, nullptr);
}

EventLoop::~EventLoop() {
  disposed_.clear();
  event_del(&wait_limit_);
  event_base_free(base_);
}

void EventLoop::run() {
  while (!stopped_)
    run_round();
}

bool EventLoop::run_round(bool waiting) {
  now_us_ = 0;
  add_again();
  const uint64_t calls_before = calls_;
  // Once in either case: with EVLOOP_NONBLOCK alone libevent goes on as long as there is input, and
  // no timer has its turn.
  event_base_loop(base_, EVLOOP_ONCE | (waiting && limit_wait() ? 0 : EVLOOP_NONBLOCK));
  call_due_timers();
  end_round();
  return calls_ != calls_before;
}

// libevent counts by the kernel's coarse clock, which is up to a tick (4 ms) behind, as its exact
// clock would cost a system call in each round. So it may wait too short a time: then this round
// has nothing to do, and the next one waits for the rest. False: there is nothing to wait for.
bool EventLoop::limit_wait() {
  if (timers_.empty() && not_added_.empty())
    return true;
  int64_t left_us = timers_.empty() ? pause_us : timers_.first().due_us_ - clock_.now_us();
  if (!not_added_.empty())
    left_us = std::min(left_us, pause_us);
  if (left_us <= 0)
    return false;
  const timeval left{left_us / 1'000'000, left_us % 1'000'000};
  evtimer_add(&wait_limit_, &left);
  return true;
}

void EventLoop::add_again() {
  std::erase_if(not_added_, [](Watch *watch) { return event_add(&watch->event_, nullptr) == 0; });
}

// A timer that is started meanwhile has its turn in the next round.
void EventLoop::call_due_timers() {
  const uint64_t started_before = timers_started_;
  while (!timers_.empty()) {
    Timer &timer = timers_.first();
    if (timer.due_us_ > now_us() || timer.start_ > started_before)
      return;
    timers_.remove(timer);
    ++calls_;
    timer.callback_();
  }
}

int64_t EventLoop::now_us() const {
  if (now_us_ == 0)
    now_us_ = clock_.now_us();
  return now_us_;
}

std::optional<int64_t> EventLoop::next_timer_us() const {
  return timers_.empty() ? std::nullopt : std::optional(timers_.first().due_us_);
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

void Timer::start(int64_t delay_us) {
  stop();
  due_us_ = loop_.now_us() + std::max<int64_t>(delay_us, 0);
  start_ = ++loop_.timers_started_;
  loop_.timers_.add(*this);
}

void Timer::stop() {
  if (pending())
    loop_.timers_.remove(*this);
}

Watch::Watch(EventLoop &loop, int descriptor_or_signal, short what, std::function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {
  event_assign(
      &event_, loop.base(), descriptor_or_signal, static_cast<short>(what | EV_PERSIST),
      [](evutil_socket_t, short, void *context) {
        auto &watch = *static_cast<Watch *>(context);
        ++watch.loop_.calls_;
        watch.callback_();
      },
      this);
}

void Watch::enable() {
  if (!std::exchange(enabled_, true) && event_add(&event_, nullptr) < 0)
    loop_.not_added_.push_back(this);
}

void Watch::disable() {
  if (!std::exchange(enabled_, false))
    return;
  event_del(&event_);
  std::erase(loop_.not_added_, this);
}

} // namespace lethe
