// SPDX-License-Identifier: Apache-2.0
// Layers of a memory image: written by one process, put on by others. What they are read with runs
// while the heap is being overwritten: only the stack and surviving memory may be used.
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/memory/memory_image_walk.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace lethe {
namespace {

// A layer: its head; its ranges; its pages, in the order of their addresses, each with its runs of
// changed words, and these behind each. All of it lies at multiples of eight bytes.
using Word = uint64_t;
struct Head {
  uint64_t ranges, pages;
};
struct RangeHead {
  uint64_t begin, end, protection;
};
struct PageHead {
  uint64_t address, runs;
};
struct RunHead {
  uint32_t first, words;
};
static_assert(sizeof(RunHead) == sizeof(Word));

constexpr int protections = PROT_READ | PROT_WRITE | PROT_EXEC;

} // namespace

struct MemoryImage::LayerReader {
  const char *at;
  template <typename T> const T *take(size_t count = 1) {
    return reinterpret_cast<const T *>(std::exchange(at, at + count * sizeof(T)));
  }
};

const char *MemoryImage::layer_of(size_t number) const {
  const LayerPage *const end = layer_pages_ + layer_count_;
  const LayerPage *const found =
      std::lower_bound(layer_pages_, end, number,
                       [](const LayerPage &page, size_t wanted) { return page.number < wanted; });
  return found < end && found->number == number
             ? layer_memory_ + static_cast<size_t>(found - layer_pages_) * page_bytes_
             : nullptr;
}

int MemoryImage::layer_protection_of(PageRange page, const Region &region) const {
  for (const LayerRange *range = layer_ranges_; range < layer_ranges_ + layer_range_count_; ++range)
    if (range->range.contains(page.begin))
      return range->protection;
  return region.protection;
}

// --- writing -----------------------------------------------------------------------------------

Result<size_t> MemoryImage::write_layer(const FileDescriptor &file) {
  invariant(overlay_ && !layer_,
            "a layer is written by a process that has adopted, and has none on");
  const auto failure = [](const char *why) {
    return Error(ErrorCode::memory_limit, std::string("a layer of memory: ") + why);
  };
  if (mappings_changed() || reinterpret_cast<uintptr_t>(::sbrk(0)) != break_)
    return failure("memory was taken that the image does not have");
  const long mapping_count = read_mappings(mappings_, most_regions);
  if (mapping_count < 0)
    return failure("the mappings can't be read");
  // What was unused may be in use by now.
  for (ScanRange *scan = ranges_; scan < ranges_ + range_count_; ++scan)
    scan->layer_reached = scan->range.end;
  size_t changed = 0;
  if (!for_each_changed([&](PageRange run) {
        changed += run.bytes() / page_bytes_;
        return true;
      }))
    return failure("the changed pages can't be found");
  const size_t most_bytes = sizeof(Head) + most_layer_ranges * sizeof(RangeHead) +
                            changed * (sizeof(PageHead) + page_bytes_ / 2 * 3);
  if (changed > most_layer_pages || ::ftruncate(file.get(), static_cast<off_t>(most_bytes)) != 0)
    return failure("it has changed too much");
  void *const mapped =
      ::mmap(nullptr, most_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED)
    return failure("no memory for it");
  char *at = static_cast<char *>(mapped);
  const auto add = [&at]<typename T>(const T &value) {
    return static_cast<T *>(
        std::memcpy(std::exchange(at, at + sizeof value), &value, sizeof value));
  };
  Head &head = *add(Head{0, 0});
  RangeHead *last = nullptr;
  const auto add_range = [&](PageRange range, int protection) {
    if (last && last->end == range.begin && last->protection == static_cast<uint64_t>(protection)) {
      last->end = range.end;
      return true;
    }
    if (head.ranges == most_layer_ranges)
      return false;
    last = add(RangeHead{range.begin, range.end, static_cast<uint64_t>(protection)});
    ++head.ranges;
    return true;
  };
  for (const Mapping *mapping = mappings_; mapping < mappings_ + mapping_count; ++mapping)
    if (mapping->is_private &&
        !for_each_part(mapping->range, [&](PageRange part, const Region &region) {
          return mapping->protection == region.protection || add_range(part, mapping->protection);
        })) {
      ::munmap(mapped, most_bytes);
      return failure("too many protections were changed");
    }
  const auto *const ranges = reinterpret_cast<const RangeHead *>(&head + 1);
  const auto is_readable = [&](uintptr_t address, const Region &region) {
    for (const RangeHead *range = ranges; range < ranges + head.ranges; ++range)
      if (range->begin <= address && address < range->end)
        return (range->protection & PROT_READ) != 0;
    return (region.protection & PROT_READ) != 0;
  };
  const auto add_page = [&](uintptr_t address, const Word *source) {
    const auto *const words = reinterpret_cast<const Word *>(address);
    const size_t count = page_bytes_ / sizeof *words;
    PageHead *page = nullptr;
    for (size_t i = 0; i < count; ++i) {
      if (words[i] == source[i])
        continue;
      if (!page) {
        page = add(PageHead{address, 0});
        ++head.pages;
      }
      RunHead &run = *add(RunHead{static_cast<uint32_t>(i), 0});
      ++page->runs;
      for (; i < count && words[i] != source[i]; ++i, ++run.words)
        add(words[i]);
    }
  };
  const bool written = for_each_changed([&](PageRange run) {
    return for_each_part(run, [&](PageRange part, const Region &region) {
      for (uintptr_t address = part.begin; address < part.end; address += page_bytes_)
        if (is_readable(address, region))
          add_page(address,
                   reinterpret_cast<const Word *>(image_of(region, page_number(address, region))));
      return true;
    });
  });
  const auto bytes = static_cast<size_t>(at - static_cast<char *>(mapped));
  ::munmap(mapped, most_bytes);
  if (!written || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0)
    return failure("it can't be written");
  return bytes;
}

// --- putting on --------------------------------------------------------------------------------

RewindFailure MemoryImage::use_layer(const char *layer) {
  invariant(overlay_, "a layer is put on over an image that is adopted");
  if (layer == layer_)
    return RewindFailure::none;
  const size_t last_count = layer_count_;
  std::copy(layer_pages_, layer_pages_ + last_count, last_layer_pages_);
  const size_t last_ranges = std::exchange(layer_range_count_, 0);
  for (const LayerRange *range = layer_ranges_; range < layer_ranges_ + last_ranges; ++range)
    if (!for_each_part(range->range, [](PageRange part, const Region &region) {
          return protect(part, region.protection);
        }))
      return RewindFailure::system_call_failed;
  layer_count_ = 0;
  layer_ = layer;
  for (ScanRange *scan = ranges_; scan < ranges_ + range_count_; ++scan)
    scan->layer_reached = 0;
  LayerReader reader{layer};
  if (fault_point("layer") || (layer && !read_layer(reader)) ||
      !take_off(last_layer_pages_, last_count) || !put_on_layer())
    return RewindFailure::system_call_failed;
  statistics_.layer_pages = layer_count_;
  faults_ = page_faults();
  return RewindFailure::none;
}

bool MemoryImage::read_layer(LayerReader &reader) {
  const Head &head = *reader.take<Head>();
  if (head.ranges > most_layer_ranges || head.pages > most_layer_pages)
    return false;
  const auto *const ranges = reader.take<RangeHead>(head.ranges);
  for (const RangeHead *range = ranges; range < ranges + head.ranges; ++range) {
    layer_ranges_[layer_range_count_++] = {{range->begin, range->end},
                                           static_cast<int>(range->protection) & protections};
    for (ScanRange *scan = ranges_; scan < ranges_ + range_count_; ++scan)
      if (const PageRange common = scan->range.common({range->begin, range->end}); !common.empty())
        scan->layer_reached = std::max(scan->layer_reached, common.end);
  }
  for (uint64_t page = 0; page < head.pages; ++page)
    if (!read_layer_page(reader))
      return false;
  return true;
}

// As it is with the layer: what the image has there, and the layer's words.
bool MemoryImage::read_layer_page(LayerReader &reader) {
  const PageHead &page = *reader.take<PageHead>();
  const PageRange range{page.address, page.address + page_bytes_};
  LayerPage &added = layer_pages_[layer_count_];
  char *const memory = layer_page(layer_count_);
  added.address = 0;
  for_each_part(range, [&](PageRange part, const Region &region) {
    const size_t number = page_number(part.begin, region);
    added = {part.begin, number, layer_protection_of(part, region)};
    std::memcpy(memory, image_below_layer(region, number), page_bytes_);
    return true;
  });
  if (added.address == 0 || (layer_count_ > 0 && added.number <= (&added)[-1].number))
    return false;
  for (uint64_t i = 0; i < page.runs; ++i) {
    const RunHead &run = *reader.take<RunHead>();
    const size_t bytes = run.words * sizeof(Word), first = run.first * sizeof(Word);
    if (first + bytes > page_bytes_)
      return false;
    std::memcpy(memory + first, reader.take<Word>(run.words), bytes);
  }
  ++layer_count_;
  return true;
}

// Pages of the last layer that the new one does not have are the image's again.
bool MemoryImage::take_off(const LayerPage *pages, size_t count) {
  PageRange gone;
  for (const LayerPage *page = pages; page < pages + count; ++page) {
    if (layer_of(page->number))
      continue;
    if (gone.end != page->address) {
      if (!drop(gone, 0))
        return false;
      gone.begin = page->address;
    }
    gone.end = page->address + page_bytes_;
  }
  return drop(gone, 0);
}

bool MemoryImage::put_on_layer() {
  for (const LayerRange *range = layer_ranges_; range < layer_ranges_ + layer_range_count_; ++range)
    if (!protect(range->range, range->protection))
      return false;
  for (const LayerPage *page = layer_pages_; page < layer_pages_ + layer_count_; ++page)
    if (hot_.has(page->number))
      hot_.remove(page->number);
  layer_is_touched_ = true;
  return restore_layer();
}

// What can't be written has not changed, unless somebody has changed its protection.
bool MemoryImage::restore_layer() {
  const bool is_touched = std::exchange(layer_is_touched_, false);
  for (size_t i = 0; i < layer_count_; ++i) {
    const LayerPage &page = layer_pages_[i];
    const PageRange range{page.address, page.address + page_bytes_};
    const bool is_writable = (page.protection & PROT_WRITE) != 0;
    if (!is_writable && !is_touched)
      continue;
    if (!is_writable && !protect(range, PROT_READ | PROT_WRITE))
      return false;
    std::memcpy(reinterpret_cast<void *>(page.address), layer_page(i), page_bytes_);
    if (!is_writable && !protect(range, page.protection))
      return false;
  }
  layer_pages_copied_ += layer_count_;
  return true;
}

// As the layer has it, where it has changed it; else as the image has it.
bool MemoryImage::restore_protection(PageRange part, const Region &region) {
  layer_is_touched_ |= layer_count_ > 0;
  const auto as_in_image = [&](PageRange outside) {
    return outside.empty() ||
           ((!region.is_unused() || drop_unused(outside)) && protect(outside, region.protection));
  };
  for (const LayerRange *range = layer_ranges_; range < layer_ranges_ + layer_range_count_;
       ++range) {
    const PageRange common = part.common(range->range);
    if (common.empty())
      continue;
    if (!as_in_image({part.begin, common.begin}) || !protect(common, range->protection))
      return false;
    part.begin = common.end;
  }
  return as_in_image(part);
}

} // namespace lethe
