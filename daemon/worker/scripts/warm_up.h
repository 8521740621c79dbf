// SPDX-License-Identifier: Apache-2.0
// Calls of a script before its first request, again and again, until V8 compiles nothing for them.
//
// Every request begins with the same memory. What V8 would have compiled a little later, it
// compiles in each request, and the rewind forgets it each time: a function with one call less in
// the warm-up than V8's threshold wants may cost more in every request than with no warm-up at all.
#pragma once

#include "daemon/worker/scripts/runner.h"
#include "ipc/messages.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lethe {

class CodeEvents;

class WarmUp {
public:
  // At most so many rounds, and no further one after `until_ns` (monotonic).
  static constexpr uint32_t most_rounds = 1000;

  // `script` is loaded. All of them must outlive this.
  WarmUp(v8::Isolate *isolate, Runner &runner, std::string_view script, const WarmUpCalls &calls);

  // The calls as they were given, then further ones that `learned` returns, then rounds of all of
  // them, each call once. Fails if one of those that were given fails, or if the script has to be
  // stopped. A further one that fails is left out; what repeating makes fail only ends it.
  using Learned = std::function<WarmUpCalls()>;
  std::optional<RunFailure> run(uint64_t until_ns, const Learned &learned);
  // No rounds: there was no call.
  const message::WarmedUp &reached() const { return reached_; }

private:
  std::optional<RunFailure> run_given();
  std::optional<RunFailure> run_learned(const WarmUpCalls &learned);
  bool is_known(const message::WarmUpCall &call) const;
  std::optional<RunFailure> repeat(const CodeEvents &events, uint64_t until_ns);
  bool next_round_is_quiet(const CodeEvents &events);
  std::optional<RunFailure> call(const message::WarmUpCall &call);
  bool has_room();
  void note_round(uint64_t round_ns);
  int64_t usual_round_ns() const;

  v8::Isolate *isolate_;
  Runner &runner_;
  std::string_view script_;
  const WarmUpCalls &given_;
  WarmUpCalls distinct_;
  uint64_t first_runs_ns_ = 0; // of these
  size_t most_heap_bytes_;     // more is for those of the calls that were given
  std::array<uint64_t, 15> last_rounds_ns_{};
  size_t noted_rounds_ = 0;
  message::WarmedUp reached_;
};

} // namespace lethe
