// SPDX-License-Identifier: Apache-2.0
// A set of addresses, kept as runs that do not touch.
#pragma once

#include "daemon/engine/memory/pages.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace lethe {

class RangeSet {
public:
  using Runs = std::map<uintptr_t, uintptr_t>; // begin -> end

  const Runs &runs() const { return runs_; }
  size_t bytes() const { return bytes_; }

  // Calls use(part) for each part of the range that is in the set, which stays as it is meanwhile.
  template <typename Use> void for_each_in(PageRange range, Use use) const {
    if (range.empty())
      return;
    for (auto run = first_after(range.begin); run != runs_.end() && run->first < range.end; ++run)
      use(range.common({run->first, run->second}));
  }

  size_t bytes_in(PageRange range) const {
    size_t found = 0;
    for_each_in(range, [&found](PageRange part) { found += part.bytes(); });
    return found;
  }

  void add(PageRange range) {
    remove(range);
    bytes_ += range.bytes();
    auto next = runs_.lower_bound(range.end);
    if (next != runs_.end() && next->first == range.end) {
      range.end = next->second;
      next = runs_.erase(next);
    }
    if (next != runs_.begin() && std::prev(next)->second == range.begin)
      std::prev(next)->second = range.end;
    else
      runs_.emplace_hint(next, range.begin, range.end);
  }

  void remove(PageRange range) {
    for (auto run = first_after(range.begin); run != runs_.end() && run->first < range.end;) {
      const PageRange whole{run->first, run->second};
      run = runs_.erase(run);
      bytes_ -= range.common(whole).bytes();
      if (whole.begin < range.begin)
        runs_.emplace(whole.begin, range.begin);
      if (whole.end > range.end)
        run = runs_.emplace(range.end, whole.end).first;
    }
  }

private:
  // The first run that ends behind `address`.
  Runs::const_iterator first_after(uintptr_t address) const {
    auto run = runs_.upper_bound(address);
    return run != runs_.begin() && std::prev(run)->second > address ? std::prev(run) : run;
  }

  Runs runs_;
  size_t bytes_ = 0;
};

} // namespace lethe
