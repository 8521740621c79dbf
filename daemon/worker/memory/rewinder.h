// SPDX-License-Identifier: Apache-2.0
// A zygote's memory image as its workers use it: adopted once, gone back to after each reply,
// verified now and then.
#pragma once

#include "daemon/engine/memory/arena.h"
#include "daemon/worker/memory/memory_image.h"
#include "ipc/channel.h"
#include "ipc/worker_page.h"
#include "ipc/zygote_settings.h"

#include <string_view>

namespace lethe {

// Lies in surviving memory: what it holds is not rewound.
class Rewinder {
public:
  // Never destroyed: it lives as long as the process. Null: there is no memory for it.
  static Rewinder *create(Arena &arena, const ZygoteSettings &settings);

  // Zygote: makes the image of all that is loaded, in place of the last one. One that is for forks
  // has done its service once it is mapped, and is not kept.
  Result<Nothing> checkpoint();
  // Zygote: does a request leave the image as it was? Tried in a forked process, which runs
  // `request` a few times.
  Result<Nothing> self_test(void (*request)(void *context), void *context);
  // Of the image that is kept.
  size_t image_bytes() const { return image_->statistics().image_pages * page_bytes(); }

  // Worker: opens what it needs before the sandbox closes; these descriptors must stay open.
  Result<Nothing> open_files() { return image_->open_files(); }
  MemoryImage::Files files() const { return image_->files(); }
  // Worker: from now on everything goes back to this moment.
  Result<Nothing> adopt(WorkerPage &page);

  // After the reply to a request that ran this script (MemoryImage::rewind). Requests that `channel` has received already are carried over. False: this
  // process must end, the page says why.
  bool rewind(Channel &channel, uint32_t script);

private:
  // Requests that were sent ahead are short; where they are not, the process ends, and the master
  // sends them elsewhere.
  static constexpr size_t most_carried_bytes = size_t{1} << 20;

  Rewinder(Arena &arena, const ZygoteSettings &settings);

  bool fail(RewindFailure failure);

  Arena &arena_;
  MemoryImage::Settings image_settings_;
  uint64_t verify_interval_; // 0: never
  MemoryImage::Owner image_;
  WorkerPage *page_ = nullptr;
  size_t carried_bytes_ = 0;
  char carried_[most_carried_bytes];
};

} // namespace lethe
