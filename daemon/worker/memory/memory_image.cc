// SPDX-License-Identifier: Apache-2.0
// Making a memory image and adopting it; rewinding is in memory_rewind.cc.
#include "daemon/worker/memory/memory_image.h"

#include "daemon/worker/memory/fault_point.h"
#include "daemon/worker/memory/huge_pages.h"
#include "daemon/worker/memory/memory_image_walk.h"
#include "ipc/invariant.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {
namespace {

// Another one would write while the image is made.
bool has_one_thread() {
  struct stat tasks {};
  return ::stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

void make_spare_heap(size_t bytes) {
  void *volatile room = std::malloc(bytes);
  std::free(room);
}

// The kernel writes the number of the CPU into an area in thread-local memory, on its own. Nobody
// here needs it. It must be told the length that the C library registered, which depends on the
// kernel's version, as struct rseq does on the headers'.
void unregister_rseq() {
  constexpr size_t step = 32, most_bytes = 512;
  char *area = static_cast<char *>(__builtin_thread_pointer()) + __rseq_offset;
  for (size_t bytes = step; bytes <= most_bytes; bytes += step)
    if (::syscall(SYS_rseq, area, bytes, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0)
      return; // else it is another length, or none
}

Error image_failure(const char *step) {
  return {ErrorCode::internal, system_message(std::string("memory image: ") + step)};
}

} // namespace

MemoryImage::MemoryImage(const Settings &settings, PageScanner scanner)
    : settings_(settings), scanner_(std::move(scanner)) {
  if (settings_.method != ScanMethod::drop)
    settings_.method = scanner_.method();
}

void MemoryImage::Deleter::operator()(MemoryImage *image) const {
  if (!image->view_.empty())
    ::munmap(reinterpret_cast<void *>(image->view_.begin), image->view_.bytes());
  if (image->overlay_)
    ::munmap(image->overlay_, (most_overlay_pages + most_layer_pages) * image->page_bytes_);
  image->~MemoryImage();
  free_surviving(image, sizeof(MemoryImage));
}

Result<MemoryImage::Owner> MemoryImage::checkpoint(const Settings &settings,
                                                   const MemoryImage *previous) {
  if (!has_one_thread())
    return Error(ErrorCode::internal, "memory image: the process has more than one thread");
  std::optional<PageScanner> scanner = PageScanner::open(settings.method);
  if (!scanner)
    return Error(ErrorCode::internal, "memory image: /proc/self/pagemap cannot be read");
  void *memory = allocate_surviving(sizeof(MemoryImage));
  if (!memory)
    return image_failure("memory for it");
  Owner image(new (memory) MemoryImage(settings, std::move(*scanner)));
  unregister_rseq();
  make_spare_heap(settings.spare_heap_bytes);
  // No signal, and from find_content() on no write to memory that is recorded.
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const char *failed = nullptr;
  if (fault_point("checkpoint.regions") || !image->record_regions(previous))
    failed = "reading the mappings";
  else if (fault_point("checkpoint.file") || !image->make_file())
    failed = "making its file";
  else if (fault_point("checkpoint.content") || !image->find_content(previous))
    failed = "finding pages with content";
  else if (fault_point("checkpoint.write") || !image->write_content())
    failed = "writing the image";
  else if (fault_point("checkpoint.map") || !image->map_content())
    failed = "mapping the image";
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (failed)
    return image_failure(failed);
  return image;
}

bool MemoryImage::record_regions(const MemoryImage *previous) {
  const long count = read_mappings(mappings_, most_regions);
  if (count < 0)
    return false;
  for (const Mapping *mapping = mappings_; mapping < mappings_ + count; ++mapping)
    if (is_recorded(*mapping, previous) && !record_all_but_guards(*mapping))
      return false;
  return true;
}

// What can be written or was: everything of V8's arena (its protections come and go), else what is
// writable now.
bool MemoryImage::is_recorded(const Mapping &mapping, const MemoryImage *previous) {
  if (!mapping.is_private || mapping.is_kernels || mapping.is_stack || mapping.is_surviving ||
      (previous && previous->view_.contains(mapping.range.begin)))
    return false;
  if ((mapping.protection & PROT_WRITE) || mapping.is_anonymous || mapping.is_image)
    return true;
  uintptr_t position = mapping.range.begin;
  return settings_.is_for_forks && scanner_.changed(mapping.range, &position, runs_, 1) > 0;
}

// Guard pages have no content, and must stay what they are.
bool MemoryImage::record_all_but_guards(const Mapping &mapping) {
  PageRange rest = mapping.range;
  for (uintptr_t position = rest.begin;
       mapping.protection != PROT_NONE && position < mapping.range.end;) {
    const long count = scanner_.guards(mapping.range, &position, runs_, most_runs);
    if (count < 0)
      return false;
    for (const PageRange *guard = runs_; guard < runs_ + count; ++guard) {
      if (!record_region({rest.begin, guard->begin}, mapping))
        return false;
      rest.begin = guard->end;
    }
  }
  return record_region(rest, mapping);
}

bool MemoryImage::record_region(PageRange range, const Mapping &mapping) {
  if (range.empty())
    return true;
  invariant(range.begin % page_bytes_ == 0 && range.end % page_bytes_ == 0,
            "a region is of whole pages", {"begin", range.begin}, {"end", range.end});
  invariant(region_count_ == 0 || regions_[region_count_ - 1].range.end <= range.begin,
            "regions are recorded in the order of their addresses", {"begin", range.begin});
  const size_t pages = range.bytes() / page_bytes_;
  errno = ENOSPC;
  if (page_count_ + pages + 64 > most_image_pages || region_count_ == most_regions)
    return false;
  regions_[region_count_++] = {range, mapping.protection, !mapping.is_anonymous, page_count_};
  page_count_ = (page_count_ + pages + 63) / 64 * 64;
  ScanRange *const last = ranges_ + range_count_ - 1;
  if (range_count_ > 0 && last->range.end == range.begin) {
    last->range.end = last->reached = range.end;
    return true;
  }
  if (range_count_ == most_ranges)
    return false;
  ranges_[range_count_++] = {range, range.end};
  return true;
}

bool MemoryImage::make_file() {
  file_.reset(::memfd_create(image_file_name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(page_count_ * page_bytes_)) != 0)
    return false;
  void *view = ::mmap(nullptr, page_count_ * page_bytes_, PROT_READ, MAP_PRIVATE | MAP_NORESERVE,
                      file_.get(), 0);
  if (view == MAP_FAILED)
    return false;
  view_.begin = reinterpret_cast<uintptr_t>(view);
  view_.end = view_.begin + page_count_ * page_bytes_;
  return true;
}

// Pages that were written; of a file's mapping (a library's .data) all pages; of a previous image's
// mapping those that it has.
bool MemoryImage::find_content(const MemoryImage *previous) {
  for (Region *region = regions_; region < regions_ + region_count_; ++region) {
    if (!region->is_in_file)
      continue;
    const size_t pages = region->range.bytes() / page_bytes_;
    bool is_of_previous = false;
    if (previous)
      previous->for_each_part(region->range, [&](PageRange part, const Region &old) {
        if (!old.is_in_file)
          return true;
        is_of_previous = true;
        for (uintptr_t address = part.begin; address < part.end; address += page_bytes_)
          if (previous->has_content_.has(previous->page_number(address, old)))
            has_content_.set(page_number(address, *region));
        return true;
      });
    for (size_t page = 0; !is_of_previous && page < pages; ++page)
      has_content_.set(region->first_page + page);
  }
  const bool scanned = for_each_changed([this](PageRange run) {
    return for_each_part(run, [this](PageRange part, const Region &region) {
      const_cast<Region &>(region).is_in_file = true;
      for (uintptr_t address = part.begin; address < part.end; address += page_bytes_)
        has_content_.set(page_number(address, region));
      return true;
    });
  });
  for (ScanRange *range = ranges_; range < ranges_ + range_count_; ++range) {
    range->reached = range->range.begin;
    for_each_part(range->range, [range](PageRange part, const Region &region) {
      if (!region.is_unused())
        range->reached = part.end;
      return true;
    });
  }
  return scanned;
}

bool MemoryImage::write_content() {
  for (const Region *region = regions_; region < regions_ + region_count_; ++region) {
    if (!region->is_in_file)
      continue;
    // map_content() sets the protection again.
    if (!(region->protection & PROT_READ) && !protect(region->range, PROT_READ))
      return false;
    const size_t end = region->first_page + region->range.bytes() / page_bytes_;
    for (size_t page = region->first_page; page < end; ++page) {
      if (!has_content_.has(page))
        continue;
      const size_t first = page;
      while (page < end && has_content_.has(page))
        ++page;
      const uintptr_t from = region->range.begin + (first - region->first_page) * page_bytes_;
      if (!copy_to_file({from, from + (page - first) * page_bytes_}, file_.get(),
                        first * page_bytes_))
        return false;
      statistics_.image_pages += page - first;
    }
  }
  if (settings_.is_for_forks)
    use_huge_pages();
  // A worker that was broken into must not be able to change the image under its siblings.
  return seal_forever(file_.get());
}

// Where an eighth of one has content.
void MemoryImage::use_huge_pages() {
  const HugePages huge(file_.get());
  const size_t pages = huge.bytes() / page_bytes_;
  for (size_t first = 0; pages > 0 && first < page_count_; first += pages) {
    const size_t end = first + pages;
    size_t count = 0;
    for (size_t page = first; page < std::min(end, page_count_); ++page)
      count += has_content_.has(page);
    if (count * 8 < pages)
      continue;
    if ((end > page_count_ &&
         ::ftruncate(file_.get(), static_cast<off_t>(end * page_bytes_)) != 0) ||
        !huge.gather(first * page_bytes_))
      return;
  }
}

bool MemoryImage::map_content() {
  for (const Region *region = regions_; region < regions_ + region_count_; ++region) {
    if (!region->is_in_file)
      continue;
    const void *mapped =
        ::mmap(reinterpret_cast<void *>(region->range.begin), region->range.bytes(),
               region->protection, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file_.get(),
               static_cast<off_t>(region->first_page * page_bytes_));
    // Half of the memory would be lost: nobody could go on.
    invariant(mapped != MAP_FAILED, "an image can be mapped over the memory that it was made from",
              {"begin", region->range.begin}, {"errno", errno});
  }
  break_ = reinterpret_cast<uintptr_t>(::sbrk(0));
  return true;
}

Result<Nothing> MemoryImage::open_files() {
  statm_ = open_own("statm");
  if (fault_point("adopt") || !statm_ || !scanner_.reopen())
    return image_failure("opening /proc/self");
  return Nothing{};
}

bool MemoryImage::return_to_checkpoint() {
  // Among it the thread's number, which a fork has written.
  const auto thread = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  constexpr size_t thread_bytes = 4096; // more than struct pthread has
  const PageRange kept{thread / page_bytes_ * page_bytes_,
                       (thread + thread_bytes + page_bytes_ - 1) / page_bytes_ * page_bytes_};
  return restore_break() && restore_protections() && for_each_changed([&](PageRange run) {
           return drop({run.begin, std::clamp(kept.begin, run.begin, run.end)}) &&
                  drop({std::clamp(kept.end, run.begin, run.end), run.end});
         });
}

Result<Nothing> MemoryImage::adopt() {
  invariant(file_ && statm_ && !overlay_, "an image is adopted once, when its files are open");
  const size_t bytes = (most_overlay_pages + most_layer_pages) * page_bytes_;
  own_file_.reset(::memfd_create(image_file_name, MFD_CLOEXEC));
  if (!own_file_ || ::ftruncate(own_file_.get(), static_cast<off_t>(bytes)) != 0)
    return image_failure("making its overlay");
  void *overlay = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, own_file_.get(), 0);
  if (overlay == MAP_FAILED)
    return image_failure("memory for the overlay");
  overlay_ = static_cast<char *>(overlay);
  layer_memory_ = overlay_ + most_overlay_pages * page_bytes_;
  if (reinterpret_cast<uintptr_t>(::sbrk(0)) != break_)
    return Error(ErrorCode::internal, "memory image: the heap has grown since the checkpoint");
  can_populate_ = populate({view_.begin, view_.begin + page_bytes_});
  grow_stack();
  // What is written from here on, but for surviving memory, the first rewind takes back.
  protection_change_count_ = 0;
  const bool complete = for_each_changed([this](PageRange run) {
    return for_each_part(run, [this](PageRange part, const Region &region) {
      for (uintptr_t address = part.begin; address < part.end; address += page_bytes_)
        if (!add_to_overlay({address, address + page_bytes_}, region))
          return false;
      return true;
    });
  });
  if (!complete)
    return Error(ErrorCode::internal, "memory image: too much has changed since the checkpoint");
  statistics_ = {};
  statistics_.overlay_pages = overlay_count_;
  address_space_pages_ = address_space_pages(statm_.get());
  faults_ = page_faults();
  return Nothing{};
}

// Unless its content is the image's after all.
bool MemoryImage::add_to_overlay(PageRange page, const Region &region) {
  const size_t number = page_number(page.begin, region);
  void *const memory = reinterpret_cast<void *>(page.begin);
  if ((region.protection & PROT_READ) &&
      std::memcmp(memory, image_of(region, number), page_bytes_) == 0)
    return ::madvise(memory, page_bytes_, MADV_DONTNEED) == 0;
  if (overlay_count_ == most_overlay_pages || !(region.protection & PROT_WRITE))
    return false;
  const size_t offset = overlay_count_ * page_bytes_;
  std::memcpy(overlay_ + offset, memory, page_bytes_);
  if (::mmap(memory, page_bytes_, region.protection, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
             own_file_.get(), static_cast<off_t>(offset)) == MAP_FAILED)
    return false;
  overlay_numbers_[overlay_count_++] = number;
  const_cast<Region &>(region).is_in_file = true;
  has_content_.set(number);
  return !can_populate_ || populate(page);
}

void MemoryImage::note_protection(PageRange range) {
  PageRange *const end = protection_changes_ + protection_change_count_;
  for (PageRange *known = protection_changes_; known < end; ++known)
    if (known->begin <= range.end && range.begin <= known->end) {
      *known = known->with(range);
      return;
    }
  if (protection_change_count_ < most_protection_changes) {
    protection_changes_[protection_change_count_++] = range;
    return;
  }
  // Full: one range that holds all.
  for (const PageRange *known = protection_changes_; known < end; ++known)
    range = range.with(*known);
  protection_changes_[0] = range;
  protection_change_count_ = 1;
}

} // namespace lethe
