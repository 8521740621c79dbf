// SPDX-License-Identifier: Apache-2.0
// First fit over a map of free ranges: V8 asks for few, large pieces.
#include "daemon/engine/memory/arena.h"

#include "ipc/invariant.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

namespace lethe {
namespace {

// Large pieces (a WebAssembly memory that grows, a huge array) leave that much of the limit for
// small ones: V8 ends the process when it gets no page for its young generation.
constexpr size_t large_bytes = size_t{1} << 20, kept_for_small_bytes = size_t{16} << 20;

constexpr uintptr_t base_alignment = uintptr_t{1} << 21;

int protection_of(v8::PageAllocator::Permission permission) {
  switch (permission) {
  case v8::PageAllocator::kRead:
    return PROT_READ;
  case v8::PageAllocator::kReadWrite:
    return PROT_READ | PROT_WRITE;
  case v8::PageAllocator::kReadWriteExecute:
    return PROT_READ | PROT_WRITE | PROT_EXEC;
  case v8::PageAllocator::kReadExecute:
    return PROT_READ | PROT_EXEC;
  default: // kNoAccess, kNoAccessWillJitLater
    return PROT_NONE;
  }
}

} // namespace

Arena::Arena(size_t bytes) {
  void *reserved = ::mmap(nullptr, bytes + base_alignment, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  invariant(reserved != MAP_FAILED, "address space for V8's arena can be reserved",
            {"bytes", bytes}, {"errno", errno});
  const uintptr_t base = align_up(reinterpret_cast<uintptr_t>(reserved), base_alignment);
  highest_end_ = base;
  all_ = {base, base + bytes};
  free_.add(all_);
}

void Arena::set_protection_listener(ProtectionListener listener, void *context) {
  listener_ = listener;
  listener_context_ = context;
}

PageRange Arena::range_of(void *address, size_t length) const {
  const auto begin = reinterpret_cast<uintptr_t>(address);
  return {begin, align_up(begin + length, page_bytes())};
}

void *Arena::AllocatePages(void *, size_t length, size_t alignment, Permission permission) {
  const size_t bytes = align_up(length, page_bytes());
  for (const auto &[begin, end] : free_.runs()) {
    const uintptr_t address = align_up(begin, std::max(alignment, page_bytes()));
    if (address + bytes > end)
      continue;
    const PageRange range{address, address + bytes};
    const int protection = protection_of(permission);
    if (protection != PROT_NONE && !set_protection(range, protection))
      return nullptr;
    free_.remove(range);
    highest_end_ = std::max(highest_end_, range.end);
    return reinterpret_cast<void *>(address);
  }
  ++refusals_;
  return nullptr;
}

bool Arena::FreePages(void *address, size_t length) {
  const PageRange range = range_of(address, length);
  invariant(all_.begin <= range.begin && range.end <= all_.end,
            "V8 gives pages back to the arena that they are from", {"begin", range.begin},
            {"end", range.end});
  invariant(free_.bytes_in(range) == 0, "pages are given back once", {"begin", range.begin},
            {"end", range.end});
  if (!DecommitPages(address, length))
    return false;
  free_.add(range);
  return true;
}

bool Arena::ReleasePages(void *address, size_t length, size_t new_length) {
  const PageRange range = range_of(address, length);
  const PageRange kept = range_of(address, new_length);
  return kept.end == range.end ||
         FreePages(reinterpret_cast<void *>(kept.end), range.end - kept.end);
}

bool Arena::SetPermissions(void *address, size_t length, Permission permission) {
  return set_protection(range_of(address, length), protection_of(permission));
}

#if V8_MAJOR_VERSION >= 11
bool Arena::RecommitPages(void *address, size_t length, Permission permission) {
  return SetPermissions(address, length, permission);
}
#endif

bool Arena::DiscardSystemPages(void *address, size_t size) {
  // Allowed to do nothing; below image_end_ dropping would bring old content back, which V8 does
  // not expect either.
  const PageRange range = range_of(address, size);
  return range.begin < image_end_ || ::madvise(address, range.bytes(), MADV_DONTNEED) == 0;
}

bool Arena::DecommitPages(void *address, size_t size) {
  const PageRange range = range_of(address, size);
  zero(range);
  return set_protection(range, PROT_NONE);
}

bool Arena::set_protection(PageRange range, int protection) {
  const size_t more = protection == PROT_NONE ? 0 : range.bytes() - accessible_.bytes_in(range);
  const size_t spared = more >= large_bytes ? kept_for_small_bytes : 0;
  if (more > 0 && accessible_.bytes() + more + spared > limit_bytes_) {
    ++refusals_;
    return false;
  }
  if (!protect(range, protection))
    return false;
  if (protection == PROT_NONE)
    accessible_.remove(range);
  else if (more > 0) {
    accessible_.add(range);
    written_.add(range);
  }
  if (listener_)
    listener_(listener_context_, range);
  return true;
}

// The range's pages read as zero when they become accessible again.
void Arena::zero(PageRange range) {
  const PageRange of_image{range.begin, std::clamp(image_end_, range.begin, range.end)};
  // Not the guard regions of a WebAssembly memory, gigabytes that would become resident.
  written_.for_each_in(of_image, [this](PageRange part) {
    // Left as they are they would come back with their content.
    invariant(protect(part, PROT_READ | PROT_WRITE), "pages of the arena can be wiped",
              {"bytes", part.bytes()}, {"errno", errno});
    std::memset(reinterpret_cast<void *>(part.begin), 0, part.bytes());
    if (listener_)
      listener_(listener_context_, part);
  });
  written_.remove(range);
  const PageRange fresh{of_image.end, range.end};
  const bool dropped = fresh.empty() || ::madvise(reinterpret_cast<void *>(fresh.begin),
                                                  fresh.bytes(), MADV_DONTNEED) == 0;
  invariant(dropped, "pages of the arena can be dropped", {"bytes", fresh.bytes()},
            {"errno", errno});
}

} // namespace lethe
