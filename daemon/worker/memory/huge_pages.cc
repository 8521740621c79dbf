// SPDX-License-Identifier: Apache-2.0
// madvise(MADV_COLLAPSE), for which the pages must be mapped.
#include "daemon/worker/memory/huge_pages.h"

#include "ipc/file_descriptor.h"

#include <charconv>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr int madv_collapse = 25; // Linux 6.1

} // namespace

size_t huge_page_bytes() {
  static const size_t asked = [] {
    const FileDescriptor file(
        ::open("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", O_RDONLY | O_CLOEXEC));
    char text[32];
    const ssize_t length = file ? ::read(file.get(), text, sizeof text) : 0;
    size_t bytes = 0;
    if (length > 0)
      std::from_chars(text, text + length, bytes);
    return bytes;
  }();
  return asked;
}

HugePages::HugePages(int memfd) : memfd_(memfd), bytes_(huge_page_bytes()) {
  if (bytes_ == 0)
    return;
  void *room = ::mmap(nullptr, 2 * bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED)
    bytes_ = 0;
  else
    room_ = static_cast<char *>(room);
}

HugePages::~HugePages() {
  if (room_)
    ::munmap(room_, 2 * bytes_);
}

bool HugePages::gather(uint64_t offset) const {
  const auto address = (reinterpret_cast<uintptr_t>(room_) + bytes_ - 1) / bytes_ * bytes_;
  void *window = ::mmap(reinterpret_cast<void *>(address), bytes_, PROT_READ,
                        MAP_PRIVATE | MAP_FIXED, memfd_, static_cast<off_t>(offset));
  return window != MAP_FAILED && ::madvise(window, bytes_, madv_collapse) == 0;
}

} // namespace lethe
