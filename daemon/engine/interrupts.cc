// SPDX-License-Identifier: Apache-2.0
// Signal handlers, the CPU timer, and the callback at the script's safe point.
#include "daemon/engine/interrupts.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/stacks.h"
#include "ipc/clock.h"
#include "ipc/invariant.h"
#include "ipc/messages.h"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr int cpu_signal = SIGVTALRM;
// After the CPU limit a script has this long to come to a safe point.
constexpr uint32_t cpu_grace_ms = 20;

} // namespace

Interrupts &Interrupts::instance() {
  static Interrupts interrupts;
  return interrupts;
}

void Interrupts::attach(v8::Isolate *isolate) {
  isolate_ = isolate;
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  action.sa_sigaction = on_interrupt_signal;
  sigaction(interrupt_signal, &action, nullptr);
  action.sa_sigaction = on_cpu_signal;
  sigaction(cpu_signal, &action, nullptr);
}

void Interrupts::begin_worker(WorkerPage &page) {
  page_ = &page;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = cpu_signal;
  invariant(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &cpu_timer_) == 0,
            "a process has a CPU timer", {"errno", errno});
}

void Interrupts::arm(uint32_t sequence, uint32_t cpu_ms) {
  cause_.store(StopCause::none, std::memory_order_relaxed);
  stack_.clear();
  sequence_.store(sequence, std::memory_order_relaxed);
  cpu_limited_ = cpu_ms > 0;
  if (cpu_limited_)
    set_cpu_timer(cpu_ms, cpu_grace_ms);
  armed_.store(true, std::memory_order_release);
}

void Interrupts::disarm() {
  armed_.store(false, std::memory_order_release);
  if (cpu_limited_)
    set_cpu_timer(0, 0);
}

void Interrupts::stop(StopCause cause) {
  StopCause none = StopCause::none;
  if (cause_.compare_exchange_strong(none, cause))
    isolate_->RequestInterrupt(at_safe_point, nullptr);
}

void Interrupts::stop_here(StopCause cause) {
  StopCause none = StopCause::none;
  cause_.compare_exchange_strong(none, cause);
  at_safe_point(isolate_, nullptr);
}

void Interrupts::request(StopCause cause) {
  StopCause none = StopCause::none;
  if (armed_.load(std::memory_order_acquire) && cause_.compare_exchange_strong(none, cause))
    isolate_->RequestInterrupt(at_safe_point, nullptr);
}

void Interrupts::on_interrupt_signal(int, siginfo_t *info, void *) {
  const int saved = errno;
  Interrupts &self = instance();
  // The sender may say which request it means: the one it meant may just have ended.
  const bool is_meant = info->si_code != SI_QUEUE ||
                        static_cast<uint32_t>(info->si_value.sival_int) == self.sequence_.load();
  if (is_meant)
    self.request(StopCause::deadline);
  errno = saved;
}

void Interrupts::on_cpu_signal(int, siginfo_t *, void *) {
  const int saved = errno;
  Interrupts &self = instance();
  // The timer has fired once more: the script did not come to a safe point within its grace time.
  if (self.armed_.load() && self.cause() == StopCause::cpu && self.page_) {
    self.page_->death_reason.store(DeathReason::cpu_limit);
    _exit(exit_failed);
  }
  self.request(StopCause::cpu);
  errno = saved;
}

void Interrupts::at_safe_point(v8::Isolate *isolate, void *) {
  Interrupts &self = instance();
  if (!self.armed_.load() || !self.requested())
    return; // asked for too late: that run has ended
  self.stack_ = present_stack(isolate);
  isolate->TerminateExecution();
}

void Interrupts::set_cpu_timer(uint32_t first_ms, uint32_t interval_ms) {
  const auto to_timespec = [](uint32_t ms) {
    return timespec{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1000000};
  };
  const itimerspec spec{to_timespec(interval_ms), to_timespec(first_ms)};
  timer_settime(cpu_timer_, 0, &spec, nullptr);
}

bool Interrupts::wait_readable(int descriptor, std::optional<uint64_t> until_ns) const {
  // Signals are blocked between the question and the sleep, or one could fall in between unheard.
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, interrupt_signal);
  sigaddset(&blocked, cpu_signal);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  pollfd poll_for{descriptor, POLLIN, 0};
  int ready = 0;
  for (bool in_time = true; in_time && ready == 0 && !requested();) {
    timespec left{};
    if (until_ns) {
      constexpr uint64_t ns_per_s = 1'000'000'000;
      const uint64_t now = now_ns(), left_ns = *until_ns > now ? *until_ns - now : 0;
      left = {static_cast<time_t>(left_ns / ns_per_s), static_cast<long>(left_ns % ns_per_s)};
      in_time = left_ns > 0;
    }
    ready = ::ppoll(&poll_for, 1, until_ns ? &left : nullptr, &before);
    if (ready < 0 && errno == EINTR)
      ready = 0;
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return ready != 0;
}

} // namespace lethe
