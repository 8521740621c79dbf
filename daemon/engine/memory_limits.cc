// SPDX-License-Identifier: Apache-2.0
// Callbacks of V8 about memory, and the accounting of array buffers.
#include "daemon/engine/memory_limits.h"
#include "daemon/engine/globals.h"
#include "daemon/engine/interrupts.h"
#include "ipc/file_descriptor.h"
#include "ipc/invariant.h"
#include "ipc/messages.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sys/resource.h>
#include <unistd.h>

namespace lethe {
namespace {

// So that a script at its limit can be terminated in JavaScript instead of running V8 out of
// memory.
constexpr size_t slack_bytes = size_t{16} << 20;
// What V8 has in its pages besides a script's old objects: the young generation, code, the
// snapshot.
constexpr size_t overhead_bytes = size_t{128} << 20;
// No machine has room for more: a mistake, and no matter of limits.
constexpr size_t address_space_bytes = size_t{1} << 47;
// Asking V8 for the size of its heap takes a microsecond or two: not for each small buffer.
constexpr size_t look_every_bytes = size_t{1} << 20;

} // namespace

MemoryLimits::MemoryLimits(size_t pool_bytes, Arena &arena)
    : arena_(arena), pool_bytes_(pool_bytes), limit_bytes_(pool_bytes),
      heap_limit_bytes_(pool_bytes) {
  arena.set_limit(pool_bytes + overhead_bytes + v8_compat::writable_code_bytes);
}

void MemoryLimits::attach(v8::Isolate *isolate) {
  isolate_ = isolate;
  process_globals.memory = this;
  isolate->AddNearHeapLimitCallback(near_heap_limit, this);
  isolate->SetOOMErrorHandler(out_of_memory);
  v8::V8::SetFatalMemoryErrorCallback(out_of_memory);
  std::set_new_handler([] { out_of_memory("malloc", {}); });
}

void MemoryLimits::note_baseline(size_t free_heap_bytes) {
  char text[256] = {};
  const FileDescriptor file = open_own("statm");
  unsigned long pages = 0, data_pages = 0; // the first number; the sixth: data and stack
  const bool is_read = file && ::read(file.get(), text, sizeof text - 1) > 0 &&
                       std::sscanf(text, "%lu %*u %*u %*u %*u %lu", &pages, &data_pages) == 2;
  invariant(is_read, "/proc/self/statm can be read", {"errno", errno});
  baseline_bytes_ = data_pages * page_bytes() - free_heap_bytes;
  baseline_address_bytes_ = pages * page_bytes() - free_heap_bytes;
}

void MemoryLimits::limit_process() const {
  const rlim_t more = 2 * pool_bytes_ + overhead_bytes;
  const rlimit data{baseline_bytes_ + more, baseline_bytes_ + more};
  ::setrlimit(RLIMIT_DATA, &data);
  // Memory that can't be written costs page tables once it is read, which no other limit counts.
  const rlimit all{baseline_address_bytes_ + more, baseline_address_bytes_ + more};
  ::setrlimit(RLIMIT_AS, &all);
}

// A source is there as it came, as a script's definition, and as V8 has it.
void MemoryLimits::limit_loading(size_t source_bytes) const {
  rlimit data{};
  ::getrlimit(RLIMIT_DATA, &data);
  data.rlim_cur = std::min<rlim_t>(
      baseline_bytes_ + 2 * pool_bytes_ + overhead_bytes + 4 * source_bytes, data.rlim_max);
  ::setrlimit(RLIMIT_DATA, &data);
}

void MemoryLimits::begin(size_t bytes) {
  exceeded_ = false;
  refused_bytes_ = 0;
  refusals_before_ = arena_.refusals();
  limit_bytes_ = bytes == 0 ? pool_bytes_ : std::min(bytes, pool_bytes_);
  // V8 lowers its limit only as far as what is in use allows; near_heap_limit() raises it again for
  // a request that may have more.
  if (limit_bytes_ < heap_limit_bytes_ && limit_bytes_ < pool_bytes_) {
    isolate_->RemoveNearHeapLimitCallback(near_heap_limit, limit_bytes_);
    isolate_->AddNearHeapLimitCallback(near_heap_limit, this);
    heap_limit_bytes_ = limit_bytes_;
  }
}

size_t MemoryLimits::near_heap_limit(void *context, size_t present_bytes, size_t) {
  auto &self = *static_cast<MemoryLimits *>(context);
  if (present_bytes < self.limit_bytes_) { // lowered for a request before this one
    self.heap_limit_bytes_ = self.limit_bytes_;
    return self.limit_bytes_;
  }
  if (self.exceeded_)
    return present_bytes; // not even the slack was enough: V8 gives up
  self.exceeded_ = true;
  Interrupts::instance().stop(StopCause::memory);
  return present_bytes + slack_bytes;
}

void MemoryLimits::out_of_memory(const char *location, v8_compat::OutOfMemoryDetails) {
  if (process_globals.memory && process_globals.memory->last_words_)
    process_globals.memory->last_words_(process_globals.memory->last_words_context_);
  else
    std::fprintf(stderr, "lethe: V8 is out of memory: %s\n", location);
  _exit(exit_failed);
}

bool MemoryLimits::has_room(size_t bytes) {
  unlooked_bytes_ += bytes;
  if (unlooked_bytes_ >= look_every_bytes && isolate_) {
    v8::HeapStatistics heap;
    isolate_->GetHeapStatistics(&heap);
    heap_bytes_ = heap.used_heap_size();
    unlooked_bytes_ = 0;
  }
  return bytes <= limit_bytes_ && buffer_bytes_ + heap_bytes_ <= limit_bytes_ - bytes;
}

void *MemoryLimits::Allocate(size_t bytes) {
  if (bytes > address_space_bytes)
    return nullptr; // a RangeError, which the script may catch
  void *data = has_room(bytes) ? std::calloc(std::max<size_t>(bytes, 1), 1) : nullptr;
  if (data) {
    buffer_bytes_ += bytes;
    if (bytes == refused_bytes_)
      refused_bytes_ = 0;
  } else {
    refused_bytes_ = bytes; // V8 tries again after a garbage collection; then it is a RangeError
  }
  return data;
}

void *MemoryLimits::AllocateUninitialized(size_t bytes) { return Allocate(bytes); }

void MemoryLimits::Free(void *data, size_t bytes) {
  buffer_bytes_ -= bytes;
  std::free(data);
}

} // namespace lethe
