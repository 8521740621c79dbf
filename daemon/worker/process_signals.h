// SPDX-License-Identifier: Apache-2.0
// Signals of zygotes and workers that are not about a running script: who ends when, and none
// across fork.
#pragma once

#include <csignal>

namespace lethe {

// The master alone decides when its processes end: a terminal's or service manager's signal to all
// of them must not end those that still work for an orderly stop.
void ignore_stop_signals();

// From now on this process ends when its parent has died and its own channel to the master is
// closed, even in the middle of an endless loop. A zygote's death alone does not end its workers.
void end_with_master(int channel);

// For a zygote whose channel is closed: ends it, but not before a dying master has closed its
// workers' channels too. The zygote's end is their signal to look.
[[noreturn]] void end_after_master();

// Blocks every signal while it lives.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked &) = delete;
  SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
  sigset_t before_;
};

} // namespace lethe
