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
#include <optional>
#include <string>
#include <vector>

namespace lethe {

class CodeEvents;

class WarmUp {
public:
  // At most so many rounds, and no further one after `until_ns` (monotonic).
  static constexpr uint32_t most_rounds = 1000;

  // `script` is loaded, and there is at least one call. All of them must outlive this.
  WarmUp(v8::Isolate *isolate, Runner &runner, std::string_view script,
         const std::vector<message::WarmUpCall> &calls);

  // The calls as they were given, then rounds of them, each call once. Fails if one of those that
  // were given fails, or if the script has to be stopped. What repeating makes fail only ends it.
  std::optional<RunFailure> run(uint64_t until_ns);
  const message::WarmedUp &reached() const { return reached_; }

private:
  std::optional<RunFailure> run_given();
  std::optional<RunFailure> repeat(const CodeEvents &events, uint64_t until_ns);
  std::optional<RunFailure> call(const message::WarmUpCall &call);
  bool has_room();
  void note_round(uint64_t round_ns);
  int64_t usual_round_ns() const;

  v8::Isolate *isolate_;
  Runner &runner_;
  std::string_view script_;
  const std::vector<message::WarmUpCall> &given_;
  std::vector<message::WarmUpCall> distinct_;
  size_t most_heap_bytes_; // more is for those of the calls that were given
  std::array<uint64_t, 15> last_rounds_ns_{};
  size_t noted_rounds_ = 0;
  message::WarmedUp reached_;
};

} // namespace lethe
