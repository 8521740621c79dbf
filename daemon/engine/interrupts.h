// SPDX-License-Identifier: Apache-2.0
// Stopping a script that runs: the master's interrupt, the limit on CPU time, memory.
#pragma once

#include "ipc/worker_page.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <v8.h>

namespace lethe {

enum class StopCause : uint8_t { none, deadline, cpu, memory };

// One for the process, as signal handlers need it. A signal finds the script in any state, so its
// handler only asks V8 for a callback at the script's next safe point; there the stack is taken and
// the script terminated. A signal outside of a run, or for another request, does nothing.
class Interrupts {
public:
  static Interrupts &instance();

  // Installs the handlers.
  void attach(v8::Isolate *isolate);
  // In a worker: makes its CPU timer, which a process does not inherit. `page` is told when a
  // script can't be stopped in the end.
  void begin_worker(WorkerPage &page);

  // Around each run. `cpu_ms` 0: no limit on CPU time.
  void arm(uint32_t sequence, uint32_t cpu_ms);
  void disarm();

  // A limit of ours was hit, on the script's own thread: it ends at its next safe point.
  void stop(StopCause cause);
  // The same, where this is a safe point.
  void stop_here(StopCause cause);

  // Why the present run must end, if it must. Loops of ours that run no JavaScript ask this.
  StopCause cause() const { return cause_.load(std::memory_order_relaxed); }
  bool requested() const { return cause() != StopCause::none; }
  // Where the script was; empty if it never came to a safe point.
  const std::string &stack() const { return stack_; }

  // Waits until `descriptor` (-1: none) is readable. False: before that, the monotonic clock came
  // to `until_ns`, or a signal asked the run to end.
  bool wait_readable(int descriptor, std::optional<uint64_t> until_ns) const;

private:
  static void on_interrupt_signal(int, siginfo_t *info, void *);
  static void on_cpu_signal(int, siginfo_t *, void *);
  static void at_safe_point(v8::Isolate *isolate, void *);

  void request(StopCause cause);
  void set_cpu_timer(uint32_t first_ms, uint32_t interval_ms);

  v8::Isolate *isolate_ = nullptr;
  WorkerPage *page_ = nullptr;
  std::atomic<bool> armed_{false};
  std::atomic<uint32_t> sequence_{0};
  std::atomic<StopCause> cause_{StopCause::none};
  bool cpu_limited_ = false;
  timer_t cpu_timer_{};
  std::string stack_;
};

} // namespace lethe
