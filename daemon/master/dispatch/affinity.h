// SPDX-License-Identifier: Apache-2.0
// Which idle worker a request should go to. A rewind copies the pages that a worker's requests write
// again and again, all of them after each request: what a light script shares with heavy ones, it
// pays for. And a script that comes to a worker for the first time brings its pages in by page
// faults.
#pragma once

#include "daemon/master/dispatch/run_history.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lethe {

// What a worker has run lately. Only a hint: of two scripts in one place, the later one is known.
class Repertoire {
public:
  // The worker's request of this number, from 1 on.
  void note(const RunHistory *script, uint32_t number) {
    entries_[place_of(script)] = {script, number};
  }
  bool has(const RunHistory *script, uint32_t number) const {
    const Entry &entry = entries_[place_of(script)];
    return entry.number > 0 && entry.script == script && number - entry.number <= lately;
  }

private:
  // After so many other requests its pages have been dropped.
  static constexpr uint32_t lately = 256;
  static constexpr int place_bits = 6;
  struct Entry {
    const RunHistory *script;
    uint32_t number;
  };
  static size_t place_of(const RunHistory *script) {
    constexpr uint64_t golden = 0x9e3779b97f4a7c15; // spreads them
    return reinterpret_cast<uintptr_t>(script) * golden >> (64 - place_bits);
  }

  Entry entries_[size_t{1} << place_bits] = {};
};

// The cost of a script that changes so many pages in a worker that copies so many, as a number of
// pages copied (0.2 µs each): those that it does not change itself; or its own, which lighter ones
// there would copy with each request from then on, as the larger part of their rewinds. And page
// faults for what is not every script's, where the worker has not run it lately.
inline int64_t cost_of(int64_t changed_pages, int64_t hot_pages, bool is_known) {
  constexpr int64_t common_pages = 48, fault = 5, harm = 8;
  const int64_t learning =
      is_known ? 0 : fault * std::max<int64_t>(0, changed_pages - common_pages);
  return learning + (hot_pages > changed_pages ? hot_pages - changed_pages
                                               : harm * (changed_pages - hot_pages));
}
// In the same unit, of a worker that does not expect the next request. (It takes longer to wake than
// to copy so much; but one that has just answered has yet to copy before it can begin.)
inline constexpr int64_t cost_of_waking = 64;

} // namespace lethe
