// SPDX-License-Identifier: Apache-2.0
// A zygote's memory image as its workers use it: adopted once, gone back to after each reply,
// verified now and then.
#pragma once

#include "daemon/engine/memory/arena.h"
#include "daemon/worker/memory/layer_store.h"
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
  Result<Nothing> checkpoint(size_t spare_heap_bytes);
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

  // Where the scripts are that the image does not hold; null: it holds all.
  LayerStore *layers() const { return layers_; }
  // Forked process, after open_files(): MemoryImage::return_to_checkpoint().
  bool return_to_checkpoint() { return image_->return_to_checkpoint(); }
  // Process that loads a script: MemoryImage::write_layer().
  Result<size_t> write_layer(const FileDescriptor &file) {
    arena_.image_taken(); // as whoever puts it on finds it
    return image_->write_layer(file);
  }
  // The same, afterwards: nothing of that script is left. False: it can't go on.
  bool forget_layer() { return image_->rewind() == RewindFailure::none; }
  // Does a request of this script, for which memory is ready, have to load it, as there is no layer yet?
  bool is_cold(std::string_view script) const;
  // Is memory as the image and this script's layer have it?
  bool is_ready_for(std::string_view script) const {
    return record_of(script).layer.content == layer_.content;
  }
  // Makes it so, before that script's request runs, which has come in this frame: it is the channel's next one
  // again. False: this process must end, the page says why.
  bool make_ready_for(std::string_view script, const Frame &frame, Channel &channel);

  // After the reply to a request that ran this script (MemoryImage::rewind). Requests that `channel` has received already are carried over. False: this
  // process must end, the page says why.
  bool rewind(Channel &channel, uint32_t script);

private:
  // Requests that were sent ahead are short; where they are not, the process ends, and the master
  // sends them elsewhere.
  static constexpr size_t most_carried_bytes = size_t{1} << 20;

  Rewinder(Arena &arena, const ZygoteSettings &settings);

  LayerStore::Record record_of(std::string_view script) const; // empty: there is none
  void carry(std::string_view unread);
  void put_back(Channel &channel);
  bool fail(RewindFailure failure);

  Arena &arena_;
  MemoryImage::Settings image_settings_;
  uint64_t verify_interval_; // 0: never
  LayerStore *layers_ = nullptr;
  MemoryLayer layer_; // that is on
  MemoryImage::Owner image_;
  WorkerPage *page_ = nullptr;
  size_t carried_bytes_ = 0, carried_room_ = 0;
  char *carried_ = nullptr; // room for the longest message, and for what else was received
};

} // namespace lethe
