// SPDX-License-Identifier: Apache-2.0
// Functions of the C library in the place of its own, for libnode and all others in this process.
// The C library itself (malloc) goes past them, and so does the code that puts memory back.
#include "daemon/engine/v8_mappings.h"
#include "daemon/engine/globals.h"

#include <cerrno>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {

#if V8_MAJOR_VERSION >= 12
namespace {

// Of address space, at once: only V8's tables are.
constexpr size_t least_reservation_bytes = size_t{16} << 20;

bool is_of_arena(const void *address) {
  return process_globals.arena &&
         process_globals.arena->contains(reinterpret_cast<uintptr_t>(address));
}

v8::PageAllocator::Permission permission_of(int protection) {
  if (protection == PROT_NONE)
    return v8::PageAllocator::kNoAccess;
  if ((protection & PROT_EXEC) != 0)
    return (protection & PROT_WRITE) != 0 ? v8::PageAllocator::kReadWriteExecute
                                          : v8::PageAllocator::kReadExecute;
  return (protection & PROT_WRITE) != 0 ? v8::PageAllocator::kReadWrite : v8::PageAllocator::kRead;
}

// What a system call returns.
int status_of(bool done) {
  if (!done)
    errno = ENOMEM;
  return done ? 0 : -1;
}

void *map(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
  const bool is_reserved = protection == PROT_NONE && (flags & MAP_ANONYMOUS) != 0;
  if (is_reserved && (flags & MAP_FIXED) != 0 && is_of_arena(address))
    return process_globals.arena->DecommitPages(address, bytes) ? address : MAP_FAILED;
  if (is_reserved && (flags & MAP_FIXED) == 0 && process_globals.arena &&
      bytes >= least_reservation_bytes) {
    void *pages =
        process_globals.arena->AllocatePages(nullptr, bytes, page_bytes(), Arena::kNoAccess);
    return status_of(pages != nullptr) == 0 ? pages : MAP_FAILED;
  }
  return reinterpret_cast<void *>(
      ::syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}

} // namespace

void lead_mappings_to(Arena &arena) { process_globals.arena = &arena; }

extern "C" {
#pragma GCC visibility push(default)

void *mmap(void *address, size_t bytes, int protection, int flags, int file,
           off_t offset) noexcept {
  return map(address, bytes, protection, flags, file, offset);
}

void *mmap64(void *address, size_t bytes, int protection, int flags, int file,
             off64_t offset) noexcept {
  return map(address, bytes, protection, flags, file, offset);
}

int munmap(void *address, size_t bytes) noexcept {
  return is_of_arena(address) ? status_of(process_globals.arena->FreePages(address, bytes))
                              : static_cast<int>(::syscall(SYS_munmap, address, bytes));
}

int mprotect(void *address, size_t bytes, int protection) noexcept {
  return is_of_arena(address)
             ? status_of(
                   process_globals.arena->SetPermissions(address, bytes, permission_of(protection)))
             : static_cast<int>(::syscall(SYS_mprotect, address, bytes, protection));
}

int madvise(void *address, size_t bytes, int advice) noexcept {
  return advice == MADV_DONTFORK && is_of_arena(address)
             ? 0
             : static_cast<int>(::syscall(SYS_madvise, address, bytes, advice));
}

#pragma GCC visibility pop
}

#else
void lead_mappings_to(Arena &) {}
#endif

} // namespace lethe
