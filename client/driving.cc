// SPDX-License-Identifier: Apache-2.0
// How threads share the socket: who leads, who sleeps, and who runs handlers.
#include "client/client.h"

#include <algorithm>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

using lethe::Clock;
using lethe::Waiter;

// The request has an event or its reply: tells the thread that will run its handlers.
void lethe_client::make_ready(lethe_request &request) {
  if (request.waiter) {
    notify(*request.waiter);
    return;
  }
  if (request.running || request.queued || (!request.completion && request.events.empty()))
    return;
  request.queued = true;
  ready_.push_back(request.shared_from_this());
  if (!dispatchers_.empty()) {
    notify(*dispatchers_.front());
  } else if (!announced_) {
    ::eventfd_write(ready_event_.get(), 1);
    announced_ = true;
  }
}

void lethe_client::notify(Waiter &waiter) {
  if (waiter.leads)
    ::eventfd_write(wake_leader_.get(), 1);
  else
    waiter.condition.notify_one();
}

void lethe_client::pass_leadership() {
  if (!leading_ && !asleep_.empty())
    asleep_.front()->condition.notify_one();
}

// Sleeps until there may be something for `waiter` or `until` has come; leads if nobody does.
void lethe_client::drive(Lock &lock, Waiter &waiter, Clock::time_point until) {
  if (leading_) {
    const auto place = asleep_.insert(asleep_.end(), &waiter);
    waiter.condition.wait_until(lock, until);
    asleep_.erase(place);
    return;
  }
  if (!transport_.connected() && !idle())
    until = std::min({until, not_before_, held_until_});
  const auto left = std::max<Clock::duration>(until - Clock::now(), Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec limit{seconds.count(), (left - seconds).count()};
  const auto wanted = static_cast<short>(POLLIN | (transport_.output().empty() ? 0 : POLLOUT));
  pollfd descriptors[] = {{wake_leader_.get(), POLLIN, 0}, {transport_.descriptor(), wanted, 0}};
  leading_ = waiter.leads = true;
  lock.unlock();
  ::ppoll(descriptors, 2, &limit, nullptr); // ignores the descriptor -1 of a lost connection
  lock.lock();
  leading_ = waiter.leads = false;
  if (descriptors[0].revents != 0) {
    eventfd_t count = 0;
    ::eventfd_read(wake_leader_.get(), &count);
  }
  pump(Clock::now());
}

// Runs the handlers of what has come for the request. False: nothing has, or another thread is at
// it.
bool lethe_client::run_events(lethe_request &request, Lock &lock) {
  if (request.running || request.events.empty())
    return false;
  request.running = true;
  pass_leadership();
  while (!request.events.empty()) {
    lethe::Event event = std::move(request.events.front());
    request.events.pop_front();
    deliver(request.id(), std::move(event), lock);
  }
  request.running = false;
  if (request.waiter)
    notify(*request.waiter);
  return true;
}

lethe_reply *lethe_client::wait(lethe_request &request, Clock::time_point limit) {
  Lock lock(mutex_);
  Waiter waiter;
  request.waiter = &waiter;
  while (true) {
    if (run_events(request, lock))
      continue;
    if (request.done && !request.running)
      break;
    const auto now = Clock::now();
    if (!request.done && now >= request.give_up_at)
      give_up(request);
    else if (now >= limit)
      break;
    else
      drive(lock, waiter, request.done ? limit : std::min(limit, request.give_up_at));
  }
  request.waiter = nullptr;
  pass_leadership();
  return request.done && !request.running ? request.reply.release() : nullptr;
}

// Runs the handlers and completions that nobody waits for.
size_t lethe_client::run_ready(Lock &lock) {
  size_t count = 0;
  while (!ready_.empty()) {
    const Request request = std::move(ready_.front());
    ready_.pop_front();
    request->queued = false;
    if (request->running || request->waiter)
      continue; // that thread does it
    count += run_events(*request, lock) ? 1 : 0;
    if (!request->done || !request->completion)
      continue;
    const auto completion = std::exchange(request->completion, nullptr);
    lethe_reply *reply = request->reply.release();
    pass_leadership();
    lock.unlock();
    completion(request->user, reply);
    lock.lock();
    request->handle.reset();
    ++count;
  }
  return count;
}

size_t lethe_client::dispatch(std::chrono::milliseconds limit) {
  Lock lock(mutex_);
  Waiter waiter;
  auto now = Clock::now();
  const auto until = now + limit;
  size_t count = 0;
  if (!leading_)
    pump(now);
  while (true) {
    while (!timeouts_.empty() && timeouts_.begin()->first <= now)
      give_up(*Request(timeouts_.begin()->second));
    count += run_ready(lock);
    if (count > 0 || now >= until)
      break;
    const auto place = dispatchers_.insert(dispatchers_.end(), &waiter);
    drive(lock, waiter, std::min(until, next_timer()));
    dispatchers_.erase(place);
    now = Clock::now();
  }
  pass_leadership();
  settle_descriptor(now);
  return count;
}

// When something is to be done although nothing has come: a timeout, an attempt to connect.
Clock::time_point lethe_client::next_timer() const {
  auto next = timeouts_.empty() ? Clock::time_point::max() : timeouts_.begin()->first;
  if (!transport_.connected() && !idle())
    next = std::min({next, not_before_, held_until_});
  return next;
}

// The timer is only ever set to an earlier time here: a request that is answered in time costs no
// system call.
void lethe_client::arm_timer() {
  if (timeouts_.empty())
    return; // nobody dispatches
  const auto next = next_timer();
  if (next >= armed_)
    return;
  armed_ = next;
  const auto since = std::max<Clock::duration>(next.time_since_epoch(), Clock::duration(1));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  itimerspec setting{};
  setting.it_value = {seconds.count(), (since - seconds).count()};
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

// Makes the descriptor unreadable again if nothing is left to do.
void lethe_client::settle_descriptor(Clock::time_point now) {
  if (announced_ && ready_.empty()) {
    eventfd_t count = 0;
    ::eventfd_read(ready_event_.get(), &count);
    announced_ = false;
  }
  if (now >= armed_) {
    armed_ = Clock::time_point::max();
    const itimerspec off{}; // also forgets that it has expired
    ::timerfd_settime(timer_.get(), 0, &off, nullptr);
  }
  arm_timer();
}
