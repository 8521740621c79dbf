// SPDX-License-Identifier: Apache-2.0
// A memfd mirrors the address space: what lies at an address is at that offset, so that both are
// aligned alike, and its mapping takes the place of the library's.
#include "daemon/worker/memory/huge_libraries.h"

#include "daemon/engine/memory/pages.h"
#include "daemon/worker/memory/huge_pages.h"
#include "ipc/file_descriptor.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <cerrno>
#include <link.h>
#include <sys/mman.h>
#include <vector>

namespace lethe {
namespace {

constexpr size_t most_mappings = 1024;

struct Segment {
  PageRange range;
  int protection;
  PageRange mapped = {}; // once it is moved
};

// An eighth of it, and more than one look at it brings in.
bool is_in_use(PageRange range) {
  return mapped_pages(range) * page_bytes() >= std::max(range.bytes() / 8, 2 * fault_around_bytes);
}

// Of each library whose code is in use the code, and what follows it that can't be written:
// constants, and what the linker could write. What lies before is for the linker.
std::vector<Segment> code_and_constants() {
  std::vector<Segment> found;
  ::dl_iterate_phdr(
      [](dl_phdr_info *library, size_t, void *context) {
        auto &segments = *static_cast<std::vector<Segment> *>(context);
        const size_t page = page_bytes();
        bool takes = false;
        for (const ElfW(Phdr) *header = library->dlpi_phdr;
             header < library->dlpi_phdr + library->dlpi_phnum; ++header) {
          const bool is_relocated = header->p_type == PT_GNU_RELRO;
          if (!is_relocated && (header->p_type != PT_LOAD || (header->p_flags & PF_W) != 0))
            continue;
          const uintptr_t begin = library->dlpi_addr + header->p_vaddr,
                          end = begin + header->p_memsz;
          // The last page of what was relocated is data's, too, if it is not whole.
          const PageRange range{begin / page * page,
                                (is_relocated ? end : end + page - 1) / page * page};
          const bool is_code = !is_relocated && (header->p_flags & PF_X) != 0;
          if (is_code)
            takes = is_in_use(range);
          if (takes && !range.empty())
            segments.push_back({range, is_code ? PROT_READ | PROT_EXEC : PROT_READ});
        }
        return 0;
      },
      &found);
  return found;
}

// A huge page is mapped as one only where all of it is: what is mapped reaches as far as it does where
// there is nothing else. So it is around this program's segments, which are linked for that.
void fill_up(std::vector<Segment> &segments, size_t unit) {
  std::vector<Mapping> mappings(most_mappings);
  const long count = read_mappings(mappings.data(), mappings.size());
  const auto is_free = [&](PageRange range) {
    return count > 0 && std::none_of(mappings.begin(), mappings.begin() + count,
                                     [range](const Mapping &mapping) {
                                       return !mapping.range.common(range).empty();
                                     });
  };
  for (auto &[range, protection, mapped] : segments) {
    const uintptr_t begin = range.begin / unit * unit, end = (range.end + unit - 1) / unit * unit;
    mapped = {is_free({begin, range.begin}) ? begin : range.begin,
              is_free({range.end, end}) ? end : range.end};
  }
}

} // namespace

size_t move_libraries_to_huge_pages() {
  std::vector<Segment> segments = code_and_constants();
  std::ranges::sort(segments, {}, [](const Segment &segment) { return segment.range.begin; });
  const FileDescriptor file(::memfd_create("lethe-libraries", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const HugePages huge(file.get());
  if (segments.empty() || huge.bytes() == 0)
    return 0;
  const size_t unit = huge.bytes();
  fill_up(segments, unit);
  if (::ftruncate(file.get(), static_cast<off_t>((segments.back().range.end / unit + 1) * unit)) !=
      0)
    return 0;
  for (const Segment &segment : segments)
    if (!copy_to_file(segment.range, file.get(), segment.range.begin))
      return 0;
  size_t gathered = 0;
  uintptr_t next = 0;
  for (const Segment &segment : segments)
    for (next = std::max(next, segment.range.begin / unit * unit); next < segment.range.end;
         next += unit)
      gathered += huge.gather(next) ? unit : 0;
  // As with an image: no worker may change what its siblings run.
  if (gathered == 0 || !seal_forever(file.get()))
    return 0;
  for (const Segment &segment : segments) {
    const void *mapped =
        ::mmap(reinterpret_cast<void *>(segment.mapped.begin), segment.mapped.bytes(),
               segment.protection, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file.get(),
               static_cast<off_t>(segment.mapped.begin));
    // Half of it would be lost.
    invariant(mapped != MAP_FAILED, "a copy of a library can be mapped over it", {"errno", errno});
  }
  return gathered;
}

} // namespace lethe
