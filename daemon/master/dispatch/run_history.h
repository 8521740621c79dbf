// SPDX-License-Identifier: Apache-2.0
// What is known of scripts from their runs: the faults by which workers ended, the pages that requests change.
#pragma once

#include "ipc/error.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace lethe {

// Of one version of a script, or of all that one user evaluates: shared by its requests, the workers
// that ran it, and whoever knows it by name.
//
// Too many faults in a while, and it is quarantined: nothing of it is run any more.
//
// A script until it is released or another version is in its place, as it would do it again. A user for
// as long as the faults count, as there is nobody whose other evals could be told apart.
class RunHistory {
public:
  struct Limits {
    int64_t faults; // 0: there is no quarantine
    int64_t within_us;
  };

  static std::shared_ptr<RunHistory> of_script(std::string_view name, int64_t version);
  static std::shared_ptr<RunHistory> of_evals(int64_t user);

  // A worker that ran it has ended by a fault. True: that was one too many.
  bool note_fault(int64_t now_us, const Limits &limits);
  bool is_quarantined(int64_t now_us) const { return now_us < until_us_; }
  size_t faults(int64_t now_us) const; // that count
  // Nothing of it matters any more.
  bool is_clean(int64_t now_us) const { return !is_quarantined(now_us) && faults(now_us) == 0; }
  // True: it was quarantined.
  bool release(int64_t now_us);
  // What a request of it gets while it is quarantined.
  Error error(int64_t now_us) const;

  // How many pages a request of it changes: a moving average of what workers count now and then. Many
  // as long as none has: a new script is to do no harm to workers whose rewinds are cheap.
  int64_t changed_pages() const { return changed_pages_.value_or(many_pages); }
  void note_changed_pages(int64_t pages);

  int64_t last_called_us() const { return last_called_us_; } // 0: never
  void note_call(int64_t now_us) { last_called_us_ = now_us; }

  // How often V8 has compiled something in a request of it: under `rewind` and `process`, it does so
  // again in each one.
  uint64_t compiled() const { return compiled_; }
  void note_compiled(uint32_t times) { compiled_ += times; }

private:
  RunHistory(std::string kind, std::string name, std::string what)
      : kind_(std::move(kind)), name_(std::move(name)), what_(std::move(what)) {}

  std::string kind_, name_, what_;
  std::deque<int64_t> times_us_;
  Limits limits_{};
  int64_t until_us_ = 0;
  static constexpr int64_t many_pages = 512;
  std::optional<int64_t> changed_pages_;
  uint64_t compiled_ = 0;
  int64_t last_called_us_ = 0;
};

using RunHistoryPointer = std::shared_ptr<RunHistory>;

} // namespace lethe
