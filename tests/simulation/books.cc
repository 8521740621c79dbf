// SPDX-License-Identifier: Apache-2.0
// Invariants of requests.
#include "tests/simulation/books.h"

#include <algorithm>
#include <fmt/format.h>

namespace lethe::simulation {

Ask &Books::open(size_t client, int64_t deadline_ms) {
  asks_.push_back({.number = static_cast<int64_t>(asks_.size()) + 1,
                   .client = client,
                   .deadline_ms = deadline_ms});
  return asks_.back();
}

Ask *Books::find(int64_t number) {
  return number >= 1 && number <= static_cast<int64_t>(asks_.size())
             ? &asks_[static_cast<size_t>(number) - 1]
             : nullptr;
}

void Books::violated(std::string_view invariant, const std::string &how) {
  if (violation_.empty())
    violation_ = fmt::format("{}: {}", invariant, how);
}

void Books::a_request_begins_at_most_once(int64_t number, const Ask::Begin &begin) {
  if (number == nobodys_number) // what a liar made of a chain
    return;
  Ask *ask = find(number);
  if (!ask)
    return violated("a worker gets what a client asked", fmt::format("request {}", number));
  ask->begins.push_back(begin);
  const auto times =
      std::count_if(ask->begins.begin(), ask->begins.end(), [&](const Ask::Begin &other) {
        return other.step == begin.step && !other.by_liar;
      });
  if (!begin.by_liar && times > (ask->idempotent ? 2 : 1))
    violated("a request begins at most once",
             fmt::format("request {} step {} was begun {} times", number, begin.step, times));
}

void Books::a_request_has_one_reply_in_time(Ask &ask, std::string_view code, int64_t value,
                                            int64_t now_us, int64_t grace_ms) {
  ask.code = code;
  if (++ask.replies > 1)
    return violated("a request has one reply", fmt::format("request {}", ask.number));
  if (ask.sent_us < 0)
    return violated("a reply follows its request", fmt::format("request {}", ask.number));
  const bool by_liar = std::any_of(ask.begins.begin(), ask.begins.end(),
                                   [](const Ask::Begin &begin) { return begin.by_liar; });
  if (code.empty() && value != ask.number && value != nobodys_number && !by_liar)
    return violated("a result is that of its request",
                    fmt::format("request {} got that of {}", ask.number, value));
  if (now_us > due_us(ask, grace_ms) + bound_us && !ask.reader_is_slow)
    violated("a reply is in time",
             fmt::format("request {}, sent {} us ago, deadline {} ms, grace {} ms", ask.number,
                         now_us - ask.sent_us, ask.deadline_ms, grace_ms));
}

void Books::a_probe_is_served(const Ask &ask) {
  if (ask.is_probe && !ask.code.empty() && ask.code != "script_error") // a script may throw
    violated("all are served when all is quiet",
             fmt::format("request {} of client {} got {}", ask.number, ask.client, ask.code));
}

int64_t Books::due_us(const Ask &ask, int64_t grace_ms) const {
  const int64_t received_us =
      serves_from_us_ == INT64_MAX ? ask.sent_us : std::max(ask.sent_us, serves_from_us_);
  return received_us + (ask.deadline_ms + grace_ms) * 1000;
}

void Books::each_request_was_answered() {
  for (const Ask &ask : asks_)
    if (ask.replies == 0 && !ask.excused)
      return violated("each request has a reply",
                      fmt::format("request {} of client {} has none", ask.number, ask.client));
}

void Books::no_reply_is_overdue(int64_t now_us) {
  constexpr int64_t patience_us = 1'000'000; // more than any grace time
  for (const Ask &ask : asks_)
    if (ask.replies == 0 && !ask.excused && !ask.reader_is_slow && ask.sent_us >= 0 &&
        now_us > due_us(ask, 0) + patience_us)
      return violated(
          "each request has a reply",
          fmt::format("request {} of client {}, sent {} us ago, deadline {} ms, has none",
                      ask.number, ask.client, now_us - ask.sent_us, ask.deadline_ms));
}

void Books::nobody_is_blamed_without_a_fault() {
  // A script may throw, and wait for its client longer than its deadline allows.
  for (const Ask &ask : asks_)
    if (ask.code != "" && ask.code != "script_error" && ask.code != "deadline_exceeded" &&
        ask.code != "overloaded")
      return violated("nobody is blamed without a fault",
                      fmt::format("request {} got {}", ask.number, ask.code));
}

void Books::what_a_worker_said_arrived(int64_t stop_us) {
  for (const Ask &ask : asks_) {
    if (ask.said_us < 0 || ask.replies == 0 || ask.code.empty() || ask.code == "too_large")
      continue;
    // The master may have decided otherwise before it heard of the result.
    const int64_t latest_us =
        std::min(due_us(ask, 0), ask.cancelled_us < 0 ? INT64_MAX : ask.cancelled_us);
    if (ask.said_us + bound_us < std::min(latest_us, stop_us))
      return violated("what a worker said arrives",
                      fmt::format("request {} got {}", ask.number, ask.code));
  }
}

} // namespace lethe::simulation
