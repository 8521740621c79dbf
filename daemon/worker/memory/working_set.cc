// SPDX-License-Identifier: Apache-2.0
// What a worker has touched /proc/self/pagemap tells.
#include "daemon/worker/memory/working_set.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr size_t most_mappings = 1024, entries_at_a_time = 256;

// A request that writes more is no example of others: they would pay for what they don't need.
constexpr size_t most_written_bytes = size_t{1} << 20;

enum class Touch : uint8_t { none, read, written };

// What a process wrote since its fork is its own; what it read of a file is mapped. Other memory it
// shares with its parent, from the start.
Touch touch_of(uint64_t entry) {
  if ((entry & pagemap_present) == 0)
    return Touch::none;
  if ((entry & pagemap_of_file) != 0)
    return Touch::read;
  return (entry & pagemap_exclusive) != 0 ? Touch::written : Touch::none;
}

bool is_watched(const Mapping &mapping) {
  return mapping.is_private && !mapping.is_kernels && (mapping.protection & PROT_READ) != 0;
}

// Without a page fault for each. Kernels before 5.14 can't: there each page waits for its fault.
void bring_in(PageRange range, bool is_written) {
  constexpr int populate_read = 22, populate_write = 23; // MADV_POPULATE_*
  ::madvise(reinterpret_cast<void *>(range.begin), range.bytes(),
            is_written ? populate_write : populate_read);
}

} // namespace

// --- zygote ------------------------------------------------------------------------------------

void WorkingSet::before_fork() {
  if (told_ == tellers || teller_ != 0)
    return;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
    return;
  from_teller_.reset(ends[0]);
  to_zygote_.reset(ends[1]);
  // Here, as the worker shall write nothing for this that a request would not.
  mappings_.resize(most_mappings);
  const long count = read_mappings(mappings_.data(), mappings_.size());
  mappings_.resize(static_cast<size_t>(std::max(count, 0L)));
}

void WorkingSet::after_fork(pid_t worker) {
  if (to_zygote_)
    teller_ = worker;
  to_zygote_.reset();
}

void WorkingSet::take(pid_t ended) {
  if (ended != teller_)
    return;
  std::vector<Run> told;
  size_t written_bytes = 0;
  Run run;
  while (told.size() < most_runs && ::read(from_teller_.get(), &run, sizeof run) == sizeof run &&
         accepts(run)) {
    told.push_back(run);
    written_bytes += run.is_written ? run.range.bytes() : 0;
  }
  from_teller_.reset();
  teller_ = 0;
  // Where it told nothing of use, the next worker tells: this one was killed before it could, or is
  // no example.
  if (!told.empty() && told.size() < most_runs && written_bytes <= most_written_bytes)
    runs_ = told_++ == 0 ? std::move(told) : common(runs_, told);
}

// Both are in the order of their addresses.
std::vector<WorkingSet::Run> WorkingSet::common(const std::vector<Run> &left,
                                                const std::vector<Run> &right) {
  std::vector<Run> both;
  for (auto a = left.begin(), b = right.begin(); a != left.end() && b != right.end();) {
    const PageRange range = a->range.common(b->range);
    if (!range.empty())
      both.push_back({range, a->is_written && b->is_written});
    ++(a->range.end < b->range.end ? a : b);
  }
  return both;
}

// Only what can be touched without harm.
bool WorkingSet::accepts(const Run &run) const {
  const int needed = run.is_written ? PROT_READ | PROT_WRITE : PROT_READ;
  return run.range.begin < run.range.end &&
         std::ranges::any_of(mappings_, [&](const Mapping &mapping) {
           return is_watched(mapping) && (mapping.protection & needed) == needed &&
                  mapping.range.begin <= run.range.begin && run.range.end <= mapping.range.end;
         });
}

// --- worker ------------------------------------------------------------------------------------

void WorkingSet::bring_in(std::vector<int> &kept) {
  if (to_zygote_) {
    pagemap_ = open_own("pagemap");
    if (pagemap_) // else the next one tells
      kept.insert(kept.end(), {to_zygote_.get(), pagemap_.get()});
    return;
  }
  // Reading maps what is around, too. What is mapped already when it is written has to be taken out
  // of the processor's tables, which costs more than the copy: so what is written comes first.
  for (const bool is_written : {true, false})
    for (const Run &run : runs_)
      if (run.is_written == is_written)
        lethe::bring_in(run.range, is_written);
}

void WorkingSet::tell() const {
  if (!to_zygote_ || !pagemap_)
    return;
  for (const Mapping &mapping : mappings_)
    if (is_watched(mapping) && !tell_mapping(mapping))
      return;
}

bool WorkingSet::tell_mapping(const Mapping &mapping) const {
  const size_t page = page_bytes();
  uint64_t entries[entries_at_a_time];
  Run run{};
  Touch last = Touch::none;
  const auto end_run = [&] {
    return last == Touch::none ||
           ::write(to_zygote_.get(), &run, sizeof run) == static_cast<ssize_t>(sizeof run);
  };
  for (uintptr_t address = mapping.range.begin; address < mapping.range.end;) {
    const size_t read =
        read_pagemap(pagemap_.get(), {address, mapping.range.end}, entries, entries_at_a_time);
    if (read == 0)
      return false;
    for (size_t i = 0; i < read; ++i, address += page) {
      const Touch touch = touch_of(entries[i]);
      if (touch != last) {
        if (!end_run())
          return false;
        run = {{address, address}, touch == Touch::written};
        last = touch;
      }
      run.range.end = address + page;
    }
  }
  return end_run();
}

} // namespace lethe
