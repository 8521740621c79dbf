// SPDX-License-Identifier: Apache-2.0
// What making an image and rewinding share: walks over its regions and over the pages that changed.
#pragma once

#include "daemon/worker/memory/memory_image.h"

#include <algorithm>

namespace lethe {

template <typename F> bool MemoryImage::for_each_changed_in(PageRange range, F f) {
  for (uintptr_t position = range.begin; position < range.end;) {
    const long count = scanner_.changed(range, &position, runs_, most_runs);
    if (count < 0)
      return false;
    for (const PageRange *run = runs_; run < runs_ + count; ++run)
      if (!f(*run))
        return false;
  }
  return true;
}

template <typename F> bool MemoryImage::for_each_changed(F f) {
  for (const ScanRange *scan = ranges_; scan < ranges_ + range_count_; ++scan)
    if (!for_each_changed_in({scan->range.begin, scan->end()}, f))
      return false;
  return true;
}

template <typename F> bool MemoryImage::for_each_part(PageRange range, F f) const {
  const Region *const end = regions_ + region_count_;
  const Region *region =
      std::upper_bound(regions_, end, range.begin, [](uintptr_t address, const Region &candidate) {
        return address < candidate.range.end;
      });
  for (; region < end && region->range.begin < range.end; ++region)
    if (!f(range.common(region->range), *region))
      return false;
  return true;
}

// Pages of address space that this process has mapped, from an open /proc/self/statm. -1: it cannot
// be read.
long address_space_pages(int statm);

// How many page faults this process has had.
uint64_t page_faults();

// Maps the pages, as reading them would. False where the kernel can't.
bool populate(PageRange range);

// Makes the stack's mapping as large as a script can need it, so that the address space does not
// grow later.
void grow_stack();

} // namespace lethe
