// SPDX-License-Identifier: Apache-2.0
// Scripts are warmed up with calls of requests: which are kept, and the generation made of them.
#include "daemon/master/operation/log.h"
#include "daemon/master/pools/pool.h"

namespace lethe {
namespace {

constexpr size_t most_sample_bytes = size_t{16} << 20; // of a pool

} // namespace

// Also of calls that are not pure: nobody knows that here.
void Pool::compiled_in(const Request &request) {
  // The rest is a name, and the head.
  constexpr size_t most_bytes = CallSamples::most_argument_bytes + 2048;
  if (request.debugs || request.step >= 0 || request.body.size() > most_bytes)
    return;
  const auto run = read_message<message::Run>(request.body.view());
  if (!run || run->kind != RunKind::call)
    return;
  const auto found = scripts_.find(run->script);
  if (found == scripts_.end() || found->second.history != request.history()) // another version
    return;
  CallSamples &samples = found->second.samples;
  const message::WarmUpCall call{
      run->text, run->arguments, {.fetch = (run->flags & run_is_fetch) != 0}};
  if (!samples.wants(call))
    return;
  const size_t bytes = run->text.size() + run->arguments.size();
  if (sample_bytes_ + bytes > most_sample_bytes)
    return;
  sample_bytes_ += bytes;
  samples.add(call, environment_.loop.now_us());
}

void Pool::learn_if_due() {
  if (!settings_.learn)
    return;
  const int64_t now_us = environment_.loop.now_us();
  bool is_due = false;
  sample_bytes_ = 0; // some may have gone with their script
  for (const auto &[name, registered] : scripts_) {
    sample_bytes_ += registered.samples.bytes();
    is_due |= !registered.failure && registered.samples.are_due(now_us);
  }
  if (is_due && zygote_ && !stopped_ && state_.is(State::settled))
    learn(take_turn());
}

// All other changes go before: see begin_next_change().
void Pool::learn(const Turn &turn) {
  GenerationPlan plan;
  plan.parent = zygote_.get();
  std::vector<std::pair<std::string, size_t>> sent;
  for (const auto &[name, registered] : scripts_)
    if (!registered.failure && registered.samples.are_new()) {
      plan.load.push_back(registered.script);
      plan.learned.emplace(name, registered.samples.calls());
      sent.emplace_back(name, registered.samples.calls().size());
    }
  learns_ = true;
  build(std::move(plan), [this, turn, sent](Result<BuiltGeneration> built) {
    if (!std::exchange(learns_, false)) // another change wants to begin
      return;
    if (!built) {
      log_warning("pool {}: what requests have called is forgotten, as no generation can be warmed "
                  "up with it: {}",
                  name_, built.error().message);
      for (const auto &[name, count] : sent)
        scripts_.at(name).samples.forget();
      return;
    }
    int64_t calls = 0, learned = 0;
    for (const auto &[name, count] : sent) {
      scripts_.at(name).samples.used(count, environment_.loop.now_us());
      const auto warmed_up = built->warmed_up.find(name);
      calls += static_cast<int64_t>(count);
      learned += warmed_up == built->warmed_up.end() ? 0 : warmed_up->second->learned;
    }
    log_info("pool {}: {} scripts are warmed up with {} of {} calls of requests", name_,
             sent.size(), learned, calls);
    ++environment_.counters.generations_learned;
    environment_.counters.calls_learned += static_cast<uint64_t>(learned);
    adopt(std::move(*built));
  });
}

void Pool::forget_samples() {
  for (auto &[name, registered] : scripts_)
    registered.samples = {};
}

} // namespace lethe
