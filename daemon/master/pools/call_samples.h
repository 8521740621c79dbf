// SPDX-License-Identifier: Apache-2.0
// Calls of requests that are kept of one version of a script, to warm up its next generation.
#pragma once

#include "ipc/messages.h"

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

class CallSamples {
public:
  // Different calls, and the bytes of each one's arguments: with more of them, compiling is the
  // smaller part of what a request takes.
  static constexpr size_t most_calls = 8, most_argument_bytes = 16 << 10;
  // Generations that are made because new ones have come: else this could go on for ever.
  static constexpr size_t most_times = 3;
  // After the first new one, so that a generation is made for several.
  static constexpr int64_t wait_us = 5'000'000;

  // Is the call to be kept?
  bool wants(const message::WarmUpCall &call) const;
  void add(const message::WarmUpCall &call, int64_t now_us);

  bool are_due(int64_t now_us) const;
  // Is there something that the generation in use was not made with?
  bool are_new() const { return are_lost_ || used_ < calls_.size(); }
  const std::vector<message::Kept<message::WarmUpCall>> &calls() const { return calls_; }
  size_t bytes() const { return bytes_; }

  // A generation with the first `count` of them is in use.
  void used(size_t count, int64_t now_us);
  // The scripts were loaded without them.
  void lost() { are_lost_ = used_ > 0; }
  // No generation could be made with them.
  void forget();

private:
  // Half of it at first: the rest is for calls in which V8 still compiles something then.
  size_t room() const { return most_calls * (times_ + most_times - 1) / (2 * (most_times - 1)); }

  std::vector<message::Kept<message::WarmUpCall>> calls_;
  size_t bytes_ = 0; // of all
  size_t used_ = 0;  // of them, the first so many
  bool are_lost_ = false;
  size_t times_ = 0;
  int64_t since_us_ = 0; // there are new ones
};

} // namespace lethe
