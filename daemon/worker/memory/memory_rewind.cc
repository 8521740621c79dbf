// SPDX-License-Identifier: Apache-2.0
// The way back to the checkpoint. Everything here runs while the heap is being overwritten: only
// the stack and surviving memory may be used.
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/memory/memory_image_walk.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <alloca.h>
#include <charconv>
#include <cstring>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace lethe {
namespace {

// Longer runs of cold pages are buffers rather than objects, which not every request reads.
constexpr size_t most_populated_bytes = size_t{1} << 20;
// Of the dead part of the stack: wiped in every rewind, unseen; wiped where something was written,
// and kept mapped, as ordinary scripts use that much. What lies deeper is dropped.
constexpr size_t wiped_stack_bytes = size_t{16} << 10;
constexpr size_t kept_stack_bytes = size_t{256} << 10;
constexpr size_t deepest_stack_bytes = size_t{2} << 20;
// What so many requests in a row did not need of the stack's middle part is dropped, too: reading it
// in vain takes longer than a request.
constexpr uint64_t stack_window_rewinds = 64;
// Below a frame that compares: its own calls, and a signal's.
constexpr size_t comparing_stack_bytes = size_t{8} << 10;

// The dead part of the stack from `begin` up to this function's frame. Not by an array of its own
// (alloca): what it calls would leave its frames at the deep end.
[[gnu::noinline]] void wipe_dead_stack(uintptr_t begin) {
  constexpr size_t own_bytes = 256; // of this frame's calls
  const uintptr_t end = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - own_bytes;
  ::explicit_bzero(reinterpret_cast<void *>(begin), end - begin);
}

uintptr_t page_of(uintptr_t address) { return address / page_bytes() * page_bytes(); }

// The pages from `begin`'s up to `end`'s. What is not mapped there is skipped by the kernel.
bool drop_stack(uintptr_t begin, uintptr_t end) {
  return ::madvise(reinterpret_cast<void *>(page_of(begin)), page_of(end) - page_of(begin),
                   MADV_DONTNEED) == 0;
}

bool is_zero(uintptr_t page, size_t bytes) {
  const auto *words = reinterpret_cast<const uint64_t *>(page);
  uint64_t all = 0;
  for (size_t i = 0; i < bytes / sizeof *words; ++i)
    all |= words[i];
  return all == 0;
}

} // namespace

[[gnu::noinline]] void grow_stack() {
  auto *deep = static_cast<volatile char *>(alloca(deepest_stack_bytes));
  deep[0] = 0;
}

long address_space_pages(int statm) {
  char text[64];
  const ssize_t got = ::pread(statm, text, sizeof text, 0);
  long pages = -1;
  if (got > 0)
    std::from_chars(text, text + got, pages);
  return pages;
}

// A worker has one thread; asking for all of the process takes the kernel a fifth longer.
uint64_t page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_minflt + usage.ru_majflt);
}

RewindFailure MemoryImage::rewind(uint32_t script) {
  invariant(overlay_, "memory goes back once the image is adopted");
  ++statistics_.rewinds;
  const uint64_t faults = settings_.method == ScanMethod::drop ? faults_ + 1 : page_faults();
  // What was written since the image was adopted, and the stack that this took, had its page faults
  // before the first request.
  const bool had_faults = faults != faults_ || statistics_.rewinds == 1;
  const auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (had_faults) // before the scan, as it may write errno
    static_cast<void>(drop_stack(frame - deepest_stack_bytes, frame - kept_stack_bytes));
  if (!restore_break() || !restore_protections())
    return RewindFailure::system_call_failed;
  if (settings_.method == ScanMethod::drop) {
    if (mappings_changed())
      return RewindFailure::mapping_changed;
    if (!drop_everything())
      return RewindFailure::system_call_failed;
  } else if (had_faults) {
    const HotPages::Keep keep = hot_.keep_after(faults - faults_, script);
    if (const RewindFailure failure = find_changed(keep, script); failure != RewindFailure::none)
      return failure;
    if (!restore_hot_pages(script))
      return RewindFailure::system_call_failed;
    faults_ = page_faults();
  } else if (!restore_hot_pages(script)) {
    return RewindFailure::system_call_failed;
  }
  if (!restore_copied() || !wipe_deep_stack(frame, had_faults))
    return RewindFailure::system_call_failed;
  wipe_dead_stack(page_of(frame - wiped_stack_bytes));
  return RewindFailure::none;
}

// Between what is always wiped and what is dropped. At the end: the scan has used it, too. Where
// something has brought in pages of it there was a page fault.
bool MemoryImage::wipe_deep_stack(uintptr_t frame, bool had_faults) {
  if (fault_point("rewind.stack"))
    return true;
  const PageRange kept{page_of(frame - kept_stack_bytes), page_of(frame - wiped_stack_bytes)};
  if (had_faults && !find_reached_stack(kept))
    return false;
  for (uintptr_t page = stack_reached_; page < kept.end; page += page_bytes_)
    if (!is_zero(page, page_bytes_)) {
      ::explicit_bzero(reinterpret_cast<void *>(page), page_bytes_);
      stack_needed_ = std::min(stack_needed_, page);
    }
  if (statistics_.rewinds % stack_window_rewinds != 0)
    return true;
  const uintptr_t needed = std::min(std::exchange(stack_needed_, UINTPTR_MAX), kept.end);
  return stack_reached_ >= needed || drop_stack(std::exchange(stack_reached_, needed), needed);
}

