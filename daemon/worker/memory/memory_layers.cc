// SPDX-License-Identifier: Apache-2.0
// Layers of a memory image, as they are put on. What is here runs while the heap is being overwritten:
// only the stack and surviving memory may be used.
#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/memory/memory_image_walk.h"
#include "daemon/worker/memory/memory_layer.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <utility>

namespace lethe {
namespace {

using namespace memory_layer;

constexpr int protections = PROT_READ | PROT_WRITE | PROT_EXEC;

bool map_file(PageRange range, int protection, int file, size_t offset) {
  return ::mmap(reinterpret_cast<void *>(range.begin), range.bytes(), protection,
                MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file,
                static_cast<off_t>(offset)) != MAP_FAILED;
}

bool map_nothing(PageRange range, int protection) {
  return ::mmap(reinterpret_cast<void *>(range.begin), range.bytes(), protection,
                MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

} // namespace

struct MemoryImage::LayerReader {
  const char *at;
  template <typename T> const T *take(size_t count = 1) {
    return reinterpret_cast<const T *>(std::exchange(at, at + count * sizeof(T)));
  }
};

// --- what a layer has ----------------------------------------------------------------------------

const MemoryImage::LayerPage *MemoryImage::layer_page_of(size_t number) const {
  const LayerPage *const end = layer_pages_ + layer_count_;
  const LayerPage *const found =
      std::lower_bound(layer_pages_, end, number,
                       [](const LayerPage &page, size_t wanted) { return page.number < wanted; });
  return found < end && found->number == number ? found : nullptr;
}

const char *MemoryImage::layer_of(size_t number) const {
  if (const LayerPage *page = layer_page_of(number))
    return layer_memory_of(*page);
  const LayerRun *const end = layer_runs_ + layer_run_count_;
  const LayerRun *const run =
      std::upper_bound(layer_runs_, end, number, [this](size_t wanted, const LayerRun &candidate) {
        return wanted < candidate.first_page + candidate.range.bytes() / page_bytes_;
      });
  return run < end && run->first_page <= number
             ? run->source + (number - run->first_page) * page_bytes_
             : nullptr;
}

bool MemoryImage::is_put_back(size_t number) const {
  if (hot_.has(number))
    return true;
  const LayerPage *const page = layer_page_of(number);
  return page && !page->is_mapped;
}

template <typename F>
bool MemoryImage::for_each_protection(PageRange part, const Region &region, F f) const {
  for (const LayerRange *range = layer_ranges_; range < layer_ranges_ + layer_range_count_;
       ++range) {
    const PageRange common = part.common(range->range), before{part.begin, common.begin};
    if (common.empty())
      continue;
    if ((!before.empty() && !f(before, region.protection)) || !f(common, range->protection))
      return false;
    part.begin = common.end;
  }
  return part.empty() || f(part, region.protection);
}

int MemoryImage::protection_of(PageRange page, const Region &region) const {
  for (const LayerRange *range = layer_ranges_; range < layer_ranges_ + layer_range_count_; ++range)
    if (range->range.contains(page.begin))
      return range->protection;
  return region.protection;
}

// --- from one layer to the next -----------------------------------------------------------------

RewindFailure MemoryImage::use_layer(const MemoryLayer &layer) {
  invariant(overlay_, "a layer is put on over an image that is adopted");
  if (layer.content == layer_.content)
    return RewindFailure::none;
  if (fault_point("layer") || !cool_layer())
    return RewindFailure::system_call_failed;
  last_layer_.take(*this);
  if ((layer.content && !read_layer(layer)) || !take_off() || !put_on())
    return RewindFailure::system_call_failed;
  statistics_.layer_pages = layer_count_;
  for (const LayerRun *run = layer_runs_; run < layer_runs_ + layer_run_count_; ++run)
    statistics_.layer_pages += run->range.bytes() / page_bytes_;
  faults_ = page_faults();
  return RewindFailure::none;
}

// None that is hot is of the layer, or where the layer says whether it can be written.
bool MemoryImage::cool_layer() {
  bool all = true;
  hot_.remove_if([&](const HotPage &page) {
    if (layer_of(page.number))
      return true;
    const PageRange range{page.address, page.address + page_bytes_};
    const bool is_in_range =
        std::any_of(layer_ranges_, layer_ranges_ + layer_range_count_,
                    [&](const LayerRange &own) { return own.range.contains(range.begin); });
    all = all && (!is_in_range || drop(range, 0));
    return is_in_range;
  });
  return all;
}

void MemoryImage::LastLayer::take(MemoryImage &image) {
  page_count_ = std::exchange(image.layer_count_, 0);
  run_count_ = std::exchange(image.layer_run_count_, 0);
  range_count_ = std::exchange(image.layer_range_count_, 0);
  std::copy(image.layer_pages_, image.layer_pages_ + page_count_, pages_);
  std::copy(image.layer_runs_, image.layer_runs_ + run_count_, runs_);
  std::copy(image.layer_ranges_, image.layer_ranges_ + range_count_, ranges_);
  image.layer_ = {};
  for (ScanRange *scan = image.ranges_; scan < image.ranges_ + image.range_count_; ++scan)
    scan->layer_reached = 0;
}

bool MemoryImage::LastLayer::has(const LayerRange &wanted) const {
  return std::ranges::any_of(ranges(), [&wanted](const LayerRange &range) {
    return range.range.begin <= wanted.range.begin && wanted.range.end <= range.range.end &&
           range.protection == wanted.protection;
  });
}

// What the last layer has, and the one that was read, has not.
bool MemoryImage::take_off() {
  for (const LayerRange &range : last_layer_.ranges())
    if (!for_each_part(range.range, [this](PageRange part, const Region &region) {
          return for_each_protection(part, region, [&](PageRange piece, int protection) {
            return protection != region.protection || protect(piece, protection);
          });
        }))
      return false;
  for (const LayerRun &run : last_layer_.runs()) {
    PageRange rest = run.range;
    for (const LayerRun *next = layer_runs_; next < layer_runs_ + layer_run_count_; ++next) {
      const PageRange common = rest.common(next->range);
      if (common.empty())
        continue;
      if (!map_image({rest.begin, common.begin}))
        return false;
      rest.begin = common.end;
    }
    if (!map_image(rest))
      return false;
  }
  return take_off_pages();
}

// Those that were copied are copied again, from the image, and stay hot, as many scripts' layers have the
// same ones.
bool MemoryImage::take_off_pages() {
  enum class Way : uint8_t { none, map, drop };
  PageRange pending;
  Way way = Way::none;
  const auto finish = [&] {
    const PageRange range = std::exchange(pending, {});
    return way == Way::map ? map_image(range) : drop(range, 0);
  };
  for (const LayerPage &page : last_layer_.pages()) {
    Way next = page.is_mapped ? Way::map : layer_of(page.number) ? Way::none : Way::drop;
    if (next == Way::drop && page.can_be_mapped && hot_.has_room() && make_hot(page))
      next = Way::none;
    if (next == Way::none)
      continue;
    if (pending.end != page.address || way != next) {
      if (!finish())
        return false;
      pending = {page.address, page.address};
      way = next;
    }
    pending.end += page_bytes_;
  }
  return finish();
}

// As the image has it.
bool MemoryImage::make_hot(const LayerPage &page) {
  bool is_hot = false;
  for_each_part({page.address, page.address + page_bytes_}, [&](PageRange, const Region &region) {
    if (!(region.protection & PROT_WRITE))
      return false;
    const char *const source = image_of(region, page.number);
    std::memcpy(reinterpret_cast<void *>(page.address), source, page_bytes_);
    hot_.add(page.address, source, page.number, HotPages::Keep::all, 0);
    return is_hot = true;
  });
  return is_hot;
}

// As it was without a layer, the overlay's pages among it, with the protections of the layer that was read.
bool MemoryImage::map_image(PageRange range) {
  return for_each_part(range, [this](PageRange part, const Region &region) {
    return for_each_protection(part, region, [&](PageRange piece, int protection) {
      const size_t first = page_number(piece.begin, region),
                   end = first + piece.bytes() / page_bytes_;
      if (!(region.is_in_file ? map_file(piece, protection, file_.get(), first * page_bytes_)
                              : map_nothing(piece, protection)))
        return false;
      const size_t *own = overlay_numbers_, *const overlay_end = own + overlay_count_;
      for (own = std::lower_bound(own, overlay_end, first); own < overlay_end && *own < end;
           ++own) {
        const uintptr_t address = piece.begin + (*own - first) * page_bytes_;
        if (!map_file({address, address + page_bytes_}, protection, own_file_.get(),
                      static_cast<size_t>(own - overlay_numbers_) * page_bytes_))
          return false;
      }
      return true;
    });
  });
}

// --- putting on ----------------------------------------------------------------------------------

bool MemoryImage::read_layer(const MemoryLayer &layer) {
  layer_ = layer;
  LayerReader reader{layer.content};
  const Head &head = *reader.take<Head>();
  if (head.ranges > most_layer_ranges || head.runs > most_layer_runs ||
      head.pages > most_layer_pages || head.whole_pages % page_bytes_ != 0)
    return false;
  const auto *const ranges = reader.take<memory_layer::Range>(head.ranges);
  for (const auto *range = ranges; range < ranges + head.ranges; ++range) {
    layer_ranges_[layer_range_count_++] = {{range->begin, range->end},
                                           static_cast<int>(range->protection) & protections};
    for (ScanRange *scan = ranges_; scan < ranges_ + range_count_; ++scan)
      if (const PageRange common = scan->range.common({range->begin, range->end}); !common.empty())
        scan->layer_reached = std::max(scan->layer_reached, common.end);
  }
  const auto *const runs = reader.take<Run>(head.runs);
  size_t offset = head.whole_pages;
  for (const auto *run = runs; run < runs + head.runs; ++run) {
    const PageRange range{run->begin, run->end};
    if (!read_run(range, offset))
      return false;
    offset += range.bytes();
  }
  for (uint64_t page = 0; page < head.pages; ++page)
    if (!read_page(reader))
      return false;
  return true;
}

bool MemoryImage::read_run(PageRange range, size_t offset) {
  LayerRun &added = layer_runs_[layer_run_count_];
  bool is_good = false;
  if (range.begin < range.end)
    for_each_part(range, [&](PageRange part, const Region &region) {
      added = {range, page_number(part.begin, region), layer_.content + offset,
               layer_.offset + offset, protection_of(part, region)};
      is_good = part.begin == range.begin && part.end == range.end &&
                range.begin % page_bytes_ == 0 && range.end % page_bytes_ == 0 &&
                is_mappable(range, added.protection, region) &&
                (layer_run_count_ == 0 || (&added)[-1].range.end <= range.begin);
      return is_good;
    });
  layer_run_count_ += is_good;
  return is_good;
}

// As it is with the layer: what the image has there, and the layer's words.
bool MemoryImage::read_page(LayerReader &reader) {
  const Page &page = *reader.take<Page>();
  const PageRange range{page.address, page.address + page_bytes_};
  LayerPage &added = layer_pages_[layer_count_];
  char *const memory = layer_memory_of(added);
  added.address = 0;
  for_each_part(range, [&](PageRange part, const Region &region) {
    const int protection = protection_of(part, region);
    added = {part.begin, page_number(part.begin, region), protection,
             is_mappable(range, protection, region), false};
    std::memcpy(memory, image_below_layer(region, added.number), page_bytes_);
    return true;
  });
  if (added.address == 0 || (layer_count_ > 0 && added.number <= (&added)[-1].number))
    return false;
  for (uint64_t i = 0; i < page.pieces; ++i) {
    const Piece &piece = *reader.take<Piece>();
    const size_t bytes = piece.words * sizeof(Word), first = piece.first * sizeof(Word);
    if (first + bytes > page_bytes_)
      return false;
    std::memcpy(memory + first, reader.take<Word>(piece.words), bytes);
  }
  ++layer_count_;
  return true;
}

// What the last one has not.
bool MemoryImage::put_on() {
  if (!cool_layer())
    return false;
  for (const LayerRun *run = layer_runs_; run < layer_runs_ + layer_run_count_; ++run)
    if (!map_file(run->range, run->protection, layer_.file, run->offset))
      return false;
  for (const LayerRange *range = layer_ranges_; range < layer_ranges_ + layer_range_count_; ++range)
    if (!last_layer_.has(*range) && !protect(range->range, range->protection))
      return false;
  const bool has_hot_pages = settings_.method != ScanMethod::drop;
  for (const LayerPage *page = layer_pages_; page < layer_pages_ + layer_count_; ++page) {
    if (!page->can_be_mapped)
      continue;
    if (has_hot_pages && hot_.has_room()) {
      const char *const source = layer_memory_of(*page);
      std::memcpy(reinterpret_cast<void *>(page->address), source, page_bytes_);
      hot_.add_costly(page->address, source, page->number);
    } else if (!map_layer_pages(page, page + 1)) {
      return false;
    }
  }
  layer_is_touched_ = true;
  return restore_copied();
}

// From now on dropping them brings back what the layer has.
bool MemoryImage::map_layer_pages(const LayerPage *begin, const LayerPage *end) {
  const auto first = static_cast<size_t>(begin - layer_pages_);
  for (LayerPage *page = layer_pages_ + first; page < end; ++page)
    page->is_mapped = true;
  return map_file({begin->address, end[-1].address + page_bytes_}, begin->protection,
                  own_file_.get(), (most_overlay_pages + first) * page_bytes_);
}

// Nobody has written these pages for a while.
bool MemoryImage::cool(PageRange idle) {
  if (layer_count_ == 0)
    return drop(idle);
  return for_each_part(idle, [this](PageRange part, const Region &region) {
    while (!part.empty()) {
      const LayerPage *const begin = layer_page_of(page_number(part.begin, region));
      const uintptr_t next = part.begin + page_bytes_;
      if (!begin || begin->is_mapped) {
        if (!drop({part.begin, next}))
          return false;
        part.begin = next;
        continue;
      }
      const LayerPage *end = begin;
      while (end < layer_pages_ + layer_count_ && end->address == part.begin && !part.empty() &&
             !end->is_mapped && end->protection == begin->protection) {
        ++end;
        part.begin += page_bytes_;
      }
      if (!map_layer_pages(begin, end))
        return false;
    }
    return true;
  });
}

// --- going back ----------------------------------------------------------------------------------

// Pages that can't be mapped. What can't be written has not changed, unless somebody has changed its
// protection.
bool MemoryImage::restore_copied() {
  const bool is_touched = std::exchange(layer_is_touched_, false);
  const LayerPage *const end = layer_pages_ + layer_count_;
  for (const LayerPage *page = layer_pages_; page < end;) {
    const LayerPage *const begin = page++;
    const int protection = begin->protection;
    const bool is_writable = (protection & PROT_WRITE) != 0;
    if (begin->can_be_mapped || (!is_writable && !is_touched))
      continue;
    PageRange range{begin->address, begin->address + page_bytes_};
    for (; page < end && page->address == range.end && !page->can_be_mapped &&
           page->protection == protection;
         ++page)
      range.end += page_bytes_;
    if (!is_writable && !protect(range, PROT_READ | PROT_WRITE))
      return false;
    std::memcpy(reinterpret_cast<void *>(range.begin), layer_memory_of(*begin), range.bytes());
    layer_pages_copied_ += range.bytes() / page_bytes_;
    if (!is_writable && !protect(range, protection))
      return false;
  }
  return true;
}

// As the layer has it, where it has changed it; else as the image has it.
bool MemoryImage::restore_protection(PageRange part, const Region &region) {
  layer_is_touched_ |= layer_count_ > 0;
  return for_each_protection(part, region, [&](PageRange piece, int protection) {
    const bool is_unused = region.is_unused() && protection == region.protection;
    return (!is_unused || drop_unused(piece)) && protect(piece, protection);
  });
}

} // namespace lethe
