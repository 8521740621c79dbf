// SPDX-License-Identifier: Apache-2.0
// The CPU time of a worker that has nothing to do.
#pragma once

#include <cstdint>

namespace lethe {

// A worker has one thread, which sleeps until it is sent something. After a reply it still rewinds,
// and a new one gets ready: so what counts is what moves its clock from the second look on.
class IdleClock {
public:
  // At an idle worker's clock, about once a second. `sent`: the number of the last request that it
  // was sent; what came before that one does not count any more. Negative: the clock can't be read.
  // How long it has computed with nothing to do, in all.
  int64_t look(uint32_t sent, int64_t cpu_us) {
    if (sent != sent_ || cpu_us < 0) {
      sent_ = sent;
      looks_ = 0;
    }
    if (++looks_ <= 2)
      begin_us_ = cpu_us;
    return looks_ <= 2 ? 0 : cpu_us - begin_us_;
  }

private:
  uint32_t sent_ = 0;
  uint64_t looks_ = 0;
  int64_t begin_us_ = 0;
};

} // namespace lethe