bool MemoryImage::find_reached_stack(PageRange kept) {
  uint64_t entries[(kept_stack_bytes - wiped_stack_bytes) / 4096 + 1];
  const size_t pages = kept.bytes() / page_bytes_;
  if (read_pagemap(scanner_.descriptor(), kept, entries, std::size(entries)) != pages)
    return false;
  const uint64_t *page = entries;
  while (page < entries + pages && (*page & (pagemap_present | pagemap_swapped)) == 0)
    ++page;
  stack_reached_ = kept.begin + static_cast<size_t>(page - entries) * page_bytes_;
  return true;
}

// The first word of the stack's dead part that is not zero, or 0.
uintptr_t MemoryImage::stack_difference(uintptr_t frame) const {
  const uintptr_t end = page_of(frame - comparing_stack_bytes);
  for (uintptr_t page = stack_reached_; page < end; page += page_bytes_)
    if (!is_zero(page, page_bytes_))
      return page;
  return 0;
}

bool MemoryImage::restore_break() {
  const auto now = reinterpret_cast<uintptr_t>(::sbrk(0));
  return now == break_ ||
         (!fault_point("rewind.break") && ::brk(reinterpret_cast<void *>(break_)) == 0);
}

// What was unused at the checkpoint is dropped unseen: no scan need look there, and changing the
// protection of memory without pages is cheap.
bool MemoryImage::restore_protections() {
  touched_bytes_ = 0;
  for (; protection_change_count_ > 0; --protection_change_count_) {
    const bool restored = for_each_part(protection_changes_[protection_change_count_ - 1],
                                        [this](PageRange part, const Region &region) {
                                          return !fault_point("rewind.protection") &&
                                                 restore_protection(part, region);
                                        });
    if (!restored)
      return false;
  }
  return true;
}

bool MemoryImage::drop_unused(PageRange range) {
  size_t pages = 0; // that were written: there is no file behind it
  if (!for_each_changed_in(range, [&pages, this](PageRange run) {
        pages += run.bytes() / page_bytes_;
        return true;
      }))
    return false;
  touched_bytes_ += pages * page_bytes_;
  return drop(range, pages);
}

bool MemoryImage::mappings_changed() const {
  return fault_point("rewind.mappings") ||
         address_space_pages(statm_.get()) != address_space_pages_;
}

RewindFailure MemoryImage::find_changed(HotPages::Keep keep, uint32_t script) {
  if (mappings_changed())
    return RewindFailure::mapping_changed;
  hot_.forget_now_and_then(++statistics_.scans, page_count_);
  const size_t most_bytes = settings_.most_touched_bytes,
               layer_bytes = layer_count_ * page_bytes_; // which may always be found changed
  const auto too_much = [&] {
    return touched_bytes_ > most_bytes && touched_bytes_ - most_bytes > layer_bytes;
  };
  ColdRange cold;
  const bool scanned = !fault_point("rewind.scan") && for_each_changed([&](PageRange run) {
    touched_bytes_ += run.bytes();
    return !too_much() && take_run(run, keep, script, cold);
  });
  if (too_much())
    return RewindFailure::too_much_touched;
  return scanned && drop_cold(cold) ? RewindFailure::none : RewindFailure::system_call_failed;
}

// Each page of the run: hot already, or becomes hot, or is cold. `cold` holds those found last,
// which are not dropped yet.
bool MemoryImage::take_run(PageRange run, HotPages::Keep keep, uint32_t script, ColdRange &cold) {
  return for_each_part(run, [&](PageRange part, const Region &region) {
    const bool can_be_copied = (protection_of(part, region) & PROT_WRITE) != 0;
    for (uintptr_t address = part.begin; address < part.end; address += page_bytes_) {
      const size_t number = page_number(address, region);
      const bool is_put_back = this->is_put_back(number);
      const bool becomes_hot = !is_put_back && can_be_copied && hot_.wants(number, keep);
      if (becomes_hot)
        hot_.add(address, image_of(region, number), number, keep, script);
      if (is_put_back || becomes_hot) {
        if (!drop_cold(cold))
          return false;
        continue;
      }
      hot_.note_dropped(number);
      if (cold.region != &region || address > cold.range.end + fault_around_bytes) {
        if (!drop_cold(cold))
          return false;
        cold = {{address, address}, &region, 0};
      }
      cold.range.end = address + page_bytes_;
      ++cold.pages;
    }
    return true;
  });
}

