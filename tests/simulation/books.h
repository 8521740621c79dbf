// SPDX-License-Identifier: Apache-2.0
// What was asked, run and answered in a simulation, and the invariants that hold for it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace lethe::simulation {

// As a result: one that a worker has invented.
inline constexpr int64_t nobodys_number = -1;

// One call, eval or chain, from the views of its client and of the workers that began it.
struct Ask {
  int64_t number;
  size_t client;
  int64_t deadline_ms;
  int steps = 1; // of a chain
  bool idempotent = false;
  bool reader_is_slow = false; // its client may not see in time what the master sent in time
  int64_t sent_us = -1;        // its last byte
  int64_t cancelled_us = -1;
  bool excused = false;  // its client is gone, or was refused
  bool is_probe = false; // asked while nothing goes wrong
  int replies = 0;
  std::string code; // of the error; empty: a result

  struct Begin {
    int64_t worker;
    int step; // of a chain
    bool by_liar;
  };
  std::vector<Begin> begins;
  int64_t said_us = -1; // when an honest worker had sent the whole last result
};

// The first violation counts; what comes after it may be its consequence.
class Books {
public:
  // How late a reply may be read after its deadline and the grace time: what master and client take
  // to look.
  static constexpr int64_t bound_us = 20'000;

  Ask &open(size_t client, int64_t deadline_ms);
  Ask *find(int64_t number);
  void violated(std::string_view invariant, const std::string &how);
  // The daemon's clients have its attention from now on. What was sent before counts from here.
  void serves_from(int64_t time_us) { serves_from_us_ = time_us; }
  bool broken() const { return !violation_.empty(); }
  const std::string &violation() const { return violation_; }
  size_t asked() const { return asks_.size(); }

  // --- invariants, checked as things happen ---
  // 2: at most once. An idempotent request may begin once more.
  void a_request_begins_at_most_once(int64_t number, const Ask::Begin &begin);
  // 1: never two replies; 3: in time; and a result is that of its request.
  void a_request_has_one_reply_in_time(Ask &ask, std::string_view code, int64_t value,
                                       int64_t now_us, int64_t grace_ms);
  // Whatever was before: whoever asks while nothing goes wrong is served.
  void a_probe_is_served(const Ask &ask);
  // 1: where a schedule does not end, a reply that is missing is the reason.
  void no_reply_is_overdue(int64_t now_us);
  // --- and at the end ---
  // 1: one reply for each whose client is there.
  void each_request_was_answered();
  // Where no process and no client does anything wrong, no error says so.
  void nobody_is_blamed_without_a_fault();
  // A result that a worker said before its death is not lost.
  void what_a_worker_said_arrived(int64_t stop_us);

private:
  int64_t due_us(const Ask &ask, int64_t grace_ms) const;

  std::deque<Ask> asks_;
  int64_t serves_from_us_ = INT64_MAX;
  std::string violation_;
};

} // namespace lethe::simulation
