// SPDX-License-Identifier: Apache-2.0
// Copies the code aside, then puts the copy in its place by mremap: no moment without it.
#include "daemon/worker/huge_code.h"
#include "daemon/worker/pages.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <link.h>
#include <string>
#include <sys/mman.h>
#include <v8.h>

namespace lethe {
namespace {

// Of transparent huge pages; 0: there are none.
size_t huge_page_bytes() {
  size_t bytes = 0;
  std::ifstream("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") >> bytes;
  return bytes;
}

// The executable segment of the library that holds `address`.
PageRange code_around(const void *address) {
  PageRange found;
  const auto search = [&](const dl_phdr_info &library) {
    for (int i = 0; i < library.dlpi_phnum; ++i) {
      const auto &segment = library.dlpi_phdr[i];
      const PageRange range{library.dlpi_addr + segment.p_vaddr,
                            library.dlpi_addr + segment.p_vaddr + segment.p_memsz};
      if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
          range.contains(reinterpret_cast<uintptr_t>(address)))
        found = range;
    }
  };
  using Search = decltype(search);
  ::dl_iterate_phdr(
      [](dl_phdr_info *library, size_t, void *context) {
        (*static_cast<Search *>(context))(*library);
        return 0;
      },
      const_cast<void *>(static_cast<const void *>(&search)));
  return found;
}

void *at(uintptr_t address) { return reinterpret_cast<void *>(address); }

} // namespace

PageRange move_code_to_huge_pages() {
  const size_t huge = huge_page_bytes();
  if (huge == 0)
    return {};
  PageRange code = code_around(reinterpret_cast<const void *>(&v8::V8::GetVersion));
  code = {(code.begin + huge - 1) / huge * huge, code.end / huge * huge};
  if (code.begin >= code.end)
    return {};
  // Room to align the copy in.
  const size_t room_bytes = code.bytes() + huge;
  void *room =
      ::mmap(nullptr, room_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED)
    return {};
  const auto start = reinterpret_cast<uintptr_t>(room);
  const PageRange copy{(start + huge - 1) / huge * huge,
                       (start + huge - 1) / huge * huge + code.bytes()};
  bool moved = false;
  if (::madvise(at(copy.begin), copy.bytes(), MADV_HUGEPAGE) == 0) {
    std::memcpy(at(copy.begin), at(code.begin), code.bytes());
    if (::mprotect(at(copy.begin), copy.bytes(), PROT_READ | PROT_EXEC) == 0 &&
        ::mremap(at(copy.begin), copy.bytes(), copy.bytes(), MREMAP_MAYMOVE | MREMAP_FIXED,
                 at(code.begin)) != MAP_FAILED)
      moved = true;
  }
  ::munmap(room, copy.begin - start);
  if (!moved)
    ::munmap(at(copy.begin), copy.bytes());
  ::munmap(at(copy.end), start + room_bytes - copy.end);
  return moved ? code : PageRange{};
}

} // namespace lethe
