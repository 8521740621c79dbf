// SPDX-License-Identifier: Apache-2.0
// Finds the pages that were written since their mapping was made: in a private mapping of a file
// they have become anonymous.
#pragma once

#include "daemon/worker/pages.h"
#include "ipc/file_descriptor.h"

#include <optional>
#include <string_view>

namespace lethe {

// How changed pages are found, best first.
enum class ScanMethod : uint8_t {
  pagemap_scan, // the ioctl PAGEMAP_SCAN (Linux 6.7): the kernel lists the runs
  pagemap,      // bit 61 of each page's entry in /proc/self/pagemap
  drop,         // not at all: every page is dropped after every request
};
std::string_view scan_method_name(ScanMethod method);

// Works without allocating, so that a rewind can use it. Opened before the sandbox closes.
class PageScanner {
public:
  // The first of the methods from `best` on that works on this kernel, found by trying; `drop`
  // itself needs none, so that `best` = drop gets one for the checkpoint, too. Nothing: /proc is
  // not there.
  static std::optional<PageScanner> open(ScanMethod best);

  ScanMethod method() const { return method_; }
  // The descriptor belongs to the process that opened it: to be called after a fork.
  bool reopen();
  int descriptor() const { return pagemap_.get(); }

  // Lists runs of changed pages in `range` from `*position` on (set it to range.begin at first),
  // and moves *position behind what was looked at: call until it is range.end. Runs may touch each
  // other. The number of runs, or -1 with errno.
  long changed(PageRange range, uintptr_t *position, PageRange *runs, size_t most) const;

private:
  PageScanner(ScanMethod method, FileDescriptor pagemap)
      : method_(method), pagemap_(std::move(pagemap)) {}

  long changed_by_scan(PageRange range, uintptr_t *position, PageRange *runs, size_t most) const;
  long changed_by_entries(PageRange range, uintptr_t *position, PageRange *runs, size_t most) const;

  ScanMethod method_; // pagemap_scan or pagemap
  FileDescriptor pagemap_;
};

} // namespace lethe
