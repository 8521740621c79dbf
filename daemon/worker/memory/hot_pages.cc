// SPDX-License-Identifier: Apache-2.0
// The policy. All of it may run while the heap is being overwritten: only the stack and the pages'
// own book-keeping may be used.
#include "daemon/worker/memory/hot_pages.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lethe {
namespace {

// What a request wrote for the first time becomes hot if that is little. If it is more, only what
// was written not long ago, too; what a heavy request wrote is dropped, or the light one after it
// would pay. But where the same script was heavy in the request before, all of it stays until another
// one runs: what is written each time is copied sooner than it is mapped and copied.
constexpr uint64_t little_faults = 64, heavy_faults = 512;
// A survey is made now and then (copying a page unseen costs less than comparing it), more often
// beyond so many hot pages: it finds those that the last request did not change, and drops one that
// several surveys in a row found so. One that then turns out to be written after all gets more
// patience each time: a scan for its return costs as much as hundreds of copies. The intervals are
// primes, so that requests that take turns are all seen. The first request has one: comparing is code
// that is not mapped before, and a page fault later would be a reason to scan.
constexpr size_t few_pages = 64;
constexpr uint64_t survey_interval = 7, rare_survey_interval = 61;
constexpr uint8_t patience[] = {2, 5, 36}; // surveys
// That a script's own pages are idle says nothing while others run: where many take turns, each would
// find its pages dropped. They go once it has not run for so many requests. No more than a few, which
// is what a tiny script has, or others would copy a large one's for as long.
constexpr uint64_t others_patience = 1024;
constexpr size_t most_own = 8;
// After so many scans, what was dropped is forgotten.
constexpr uint64_t forget_interval = 64;

} // namespace

HotPages::Keep HotPages::keep_after(uint64_t new_faults, uint32_t script) {
  const bool is_heavy = new_faults > heavy_faults;
  if (script != 0 && script == heavy_script_ && (is_heavy || heavy_count_ > 0))
    return Keep::heavy;
  heavy_script_ = is_heavy ? script : 0;
  return new_faults <= little_faults  ? Keep::all
         : new_faults <= heavy_faults ? Keep::known
                                      : Keep::none;
}

bool HotPages::wants(size_t number, Keep keep) const {
  const bool is_worth_it = keep == Keep::known ? was_dropped_.has(number) : keep != Keep::none;
  return is_worth_it && has_room(keep);
}

void HotPages::add(uintptr_t address, const char *source, size_t number, Keep keep,
                   uint32_t script) {
  invariant(has_room(keep) && !has(number), "a page becomes hot once, and where there is room",
            {"pages", count_}, {"number", number});
  const bool is_heavy = keep == Keep::heavy;
  HotPage &page = pages_[count_++];
  page = {address, source, number, 0, 0, is_heavy};
  if (is_heavy || (keep == Keep::all && of(script).pages < most_own))
    page.script = script;
  heavy_count_ += is_heavy;
  of(script).pages += is_own(page);
  is_hot_.set(number);
}

void HotPages::add_costly(uintptr_t address, const char *source, size_t number) {
  times_idle_[number] = std::max<uint8_t>(times_idle_[number], 1);
  add(address, source, number, Keep::all, 0);
}

void HotPages::note_dropped(size_t number) {
  was_dropped_.set(number);
  has_dropped_ = true;
}

void HotPages::forget_now_and_then(uint64_t scan, size_t image_pages) {
  if (scan % forget_interval == 0 && std::exchange(has_dropped_, false))
    std::memset(was_dropped_.words, 0, (image_pages + 63) / 64 * sizeof(uint64_t));
}

bool HotPages::makes_survey(uint64_t request) const {
  return request % (count_ <= few_pages ? rare_survey_interval : survey_interval) == 1;
}

void HotPages::forget(const HotPage &page) {
  is_hot_.clear(page.number);
  heavy_count_ -= page.is_heavy;
  of(page.script).pages -= is_own(page);
}

bool HotPages::is_idle_for_too_long(HotPage &page, uint64_t request, uint32_t script) {
  if (page.is_heavy)
    return ++page.idle >= patience[0];
  if (page.script != 0 && page.script != script)
    return request - of(page.script).last_request > others_patience;
  uint8_t &times = times_idle_[page.number];
  if (++page.idle < patience[times])
    return false;
  if (times + size_t{1} < std::size(patience))
    ++times;
  return true;
}

} // namespace lethe
