// SPDX-License-Identifier: Apache-2.0
// From event to event.
#include "tests/simulation/timeline.h"

#include <cstdio>

namespace lethe::simulation {

void Timeline::step() {
  const auto happen = std::move(const_cast<Event &>(events_.top()).happen); // about to go
  pass_to(events_.top().time_us);
  events_.pop();
  happen();
}

// FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
void Timeline::note(std::string_view what, int64_t first, int64_t second) {
  const auto add = [this](uint64_t word) { trace_ = (trace_ ^ word) * 0x100000001b3; };
  for (const char c : what)
    add(static_cast<unsigned char>(c));
  add(static_cast<uint64_t>(now_us_));
  add(static_cast<uint64_t>(first));
  add(static_cast<uint64_t>(second));
  if (traced_)
    std::fprintf(stderr, "%9.3f ms  %.*s %lld %lld\n",
                 static_cast<double>(now_us_ - 1'000'000'000) / 1000, static_cast<int>(what.size()),
                 what.data(), static_cast<long long>(first), static_cast<long long>(second));
}

} // namespace lethe::simulation
