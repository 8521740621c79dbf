// SPDX-License-Identifier: Apache-2.0
// The pages that are copied back after each request and stay mapped, so that the next write to one
// is no page fault: which pages become so, and which have been idle for too long.
#pragma once

#include "daemon/engine/memory/pages.h"
#include "daemon/worker/memory/page_bits.h"

#include <cstring>
#include <iterator>

namespace lethe {

struct HotPage {
  uintptr_t address;
  const char *source; // what it goes back to
  size_t number;      // in the image
  uint32_t script;    // whose own it is, 0: anybody's
  uint8_t idle;       // how many surveys in a row found it unchanged
  bool is_heavy;      // it goes as soon as another script runs
};

// Lies in memory that was zeroed, and is not rewound. Allocates nothing, and writes nothing but
// itself and the pages.
class HotPages {
public:
  // Which of the pages that a request wrote for the first time become hot. known: those that were
  // written not long ago, too. heavy: all, until another script runs.
  enum class Keep : uint8_t { none, known, all, heavy };
  Keep keep_after(uint64_t new_faults, uint32_t script);

  static constexpr size_t most = 512, most_heavy = 8192;

  bool has(size_t number) const { return is_hot_.has(number); }
  // May it be added, and is it worth it?
  bool wants(size_t number, Keep keep) const;
  // After a request that ran this script, 0: none that comes again.
  void add(uintptr_t address, const char *source, size_t number, Keep keep, uint32_t script);
  // The same of one that takes more than a drop when it is idle: not so soon.
  void add_costly(uintptr_t address, const char *source, size_t number);
  bool has_room(Keep keep = Keep::all) const {
    return keep == Keep::heavy ? heavy_count_ < most_heavy : count_ - heavy_count_ < most;
  }
  // Somebody else sees to those for which f(page) is true.
  template <typename F> void remove_if(F f);
  // Its changed content was dropped: written again before long, it is known.
  void note_dropped(size_t number);
  // Before each scan for changed pages of an image with so many, the scan's number first.
  void forget_now_and_then(uint64_t scan, size_t image_pages);

  // Puts the pages back after the request of this number, which ran that script, and calls drop(range)
  // for those that have been idle for long enough, adjoining ones at once. False: drop did not succeed.
  template <typename Drop> bool restore(uint64_t request, uint32_t script, Drop drop);
  uint64_t copied() const { return copied_; } // pages, in all
  // What the last survey found changed, of the request before it; and how many surveys there were.
  size_t changed() const { return changed_; }
  uint64_t surveys() const { return surveys_; }

  size_t count() const { return count_; }
  const HotPage *begin() const { return pages_; }
  const HotPage *end() const { return pages_ + count_; }

private:
  struct Script { // all whose numbers are the same modulo their count
    uint64_t last_request;
    size_t pages; // of their own
  };
  Script &of(uint32_t script) { return scripts_[script % std::size(scripts_)]; }
  bool is_own(const HotPage &page) const { return page.script != 0 && !page.is_heavy; }
  void forget(const HotPage &page);
  bool makes_survey(uint64_t request) const;
  bool is_idle_for_too_long(HotPage &page, uint64_t request, uint32_t script);

  size_t count_ = 0, heavy_count_ = 0;
  uint32_t heavy_script_ = 0; // that ran last, and was heavy or has heavy pages
  uint64_t copied_ = 0, surveys_ = 0;
  size_t changed_ = 0;
  bool has_dropped_ = false; // was_dropped_ is not empty
  HotPage pages_[most + most_heavy];
  Script scripts_[256] = {};
  PageBits is_hot_;
  PageBits was_dropped_; // not long ago
  uint8_t times_idle_
      [most_image_pages]; // how often it was dropped as idle, up to the most that matters
};

template <typename F> void HotPages::remove_if(F f) {
  size_t kept = 0;
  for (const HotPage *page = begin(), *const last = end(); page < last; ++page)
    if (f(*page))
      forget(*page);
    else
      pages_[kept++] = *page;
  count_ = kept;
}

template <typename Drop> bool HotPages::restore(uint64_t request, uint32_t script, Drop drop) {
  of(script).last_request = request;
  if (script != heavy_script_)
    heavy_script_ = 0;
  const bool survey = makes_survey(request);
  const size_t bytes = page_bytes();
  const uint64_t copied_before = copied_;
  size_t kept = 0;
  PageRange idle;
  for (HotPage *page = pages_; page < pages_ + count_; ++page) {
    void *const memory = reinterpret_cast<void *>(page->address);
    const bool is_left = page->is_heavy && page->script != script;
    const bool is_unchanged = survey && !is_left && std::memcmp(memory, page->source, bytes) == 0;
    if (is_left || (is_unchanged && is_idle_for_too_long(*page, request, script))) {
      forget(*page);
      if (idle.end != page->address) {
        if (!drop(idle))
          return false;
        idle.begin = page->address;
      }
      idle.end = page->address + bytes;
      continue;
    }
    if (!is_unchanged) {
      std::memcpy(memory, page->source, bytes);
      ++copied_;
      if (survey)
        page->idle = 0;
    }
    pages_[kept++] = *page;
  }
  if (survey) {
    ++surveys_;
    changed_ = copied_ - copied_before;
  }
  count_ = kept;
  return drop(idle);
}

} // namespace lethe
