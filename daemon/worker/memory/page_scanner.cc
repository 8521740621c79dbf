// SPDX-License-Identifier: Apache-2.0
// The three ways of finding changed pages. Interfaces: Linux,
// Documentation/admin-guide/mm/pagemap.rst
#include "daemon/worker/memory/page_scanner.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lethe {
namespace {

// From linux/fs.h of 6.7; Debian 12's headers are older.
struct ScannedRegion {
  uint64_t start, end, categories;
};
struct ScanArguments {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
constexpr uint64_t page_is_file = 1 << 2, page_is_present = 1 << 3, page_is_swapped = 1 << 4,
                   page_is_zero = 1 << 5, page_is_guard = 1 << 8; // the last one since 6.16
const unsigned long pagemap_scan_request = _IOWR('f', 16, ScanArguments);

constexpr size_t entries_at_once = 2048;

// Does `method` see a changed page, and only that one?
bool works(const PageScanner &scanner) {
  const size_t bytes = page_bytes();
  const FileDescriptor file(::memfd_create("lethe-probe", MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(2 * bytes)) != 0)
    return false;
  void *memory = ::mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  if (memory == MAP_FAILED)
    return false;
  auto *pages = static_cast<volatile char *>(memory);
  static_cast<void>(pages[0]);
  pages[bytes] = 1;
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const PageRange both{begin, begin + 2 * bytes};
  PageRange runs[2];
  uintptr_t position = both.begin;
  const long count = scanner.changed(both, &position, runs, 2);
  ::munmap(memory, 2 * bytes);
  return count == 1 && runs[0].begin == begin + bytes && runs[0].end == both.end;
}

} // namespace

std::optional<PageScanner> PageScanner::open(ScanMethod best) {
  for (const ScanMethod method : {ScanMethod::pagemap_scan, ScanMethod::pagemap}) {
    if (best == ScanMethod::pagemap && method != best)
      continue;
    PageScanner scanner(method, FileDescriptor());
    if (!scanner.reopen() || !works(scanner))
      continue;
    if (method == ScanMethod::pagemap_scan) {
      scanner.guard_category_ = page_is_guard;
      if (!works(scanner))
        scanner.guard_category_ = 0;
    }
    return scanner;
  }
  return std::nullopt;
}

bool PageScanner::reopen() {
  pagemap_ = open_own("pagemap");
  return static_cast<bool>(pagemap_);
}

long PageScanner::list_by_scan(Wanted wanted, PageRange range, uintptr_t *position, PageRange *runs,
                               size_t most) const {
  if (wanted == Wanted::guards && guard_category_ == 0) {
    *position = range.end;
    return 0;
  }
  ScannedRegion regions[256];
  ScanArguments scan{};
  scan.size = sizeof scan;
  scan.start = *position;
  scan.end = range.end;
  scan.vec = reinterpret_cast<uintptr_t>(regions);
  scan.vec_len = std::min(most, std::size(regions));
  if (wanted == Wanted::guards) {
    scan.category_mask = guard_category_;
  } else {
    // Not of a file and not the zero page that reading maps, but present or swapped out: written.
    scan.category_inverted = page_is_file | page_is_zero | guard_category_;
    scan.category_mask = scan.category_inverted;
    scan.category_anyof_mask = page_is_present | page_is_swapped;
  }
  scan.return_mask = page_is_present;
  const long count = ::ioctl(pagemap_.get(), pagemap_scan_request, &scan);
  for (long i = 0; i < count; ++i)
    runs[i] = {regions[i].start, regions[i].end};
  *position = scan.walk_end;
  return count;
}

long PageScanner::list_by_entries(Wanted wanted, PageRange range, uintptr_t *position,
                                  PageRange *runs, size_t most) const {
  const size_t bytes = page_bytes();
  const auto is_wanted = [wanted](uint64_t entry) {
    if (wanted == Wanted::guards)
      return (entry & pagemap_guard) != 0;
    return (entry & (pagemap_present | pagemap_swapped)) != 0 &&
           (entry & (pagemap_of_file | pagemap_guard)) == 0;
  };
  uint64_t entries[entries_at_once];
  size_t count = 0;
  while (*position < range.end) {
    const size_t read =
        read_pagemap(pagemap_.get(), {*position, range.end}, entries, entries_at_once);
    if (read == 0)
      return -1;
    for (size_t i = 0; i < read; ++i, *position += bytes) {
      if (!is_wanted(entries[i]))
        continue;
      if (count > 0 && runs[count - 1].end == *position) {
        runs[count - 1].end += bytes;
        continue;
      }
      if (count == most)
        return static_cast<long>(count);
      runs[count++] = {*position, *position + bytes};
    }
  }
  return static_cast<long>(count);
}

} // namespace lethe
