// SPDX-License-Identifier: Apache-2.0
// Writing a layer: what differs from the image, page by page.
#include "daemon/worker/memory/memory_image_walk.h"
#include "daemon/worker/memory/memory_layer.h"
#include "ipc/invariant.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace lethe {

using namespace memory_layer;

struct MemoryImage::LayerWriter {
  MemoryImage &image;
  char *const begin;
  char *at = begin;
  Head &head = *add(Head{});

  template <typename T> T *add(const T &value) {
    return static_cast<T *>(
        std::memcpy(std::exchange(at, at + sizeof value), &value, sizeof value));
  }
  const Range *ranges() const { return reinterpret_cast<const Range *>(&head + 1); }
  const Run *runs() const { return reinterpret_cast<const Run *>(ranges() + head.ranges); }

  bool add_ranges(const Mapping *mappings, size_t count);
  bool add_runs();
  bool add_pages();
  size_t add_whole_pages();

private:
  // A page from this part of its words on is kept whole, where so many of them follow one another: that
  // takes more room, but is mapped at once instead of copied.
  static constexpr size_t dense_part = 8, least_run_pages = 16;
  // So many others between them are no matter: V8's pages begin with one that has little.
  static constexpr size_t most_between = 4;

  bool add_range(PageRange range, int protection);
  void add_page(uintptr_t address, const Word *source);
  int protection_of(uintptr_t address, const Region &region) const;
  size_t page_words() const { return image.page_bytes_ / sizeof(Word); }
  bool is_dense(uintptr_t address, const Word *source) const;
  // Calls f(address, region, what the image has there) for each changed page.
  template <typename F> bool for_each_page(F f);
};

Result<size_t> MemoryImage::write_layer(const FileDescriptor &file) {
  invariant(overlay_ && !layer_.content,
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
  const size_t most_bytes = sizeof(Head) + most_layer_ranges * sizeof(Range) +
                            most_layer_runs * sizeof(Run) + page_bytes_ +
                            changed * (sizeof(Page) + page_bytes_ / 2 * 3);
  if (::ftruncate(file.get(), static_cast<off_t>(most_bytes)) != 0)
    return failure("it has changed too much");
  void *const mapped =
      ::mmap(nullptr, most_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED)
    return failure("no memory for it");
  LayerWriter writer{*this, static_cast<char *>(mapped)};
  const char *why = nullptr;
  size_t bytes = 0;
  if (!writer.add_ranges(mappings_, static_cast<size_t>(mapping_count)))
    why = "too many protections were changed";
  else if (!writer.add_runs() || !writer.add_pages())
    why = "the changed pages can't be found";
  else if (writer.head.pages > most_layer_pages)
    why = "it has changed too much";
  else
    bytes = writer.add_whole_pages();
  ::munmap(mapped, most_bytes);
  for (ScanRange *scan = ranges_; scan < ranges_ + range_count_; ++scan)
    scan->layer_reached = 0;
  if (!why && ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0)
    why = "it can't be written";
  if (why)
    return failure(why);
  return bytes;
}

bool MemoryImage::LayerWriter::add_ranges(const Mapping *mappings, size_t count) {
  for (const Mapping *mapping = mappings; mapping < mappings + count; ++mapping)
    if (mapping->is_private &&
        !image.for_each_part(mapping->range, [&](PageRange part, const Region &region) {
          return mapping->protection == region.protection || add_range(part, mapping->protection);
        }))
      return false;
  return true;
}

bool MemoryImage::LayerWriter::add_range(PageRange range, int protection) {
  const auto wanted = static_cast<uint64_t>(protection);
  if (head.ranges > 0)
    if (auto &last = const_cast<Range &>(ranges()[head.ranges - 1]);
        last.end == range.begin && last.protection == wanted) {
      last.end = range.end;
      return true;
    }
  if (head.ranges == most_layer_ranges)
    return false;
  add(Range{range.begin, range.end, wanted});
  ++head.ranges;
  return true;
}

int MemoryImage::LayerWriter::protection_of(uintptr_t address, const Region &region) const {
  for (const Range *range = ranges(); range < ranges() + head.ranges; ++range)
    if (range->begin <= address && address < range->end)
      return static_cast<int>(range->protection);
  return region.protection;
}

template <typename F> bool MemoryImage::LayerWriter::for_each_page(F f) {
  return image.for_each_changed([&](PageRange run) {
    return image.for_each_part(run, [&](PageRange part, const Region &region) {
      for (uintptr_t address = part.begin; address < part.end; address += image.page_bytes_)
        if (protection_of(address, region) & PROT_READ)
          f(address, region,
            reinterpret_cast<const Word *>(
                image.image_of(region, image.page_number(address, region))));
      return true;
    });
  });
}

bool MemoryImage::LayerWriter::is_dense(uintptr_t address, const Word *source) const {
  const auto *const words = reinterpret_cast<const Word *>(address);
  size_t changed = 0;
  for (size_t i = 0; i < page_words(); ++i)
    changed += words[i] != source[i];
  return changed >= page_words() / dense_part;
}

bool MemoryImage::LayerWriter::add_runs() {
  Run run{};
  const Region *region_of_run = nullptr;
  int protection_of_run = 0;
  const auto end_run = [&] {
    if (run.end - run.begin >= least_run_pages * image.page_bytes_ && head.runs < most_layer_runs) {
      add(run);
      ++head.runs;
    }
    run = {};
  };
  const bool all = for_each_page([&](uintptr_t address, const Region &region, const Word *source) {
    const int protection = protection_of(address, region);
    if (!image.is_mappable({address, address}, protection, region) || !is_dense(address, source))
      return;
    const auto is_next = [&] {
      if (region_of_run != &region || address - run.end > most_between * image.page_bytes_)
        return false;
      for (uintptr_t between = run.end; between <= address; between += image.page_bytes_)
        if (protection_of(between, region) != protection_of_run)
          return false;
      return true;
    };
    if (!is_next()) {
      end_run();
      run.begin = address;
      region_of_run = &region;
      protection_of_run = protection;
    }
    run.end = address + image.page_bytes_;
  });
  end_run();
  return all;
}

bool MemoryImage::LayerWriter::add_pages() {
  const Run *run = runs(), *const end = run + head.runs;
  return for_each_page([&](uintptr_t address, const Region &, const Word *source) {
    while (run < end && run->end <= address)
      ++run;
    if (run == end || address < run->begin)
      add_page(address, source);
  });
}

void MemoryImage::LayerWriter::add_page(uintptr_t address, const Word *source) {
  const auto *const words = reinterpret_cast<const Word *>(address);
  Page *page = nullptr;
  for (size_t i = 0; i < page_words(); ++i) {
    if (words[i] == source[i])
      continue;
    if (!page) {
      page = add(Page{address, 0});
      ++head.pages;
    }
    Piece &piece = *add(Piece{static_cast<uint32_t>(i), 0});
    ++page->pieces;
    for (; i < page_words() && words[i] != source[i]; ++i, ++piece.words)
      add(words[i]);
  }
}

// How many bytes the layer has.
size_t MemoryImage::LayerWriter::add_whole_pages() {
  const auto end = static_cast<size_t>(at - begin);
  head.whole_pages = align_up(end, image.page_bytes_);
  if (head.runs == 0)
    return end;
  at = begin + head.whole_pages;
  for (const Run *run = runs(); run < runs() + head.runs; ++run) {
    const size_t bytes = run->end - run->begin;
    std::memcpy(std::exchange(at, at + bytes), reinterpret_cast<const void *>(run->begin), bytes);
  }
  return static_cast<size_t>(at - begin);
}

} // namespace lethe
