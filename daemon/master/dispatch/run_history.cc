// SPDX-License-Identifier: Apache-2.0
// When something is quarantined, and what its requests hear.
#include "daemon/master/dispatch/run_history.h"

#include <algorithm>
#include <fmt/format.h>

namespace lethe {

RunHistoryPointer RunHistory::of_script(std::string_view name, int64_t version) {
  return RunHistoryPointer(new RunHistory("script", std::string(name),
                                          fmt::format("version {} of script {}", version, name)));
}

RunHistoryPointer RunHistory::of_evals(int64_t user) {
  return RunHistoryPointer(
      new RunHistory("user", std::to_string(user), fmt::format("what user {} evaluates", user)));
}

bool RunHistory::note_fault(int64_t now_us, const Limits &limits) {
  if (limits.faults == 0 || is_quarantined(now_us))
    return false;
  limits_ = limits;
  std::erase_if(times_us_, [&](int64_t time_us) { return time_us <= now_us - limits.within_us; });
  times_us_.push_back(now_us);
  if (static_cast<int64_t>(times_us_.size()) < limits.faults)
    return false;
  times_us_.clear(); // afterwards it starts afresh
  until_us_ = kind_ == "script" ? INT64_MAX : now_us + limits.within_us;
  return true;
}

void RunHistory::note_changed_pages(int64_t pages) {
  changed_pages_ = changed_pages_ ? (3 * *changed_pages_ + pages) / 4 : pages;
}

size_t RunHistory::faults(int64_t now_us) const {
  return static_cast<size_t>(std::ranges::count_if(
      times_us_, [&](int64_t time_us) { return time_us > now_us - limits_.within_us; }));
}

bool RunHistory::release(int64_t now_us) {
  const bool was_quarantined = is_quarantined(now_us);
  until_us_ = 0;
  times_us_.clear();
  return was_quarantined;
}

Error RunHistory::error(int64_t now_us) const {
  std::string message =
      fmt::format("{} is quarantined: {} workers that ran it ended by a fault within {} minutes; ",
                  what_, limits_.faults, limits_.within_us / 60'000'000);
  if (kind_ == "script")
    return Error(ErrorCode::quarantined,
                 message + fmt::format("put another version, or have an administrator release it: "
                                       "lethe script release {}",
                                       name_))
        .with("kind", kind_)
        .with("name", name_);
  const int64_t rest_ms = (until_us_ - now_us) / 1000 + 1;
  return Error(ErrorCode::quarantined,
               message + fmt::format("for another {} s", rest_ms / 1000 + 1))
      .with("kind", kind_)
      .with("name", name_)
      .with("retry_after_ms", rest_ms);
}

} // namespace lethe
