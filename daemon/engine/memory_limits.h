// SPDX-License-Identifier: Apache-2.0
// The memory that scripts may use: V8's heap, array buffers, WebAssembly memories.
#pragma once

#include "daemon/engine/memory/arena.h"
#include "daemon/engine/v8_compat.h"

#include <cstddef>
#include <cstdint>

namespace lethe {

// Also V8's allocator of array buffers. A script whose heap needs more than its limit is terminated,
// and exceeded() says so; a buffer that has no room is an error, which the script may catch. If V8
// can't go on without the memory, the process ends, after `at_the_end` was called.
class MemoryLimits final : public v8::ArrayBuffer::Allocator {
public:
  // `pool_bytes` is also what the isolate is made with. Sets the limit of `arena`.
  MemoryLimits(size_t pool_bytes, Arena &arena);

  void attach(v8::Isolate *isolate);

  // Called when V8 has run out of memory in the middle of something: says why, as far as that is
  // still possible. The process ends afterwards.
  using LastWords = void (*)(void *context);
  void set_last_words(LastWords words, void *context) {
    last_words_ = words;
    last_words_context_ = context;
  }

  // What is not counted here (the source's syntax tree, regular expressions) is limited by the
  // kernel: limit_process() in each worker allows that much more than there was at note_baseline(), of
  // which `free_heap_bytes` were malloc's and not in use.
  void note_baseline(size_t free_heap_bytes);
  void limit_process() const;
  // The same in a zygote that is about to load scripts, whose sources have that many bytes in all.
  // Not for good, as the next zygote has another limit.
  void limit_loading(size_t source_bytes) const;

  // Before each run: `bytes` 0 means the pool's limit, which also is the most.
  void begin(size_t bytes);
  // V8's heap has grown beyond the limit, and whatever the script did about this is no longer its
  // result.
  bool exceeded() const { return exceeded_; }
  // A buffer or a WebAssembly memory was refused, which the script may have caught: an error that
  // says so says the truth.
  bool was_refused() const { return refused_bytes_ > 0 || arena_.refusals() != refusals_before_; }
  size_t limit_bytes() const { return limit_bytes_; }

  void *Allocate(size_t bytes) override;
  void *AllocateUninitialized(size_t bytes) override;
  void Free(void *data, size_t bytes) override;

private:
  static size_t near_heap_limit(void *self, size_t present_bytes, size_t initial_bytes);
  static void out_of_memory(const char *location, v8_compat::OutOfMemoryDetails details);

  bool has_room(size_t bytes);

  Arena &arena_;
  uint64_t refusals_before_ = 0; // of the arena, as of the run's beginning
  v8::Isolate *isolate_ = nullptr;
  size_t pool_bytes_, limit_bytes_;
  size_t baseline_bytes_ = 0, baseline_address_bytes_ = 0;
  size_t heap_limit_bytes_; // V8's present one
  size_t buffer_bytes_ = 0;
  size_t heap_bytes_ = 0;     // as of the last look
  size_t unlooked_bytes_ = 0; // allocated since then
  // The last allocation that was refused, until a retry after a collection succeeds.
  size_t refused_bytes_ = 0;
  bool exceeded_ = false;
  LastWords last_words_ = nullptr;
  void *last_words_context_ = nullptr;
};

} // namespace lethe
