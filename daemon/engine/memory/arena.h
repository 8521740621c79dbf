// SPDX-License-Identifier: Apache-2.0
// All pages that V8 uses, from one large mapping, so that they can be forked, recorded and rewound.
#pragma once

#include "daemon/engine/memory/range_set.h"

#include <v8.h>

namespace lethe {

// V8's page allocator. Its own book-keeping lies in ordinary memory and is rewound with everything
// else. (V8 marks mappings of its own allocator MADV_DONTFORK; these are not.)
class Arena final : public v8::PageAllocator {
public:
  // Reserves `bytes` of address space, none of it usable yet. Ends the process if there is none.
  explicit Arena(size_t bytes);

  // Called after each change of protection, so that a rewind can undo it.
  using ProtectionListener = void (*)(void *context, PageRange range);
  void set_protection_listener(ProtectionListener listener, void *context);

  // From now on the pages below the highest ones in use are of a memory image: dropping them would
  // bring the image back, not zeros.
  void image_taken() { image_end_ = highest_end_; }

  uintptr_t begin() const { return all_.begin; }
  bool contains(uintptr_t address) const { return all_.contains(address); }

  // At most so many bytes may be accessible at once; V8 treats more as out of memory.
  void set_limit(size_t bytes) { limit_bytes_ = bytes; }
  size_t accessible_bytes() const { return accessible_.bytes(); }
  // How often the limit was hit, or no address space was left. V8 may have gone on without.
  uint64_t refusals() const { return refusals_; }

  size_t AllocatePageSize() override { return page_bytes(); }
  size_t CommitPageSize() override { return page_bytes(); }
  void SetRandomMmapSeed(int64_t) override {}
  void *GetRandomMmapAddr() override { return nullptr; }
  void *AllocatePages(void *hint, size_t length, size_t alignment, Permission permission) override;
  bool FreePages(void *address, size_t length) override;
  bool ReleasePages(void *address, size_t length, size_t new_length) override;
  bool SetPermissions(void *address, size_t length, Permission permission) override;
  bool DiscardSystemPages(void *address, size_t size) override;
  bool DecommitPages(void *address, size_t size) override;
#if V8_MAJOR_VERSION >= 11
  bool RecommitPages(void *address, size_t length, Permission permission) override;
#endif

private:
  PageRange range_of(void *address, size_t length) const;
  bool set_protection(PageRange range, int protection);
  void zero(PageRange range);

  PageRange all_;
  uintptr_t image_end_ = 0, highest_end_ = 0;
  size_t limit_bytes_ = SIZE_MAX;
  uint64_t refusals_ = 0;
  RangeSet free_, accessible_;
  RangeSet written_; // were accessible since they were zero
  ProtectionListener listener_ = nullptr;
  void *listener_context_ = nullptr;
};

} // namespace lethe
