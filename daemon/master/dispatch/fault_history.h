// SPDX-License-Identifier: Apache-2.0
// Workers that ended by a fault, by what they ran.
#pragma once

#include "ipc/error.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace lethe {

// Of one version of a script, or of all that one user evaluates: shared by its requests, the workers
// that ran it, and whoever knows it by name. Too many faults in a while, and it is quarantined:
// nothing of it is run any more.
//
// A script until it is released or another version is in its place, as it would do it again. A user for
// as long as the faults count, as there is nobody whose other evals could be told apart.
class FaultHistory {
public:
  struct Limits {
    int64_t faults; // 0: there is no quarantine
    int64_t within_us;
  };

  static std::shared_ptr<FaultHistory> of_script(std::string_view name, int64_t version);
  static std::shared_ptr<FaultHistory> of_evals(int64_t user);

  // A worker that ran it has ended by a fault. True: that was one too many.
  bool note(int64_t now_us, const Limits &limits);
  bool is_quarantined(int64_t now_us) const { return now_us < until_us_; }
  size_t faults(int64_t now_us) const; // that count
  // Nothing of it matters any more.
  bool is_clean(int64_t now_us) const { return !is_quarantined(now_us) && faults(now_us) == 0; }
  // True: it was quarantined.
  bool release(int64_t now_us);
  // What a request of it gets while it is quarantined.
  Error error(int64_t now_us) const;

private:
  FaultHistory(std::string kind, std::string name, std::string what)
      : kind_(std::move(kind)), name_(std::move(name)), what_(std::move(what)) {}

  std::string kind_, name_, what_;
  std::deque<int64_t> times_us_;
  Limits limits_{};
  int64_t until_us_ = 0;
};

using FaultHistoryPointer = std::shared_ptr<FaultHistory>;

} // namespace lethe
