// SPDX-License-Identifier: Apache-2.0
// Page size, protection and the parser of /proc/self/maps.
#include "daemon/engine/memory/pages.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" const char end; // of the program: man 3 end

namespace lethe {
namespace {

constexpr char surviving_file_name[] = "lethe-surviving";

uintptr_t hexadecimal(std::string_view &line) {
  uintptr_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value, 16);
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  if (!line.empty())
    line.remove_prefix(1); // "-" or " "
  return value;
}

// "55d0c0a00000-55d0c0a21000 rw-p 00000000 00:00 0        [heap]"
Mapping parse(std::string_view line) {
  Mapping mapping;
  mapping.range.begin = hexadecimal(line);
  mapping.range.end = hexadecimal(line);
  mapping.protection = (line[0] == 'r' ? PROT_READ : 0) | (line[1] == 'w' ? PROT_WRITE : 0) |
                       (line[2] == 'x' ? PROT_EXEC : 0);
  mapping.is_private = line[3] == 'p';
  const size_t name = line.find_first_of("/[");
  const std::string_view file = name == std::string_view::npos ? "" : line.substr(name);
  mapping.is_anonymous = file.empty() || file.starts_with("[heap]") || file.starts_with("[anon");
  mapping.is_stack = file.starts_with("[stack");
  const std::string_view memfd = file.starts_with("/memfd:") ? file.substr(7) : "";
  mapping.is_image = memfd.starts_with(image_file_name);
  mapping.is_surviving = memfd.starts_with(surviving_file_name);
  mapping.is_kernels = file.starts_with("[v");
  return mapping;
}

} // namespace

size_t page_bytes() {
  static const auto bytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// Key 0 is every page's key then; without keys the kernel refuses the call.
bool has_protection_keys() {
  static const bool has = [] {
    const size_t bytes = page_bytes();
    void *page = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool works = ::syscall(SYS_pkey_mprotect, page, bytes, PROT_READ, 0) == 0;
    ::munmap(page, bytes);
    return works;
  }();
  return has;
}

// Files there are root's while a process is not dumpable, and some only their owner may read. To be
// dumpable for that moment opens it to others of its user, who can do no less to it at its start.
uintptr_t program_end(uintptr_t arena_begin) {
  return std::min(arena_begin, align_up(reinterpret_cast<uintptr_t>(&end), page_bytes()));
}

FileDescriptor open_own(const char *name) {
  char path[64] = "/proc/self/";
  std::strncat(path, name, sizeof path - std::strlen(path) - 1);
  FileDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
  if (file || errno != EACCES || ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
    return file;
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  file.reset(::open(path, O_RDONLY | O_CLOEXEC));
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return file;
}

size_t read_pagemap(int pagemap, PageRange range, uint64_t *entries, size_t most) {
  const size_t pages = std::min(range.bytes() / page_bytes(), most);
  const ssize_t got = ::pread(pagemap, entries, pages * sizeof *entries,
                              static_cast<off_t>(range.begin / page_bytes() * sizeof *entries));
  return got < 0 ? 0 : static_cast<size_t>(got) / sizeof *entries;
}

size_t mapped_pages(PageRange range) {
  constexpr size_t at_once = 512;
  const FileDescriptor pagemap = open_own("pagemap");
  uint64_t entries[at_once];
  size_t mapped = 0;
  while (const size_t pages = read_pagemap(pagemap.get(), range, entries, at_once)) {
    mapped += static_cast<size_t>(std::count_if(
        entries, entries + pages, [](uint64_t entry) { return (entry & pagemap_present) != 0; }));
    range.begin += pages * page_bytes();
  }
  return range.empty() ? mapped : 0;
}

bool copy_to_file(PageRange range, int file, uint64_t offset) {
  while (!range.empty()) {
    const ssize_t written = ::pwrite(file, reinterpret_cast<const void *>(range.begin),
                                     range.bytes(), static_cast<off_t>(offset));
    if (written <= 0)
      return false;
    range.begin += static_cast<size_t>(written);
    offset += static_cast<size_t>(written);
  }
  return true;
}

bool seal_forever(int memfd) {
  constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  // The kernel waits for whoever holds a page of it, which may be the kernel itself, as it moves pages
  // or looks at them, and gives up after some 0.2 s: on a busy machine too early.
  constexpr int most_tries = 20;
  int tries = 1;
  while (::fcntl(memfd, F_ADD_SEALS, seals) != 0)
    if (errno != EBUSY || tries++ == most_tries)
      return false;
  return true;
}

bool protect(PageRange range, int protection) {
  invariant(range.begin <= range.end && (range.begin | range.end) % page_bytes() == 0,
            "protection is of whole pages", {"begin", range.begin}, {"end", range.end});
  void *begin = reinterpret_cast<void *>(range.begin);
  if (has_protection_keys())
    return ::syscall(SYS_pkey_mprotect, begin, range.bytes(), protection, 0) == 0;
  // Not the function: see v8_mappings.cc.
  return ::syscall(SYS_mprotect, begin, range.bytes(), protection) == 0;
}

long read_mappings(Mapping *mappings, size_t most) {
  const FileDescriptor file = open_own("maps");
  if (!file)
    return -1;
  char text[16384]; // the kernel gives whole lines, at most a page at a time
  size_t kept = 0, count = 0;
  while (true) {
    const ssize_t got = ::read(file.get(), text + kept, sizeof text - kept);
    if (got < 0)
      return -1;
    if (got == 0)
      return static_cast<long>(count);
    std::string_view rest(text, kept + static_cast<size_t>(got));
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      if (count == most) {
        errno = ENOSPC;
        return -1;
      }
      mappings[count++] = parse(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    kept = rest.size();
    std::memmove(text, rest.data(), kept);
  }
}

// A private mapping of a file of its own: the kernel merges it with no neighbour, and its name
// tells what it is.
void *allocate_surviving(size_t bytes) {
  const FileDescriptor file(::memfd_create(surviving_file_name, MFD_CLOEXEC));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0)
    return nullptr;
  void *memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void free_surviving(void *memory, size_t bytes) { ::munmap(memory, bytes); }

} // namespace lethe
