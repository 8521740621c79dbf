// SPDX-License-Identifier: Apache-2.0
// Waiting without sleeping.
#pragma once

#include "ipc/clock.h"

#include <algorithm>
#include <cstdint>
#include <sched.h>
#include <utility>

namespace lethe {

// A core that sleeps takes longer to wake up than a small request takes to run. Who waits for each
// reply sends the next request soon: then a worker that stays awake has it earlier.
//
// The master or the client may be waiting for this very core: it is offered all the time. Where
// nothing came in time, fewer and fewer of the next waits begin like this, down to one of 8; where
// somebody took the core for long, down to one of 1024.
class BusyPoll {
public:
  struct Core {
    uint64_t (*now_ns)() = [] { return lethe::now_ns(); };
    void (*offer)() = [] { ::sched_yield(); };
  };
  BusyPoll() = default;
  explicit BusyPoll(const Core &core) : core_(core) {}

  // Calls has_arrived() until it returns true, for at most `limit_ns`.
  template <typename F> void wait(uint64_t limit_ns, F has_arrived) {
    if (limit_ns == 0)
      return;
    if (to_skip_ > 0) {
      --to_skip_;
      return;
    }
    uint64_t now = core_.now_ns();
    for (const uint64_t end = now + limit_ns; now < end;) {
      if (has_arrived()) {
        fruitless_ = 0;
        return;
      }
      core_.offer();
      const uint64_t before = std::exchange(now, core_.now_ns());
      if (now - before > long_absence_ns)
        return hold_back(4, 10);
    }
    hold_back(1, 3);
  }

private:
  // Neither master nor client need that long.
  static constexpr uint64_t long_absence_ns = 300'000;

  void hold_back(uint32_t steps, uint32_t most) {
    fruitless_ = std::min(fruitless_ + steps, most);
    to_skip_ = (1u << fruitless_) - 1;
  }

  Core core_;
  uint32_t fruitless_ = 0, to_skip_ = 0;
};

} // namespace lethe
