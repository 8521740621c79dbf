// SPDX-License-Identifier: Apache-2.0
// The clocks that scripts may read. A fine one measures what should stay unseen: how long memory
// takes to come tells what is cached, and so what others have read.
#pragma once

#include "ipc/clock.h"

#include <cstdint>
#include <ctime>

namespace lethe {

// Exact, unless it is told to go in steps. Then a reading is the step's begin or already its end,
// from a moment within the step on that only who knows the secret can tell: so that the edge of a
// step is no exact mark either. It never goes back. The same is done by Chromium, with the same
// step, where pages are not isolated (third_party/blink/renderer/core/timing/time_clamper.cc).
class ScriptClock {
public:
  static constexpr uint64_t coarse_step_ns = 100'000;

  // For good. `secret` is random.
  void coarsen(uint64_t step_ns, uint64_t secret) {
    step_ns_ = step_ns;
    secret_ = secret;
  }
  uint64_t read_ns(clockid_t clock = CLOCK_MONOTONIC) const { return shown_ns(now_ns(clock)); }
  // What a reading at that time is.
  uint64_t shown_ns(uint64_t time_ns) const {
    if (step_ns_ == 0)
      return time_ns;
    const uint64_t begin = time_ns - time_ns % step_ns_;
    return time_ns - begin < mixed(begin ^ secret_) % step_ns_ ? begin : begin + step_ns_;
  }

private:
  // The end of splitmix64.
  static uint64_t mixed(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }

  uint64_t step_ns_ = 0, secret_ = 0;
};

} // namespace lethe
