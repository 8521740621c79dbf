// SPDX-License-Identifier: Apache-2.0
// Reads /proc/self/pagemap: Documentation/admin-guide/mm/pagemap.rst has its bits.
#include "daemon/worker/working_set.h"
#include "ipc/file_descriptor.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr uint64_t present = uint64_t{1} << 63, of_file = uint64_t{1} << 61,
                   exclusive = uint64_t{1} << 56;

// What a process wrote since its fork is its own; all else it shares with its parent.
bool was_written(uint64_t entry) {
  return (entry & (present | of_file | exclusive)) == (present | exclusive);
}

} // namespace

void WorkingSet::list_pages(int pipe) {
  const size_t page = page_bytes();
  const FileDescriptor pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  std::array<Mapping, 512> mappings;
  const long count = read_mappings(mappings.data(), mappings.size());
  for (long i = 0; i < count; ++i) {
    const Mapping &mapping = mappings[static_cast<size_t>(i)];
    const PageRange range = mapping.range;
    if (!mapping.is_private || (mapping.protection & PROT_WRITE) == 0)
      continue;
    std::vector<uint64_t> entries(range.bytes() / page);
    const auto wanted = static_cast<ssize_t>(entries.size() * sizeof(uint64_t));
    if (::pread(pagemap.get(), entries.data(), static_cast<size_t>(wanted),
                static_cast<off_t>(range.begin / page * sizeof(uint64_t))) != wanted)
      continue;
    for (size_t begin = 0, end = 0; begin < entries.size(); begin = end + 1) {
      for (end = begin; end < entries.size() && was_written(entries[end]);)
        ++end;
      const PageRange run{range.begin + begin * page, range.begin + end * page};
      if (!run.empty() && ::write(pipe, &run, sizeof run) != sizeof run)
        return;
    }
  }
}

WorkingSet WorkingSet::learn(void (*request)(void *context), void *context) {
  WorkingSet learned;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0)
    return learned;
  FileDescriptor from_child(ends[0]), to_parent(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    request(context);
    list_pages(to_parent.get());
    _exit(0);
  }
  to_parent.reset();
  PageRange run;
  while (::read(from_child.get(), &run, sizeof run) == sizeof run)
    learned.runs_.push_back(run);
  while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return learned;
}

void WorkingSet::bring_in() const {
  for (const PageRange &run : runs_)
    ::madvise(reinterpret_cast<void *>(run.begin), run.bytes(), MADV_POPULATE_WRITE);
}

} // namespace lethe
