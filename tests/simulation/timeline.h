// SPDX-License-Identifier: Apache-2.0
// The time of a simulation, and what is going to happen in it.
#pragma once

#include "ipc/clock.h"

#include <functional>
#include <optional>
#include <queue>
#include <string_view>
#include <vector>

namespace lethe::simulation {

// Time goes on from event to event. Those of one moment happen in the order in which they were
// planned.
class Timeline final : public Clock {
public:
  // `traced`: each note goes to standard error, too.
  explicit Timeline(bool traced) : traced_(traced) {}

  int64_t now_us() const override { return now_us_; }
  void after(int64_t delay_us, std::function<void()> event) {
    events_.push({now_us_ + delay_us, ++planned_, std::move(event)});
  }
  std::optional<int64_t> next_us() const {
    return events_.empty() ? std::nullopt : std::optional(events_.top().time_us);
  }
  // Goes on to the next event and lets it happen.
  void step();
  void pass_to(int64_t time_us) {
    if (time_us > now_us_)
      now_us_ = time_us;
  }

  // What happened, for the trace: two runs of one schedule have the same.
  void note(std::string_view what, int64_t first = 0, int64_t second = 0);
  uint64_t trace() const { return trace_; }

private:
  struct Event {
    int64_t time_us;
    uint64_t order;
    std::function<void()> happen;
    bool operator<(const Event &other) const { // the top of the queue is its greatest
      return time_us != other.time_us ? time_us > other.time_us : order > other.order;
    }
  };

  bool traced_;
  int64_t now_us_ = 1'000'000'000;
  uint64_t planned_ = 0, trace_ = 0xcbf29ce484222325;
  std::priority_queue<Event> events_;
};

} // namespace lethe::simulation