// Leaves none pending. They are mapped again at once: what the next request only reads would
// else be a page fault, and a reason to scan. Not where the image has a hole, which reading fills.
bool MemoryImage::drop_cold(ColdRange &pending) {
  const ColdRange cold = std::exchange(pending, {});
  if (!drop(cold.range, cold.pages))
    return false;
  if (!cold.region || !can_populate_)
    return true;
  const Region &region = *cold.region;
  const bool is_readable = region.is_in_file && (region.protection & PROT_READ);
  if (!is_readable && !layer_.content)
    return true;
  const auto end_of_run = [&](uintptr_t address, bool has_content) {
    for (; address < cold.range.end; address += page_bytes_) {
      const size_t number = page_number(address, region);
      if (((is_readable && has_content_.has(number)) || layer_of(number)) != has_content)
        break;
    }
    return address;
  };
  for (PageRange content{0, cold.range.begin}; content.end < cold.range.end;) {
    content.begin = end_of_run(content.end, false);
    content.end = end_of_run(content.begin, true);
    if (!content.empty() && content.bytes() <= most_populated_bytes && !populate(content))
      return false;
  }
  return true;
}

const char *MemoryImage::image_of(const Region &region, size_t number) const {
  invariant(number >= region.first_page &&
                number - region.first_page < region.range.bytes() / page_bytes_,
            "an image's page is of its region", {"page", number}, {"first", region.first_page});
  if (const char *layered = layer_of(number))
    return layered;
  return image_below_layer(region, number);
}

const char *MemoryImage::image_below_layer(const Region &region, size_t number) const {
  if (const char *own = overlay_of(number))
    return own;
  return region.is_in_file && has_content_.has(number)
             ? reinterpret_cast<const char *>(view_.begin + number * page_bytes_)
             : zero_page_;
}

const char *MemoryImage::overlay_of(size_t number) const {
  const size_t *const end = overlay_numbers_ + overlay_count_;
  const size_t *const found = std::lower_bound(overlay_numbers_, end, number);
  return found < end && *found == number ? overlay_ + (found - overlay_numbers_) * page_bytes_
                                         : nullptr;
}

bool MemoryImage::restore_hot_pages(uint32_t script) {
  const bool restored =
      hot_.restore(statistics_.rewinds, script, [this](PageRange idle) { return cool(idle); });
  statistics_.pages_copied = hot_.copied() + layer_pages_copied_;
  statistics_.surveys = hot_.surveys();
  statistics_.changed_pages = hot_.changed();
  statistics_.hot_pages = hot_.count();
  return restored;
}

bool populate(PageRange range) {
  constexpr int populate_read = 22; // MADV_POPULATE_READ, Linux 5.14
  return ::madvise(reinterpret_cast<void *>(range.begin), range.bytes(), populate_read) == 0;
}

bool MemoryImage::drop(PageRange range) { return drop(range, range.bytes() / page_bytes_); }

bool MemoryImage::drop(PageRange range, size_t touched_pages) {
  if (range.empty())
    return true;
  statistics_.pages_dropped += touched_pages;
  return !fault_point("rewind.drop") &&
         ::madvise(reinterpret_cast<void *>(range.begin), range.bytes(), MADV_DONTNEED) == 0;
}

bool MemoryImage::drop_everything() {
  for (const ScanRange *scan = ranges_; scan < ranges_ + range_count_; ++scan)
    if (!drop({scan->range.begin, scan->end()}))
      return false;
  layer_is_touched_ = true;
  return true;
}

uintptr_t MemoryImage::first_difference() {
  uintptr_t found = stack_difference(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  if (found != 0)
    return found;
  const auto differs = [&](uintptr_t address, const char *source) {
    if (std::memcmp(reinterpret_cast<const void *>(address), source, page_bytes_) == 0)
      return false;
    found = address;
    return true;
  };
  for (const HotPage &page : hot_)
    if (differs(page.address, page.source))
      return found;
  for (const Region *region = regions_; region < regions_ + region_count_; ++region) {
    if (!region->is_in_file || !(region->protection & PROT_READ))
      continue;
    for (uintptr_t address = region->range.begin; address < region->range.end;
         address += page_bytes_) {
      const size_t number = page_number(address, *region);
      if (has_content_.has(number) && !hot_.has(number) &&
          differs(address, image_of(*region, number)))
        return found;
    }
  }
  for (const LayerPage *page = layer_pages_; page < layer_pages_ + layer_count_; ++page)
    if ((page->protection & PROT_READ) && differs(page->address, layer_of(page->number)))
      return found;
  for (const LayerRun *run = layer_runs_; run < layer_runs_ + layer_run_count_; ++run)
    for (uintptr_t address = run->range.begin; address < run->range.end; address += page_bytes_)
      if (differs(address, run->source + (address - run->range.begin)))
        return found;
  // Whatever is still changed must be put back otherwise (and was compared above).
  const auto all_put_back = [&](PageRange part, const Region &region) {
    for (uintptr_t address = part.begin; address < part.end; address += page_bytes_)
      if (const size_t number = page_number(address, region); !is_put_back(number)) {
        found = address;
        return false;
      }
    return true;
  };
  for (const ScanRange *scan = ranges_; scan < ranges_ + range_count_ && found == 0; ++scan)
    for_each_changed_in(scan->range,
                        [&](PageRange run) { return for_each_part(run, all_put_back); });
  return found;
}

} // namespace lethe
