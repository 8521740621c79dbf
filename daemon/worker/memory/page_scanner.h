// SPDX-License-Identifier: Apache-2.0
// Finds the pages that were written since their mapping was made: in a private mapping of a file
// they have become anonymous.
#pragma once

#include "daemon/engine/memory/pages.h"
#include "ipc/file_descriptor.h"
#include "ipc/modes.h"

#include <optional>

namespace lethe {

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
  long changed(PageRange range, uintptr_t *position, PageRange *runs, size_t most) const {
    return list(Wanted::changed, range, position, runs, most);
  }
  // The same for guard pages (MADV_GUARD_INSTALL, with which glibc 2.42 ends the stacks of
  // threads): touching one is a fault, though its mapping is writable. A kernel that does not tell
  // them apart has none, or (6.13, 6.14) lists them as changed.
  long guards(PageRange range, uintptr_t *position, PageRange *runs, size_t most) const {
    return list(Wanted::guards, range, position, runs, most);
  }

private:
  enum class Wanted : uint8_t { changed, guards };

  PageScanner(ScanMethod method, FileDescriptor pagemap)
      : method_(method), pagemap_(std::move(pagemap)) {}

  long list(Wanted wanted, PageRange range, uintptr_t *position, PageRange *runs,
            size_t most) const {
    return method_ == ScanMethod::pagemap_scan
               ? list_by_scan(wanted, range, position, runs, most)
               : list_by_entries(wanted, range, position, runs, most);
  }
  long list_by_scan(Wanted wanted, PageRange range, uintptr_t *position, PageRange *runs,
                    size_t most) const;
  long list_by_entries(Wanted wanted, PageRange range, uintptr_t *position, PageRange *runs,
                       size_t most) const;

  ScanMethod method_;           // pagemap_scan or pagemap
  uint64_t guard_category_ = 0; // of pagemap_scan, where the kernel has it
  FileDescriptor pagemap_;
};

} // namespace lethe
