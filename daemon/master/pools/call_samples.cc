// SPDX-License-Identifier: Apache-2.0
// Which calls are kept, and when there are enough.
#include "daemon/master/pools/call_samples.h"

namespace lethe {

bool CallSamples::wants(const message::WarmUpCall &call) const {
  if (times_ == most_times || calls_.size() >= room() ||
      call.arguments.size() > most_argument_bytes)
    return false;
  size_t of_function = 0;
  for (const auto &known : calls_) {
    if (*known == call)
      return false;
    of_function += known->function == call.function;
  }
  return of_function < room() / 2; // others are to have some, too
}

void CallSamples::add(const message::WarmUpCall &call, int64_t now_us) {
  if (used_ == calls_.size())
    since_us_ = now_us;
  calls_.emplace_back(call);
  bytes_ += call.function.size() + call.arguments.size();
}

bool CallSamples::are_due(int64_t now_us) const {
  return are_lost_ || (used_ < calls_.size() && now_us - since_us_ >= wait_us);
}

void CallSamples::used(size_t count, int64_t now_us) {
  times_ += count > used_;
  used_ = count;
  are_lost_ = false;
  since_us_ = now_us; // of those that came meanwhile
}

void CallSamples::forget() {
  calls_.clear();
  bytes_ = used_ = 0;
  are_lost_ = false;
  ++times_;
}

} // namespace lethe
