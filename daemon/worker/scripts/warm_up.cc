// SPDX-License-Identifier: Apache-2.0
// Rounds of calls, and when it is enough.
#include "daemon/worker/scripts/warm_up.h"
#include "daemon/engine/code_events.h"
#include "daemon/engine/garbage.h"
#include "daemon/engine/interrupts.h"
#include "daemon/worker/scripts/purity_check.h"
#include "ipc/clock.h"

#include <algorithm>

namespace lethe {
namespace {

constexpr int64_t ns_per_us = 1000;

// V8's thresholds for optimised code stay as they are: what is optimised after few calls is made for
// exactly these, and thrown away and made again in each request with another argument.
constexpr uint32_t quiet_rounds = 100;

// Baseline code is made at once: it is for all arguments, and requests make none.
class EagerBaseline {
public:
  EagerBaseline() { v8::V8::SetFlagsFromString("--baseline-batch-compilation-threshold=0"); }
  EagerBaseline(const EagerBaseline &) = delete;
  ~EagerBaseline() { v8::V8::SetFlagsFromString("--baseline-batch-compilation-threshold=4096"); }
};

size_t used_heap_bytes(v8::Isolate *isolate) {
  v8::HeapStatistics heap;
  isolate->GetHeapStatistics(&heap);
  return heap.used_heap_size();
}

// Half of what is free may be used.
size_t most_heap_bytes(v8::Isolate *isolate) {
  v8::HeapStatistics heap;
  isolate->GetHeapStatistics(&heap);
  return heap.used_heap_size() / 2 + heap.heap_size_limit() / 2;
}

} // namespace

WarmUp::WarmUp(v8::Isolate *isolate, Runner &runner, std::string_view script,
               const WarmUpCalls &calls)
    : isolate_(isolate), runner_(runner), script_(script), given_(calls),
      most_heap_bytes_(most_heap_bytes(isolate)) {}

std::optional<RunFailure> WarmUp::run(uint64_t until_ns, const Learned &learned) {
  const CodeEvents &events = *process_globals.code_events;
  const EagerBaseline baseline;
  if (auto failure = run_given())
    return failure;
  if (auto failure = run_learned(learned()))
    return failure;
  if (distinct_.empty())
    return std::nullopt;
  const auto calls = static_cast<int64_t>(distinct_.size());
  reached_.rounds = 1;
  reached_.before_us = static_cast<int64_t>(first_runs_ns_) / calls / ns_per_us;
  note_round(first_runs_ns_);
  if (auto failure = repeat(events, until_ns))
    return failure;
  reached_.after_us = usual_round_ns() / ns_per_us / calls;
  return std::nullopt;
}

// As often as they were given. What a call takes before is what its first run takes.
std::optional<RunFailure> WarmUp::run_given() {
  for (const message::WarmUpCall &given : given_) {
    const uint64_t begin_ns = now_ns();
    if (auto failure = call(given))
      return failure;
    if (is_known(given))
      continue;
    first_runs_ns_ += now_ns() - begin_ns;
    distinct_.push_back(given);
  }
  return std::nullopt;
}

std::optional<RunFailure> WarmUp::run_learned(const WarmUpCalls &learned) {
  for (const message::WarmUpCall &one : learned) {
    if (is_known(one))
      continue;
    const uint64_t begin_ns = now_ns();
    auto failure = call(one);
    if (failure && Interrupts::instance().requested())
      return failure;
    if (failure)
      continue;
    first_runs_ns_ += now_ns() - begin_ns;
    distinct_.push_back(one);
    ++reached_.learned;
  }
  return std::nullopt;
}

bool WarmUp::is_known(const message::WarmUpCall &call) const {
  return std::ranges::find(distinct_, call) != distinct_.end();
}

std::optional<RunFailure> WarmUp::repeat(const CodeEvents &events, uint64_t until_ns) {
  // In a row, without machine code; without any code.
  uint32_t quiet = 0, silent = 0;
  while (reached_.rounds < most_rounds && has_room()) {
    if (quiet >= quiet_rounds) {
      if (next_round_is_quiet(events))
        break;
      quiet = 0;
    }
    const CodeEvents::Counts before = events.counts();
    const uint64_t begin_ns = now_ns();
    if (begin_ns >= until_ns)
      break;
    for (const message::WarmUpCall &one : distinct_) {
      auto failure = call(one);
      if (!failure)
        continue;
      if (Interrupts::instance().requested())
        return failure;
      return std::nullopt;
    }
    ++reached_.rounds;
    note_round(now_ns() - begin_ns);
    const CodeEvents::Counts now = events.counts();
    quiet = now.machine_code == before.machine_code ? quiet + 1 : 0;
    // A script may compile source in each call (`new Function`): no repeating ends that.
    silent = now.all() == before.all() ? silent + 1 : 0;
    reached_.steady = silent >= quiet_rounds;
  }
  return std::nullopt;
}

// The next round is what each request is. V8 may have decided in the last one to optimise a function
// when it is called again, or be about to: then each request would do that.
bool WarmUp::next_round_is_quiet(const CodeEvents &events) {
  return is_true_in_fork([&] {
    const CodeEvents::Counts before = events.counts();
    for (const message::WarmUpCall &one : distinct_)
      if (call(one))
        break;
    return events.counts().machine_code == before.machine_code;
  });
}

std::optional<RunFailure> WarmUp::call(const message::WarmUpCall &call) {
  Runner::Waiter nobody;
  Buffer result;
  auto failure =
      runner_.call({script_, call.function, call.arguments, call.options.fetch}, result, nobody);
  if (!failure)
    failure = runner_.run_to_rest(Runner::longest_rest_ns);
  if (failure) {
    runner_.forget_tasks();
    std::string where = "warm-up call of '" + std::string(call.function) + "'";
    if (reached_.rounds > 0)
      where += " in round " + std::to_string(reached_.rounds + 1);
    failure->error.message.insert(0, where + ": ");
  }
  return failure;
}

// What each call leaves behind may add up: that must not make a script unusable of which one call
// is fine.
bool WarmUp::has_room() {
  if (used_heap_bytes(isolate_) <= most_heap_bytes_)
    return true;
  collect_garbage(isolate_);
  return used_heap_bytes(isolate_) <= most_heap_bytes_;
}

void WarmUp::note_round(uint64_t round_ns) {
  last_rounds_ns_[noted_rounds_++ % last_rounds_ns_.size()] = round_ns;
}

// The median of the last ones: a collection, or another process, makes some of them longer.
int64_t WarmUp::usual_round_ns() const {
  auto rounds = last_rounds_ns_;
  const auto end = rounds.begin() + static_cast<ptrdiff_t>(std::min(noted_rounds_, rounds.size()));
  const auto middle = rounds.begin() + (end - rounds.begin()) / 2;
  std::nth_element(rounds.begin(), middle, end);
  return static_cast<int64_t>(*middle);
}

} // namespace lethe
