// SPDX-License-Identifier: Apache-2.0
// A zygote: one isolate with a generation's scripts loaded. Forks workers, and the zygote of the
// next generation. Never runs a request.
#pragma once

#include "daemon/engine/memory_limits.h"
#include "daemon/engine/names.h"
#include "daemon/natives/codecs.h"
#include "daemon/worker/debug/debugger.h"
#include "daemon/worker/memory/rewinder.h"
#include "daemon/worker/memory/working_set.h"
#include "daemon/worker/sandbox.h"
#include "daemon/worker/scripts/generation.h"
#include "daemon/worker/scripts/runner.h"
#include "daemon/worker/scripts/scripts.h"
#include "ipc/channel.h"
#include "ipc/zygote_settings.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

class RequestLoop;

// What there is to know of the startup snapshot besides V8's blob.
struct Startup {
  std::string tzdata; // version of the time zones; empty: they are ICU's own
  Preload preload;    // what the blob does not hold
};

class Zygote {
public:
  // In an isolate that is entered. `memory` is its allocator of array buffers. No `rewinder`:
  // there are no images of it. With one, workers are rewound unless each serves one request.
  Zygote(v8::Isolate *isolate, MemoryLimits &memory, const ZygoteSettings &settings,
         uintptr_t arena_begin, FileDescriptor control, Rewinder *rewinder, Startup startup);

  // Says `ready` for generation 0, and serves the master until it closes the control channel.
  [[noreturn]] void run();

private:
  void evaluate_preload();
  void serve_frame(const Frame &frame);
  void fork_worker(uint32_t sequence, const message::Fork &wanted);
  [[noreturn]] void become_worker(FileDescriptor socket, const FileDescriptor &page_file,
                                  bool debugs, std::vector<int> kept);
  void set_worker_last_words(WorkerPage &page);
  RequestLoop &make_loop(FileDescriptor socket, WorkerPage &page, Rewinder *rewinder);
  void prepare_forks();
  void grow(const Frame &frame);
  void become_generation(FileDescriptor control, const std::string &grow_body);
  struct LayerFailure {
    std::string script, error_map;
  };
  struct LayerTask {
    bool is_strict, is_importer; // of a new script, itself an old one
  };
  void prepare_for_layers();
  std::optional<LayerFailure> load_layers();
  // Scripts that one process loads, each into a layer; on the stack, as its heap is rewound.
  static constexpr size_t most_layers_in_turn = 16;
  class LayersInTurn {
  public:
    void add(std::string_view name, LayerTask task) {
      Entry &entry = entries_[count_++];
      entry.bytes = name.copy(entry.name, sizeof entry.name);
      entry.task = task;
    }
    size_t count() const { return count_; }
    std::string_view name(size_t index) const {
      return {entries_[index].name, entries_[index].bytes};
    }
    LayerTask task(size_t index) const { return entries_[index].task; }
    // Two for each: its layer, and the report about it.
    bool open(FileDescriptor *files) const;

  private:
    struct Entry {
      char name[256];
      size_t bytes;
      LayerTask task;
    };
    size_t count_ = 0;
    Entry entries_[most_layers_in_turn];
  };
  size_t load_in_turn(const LayersInTurn &layers);
  void note_failure(std::string_view name, const Error &error);
  Error too_large(std::string_view name, size_t layer_bytes) const;
  bool take_layer(std::string_view name, LayerTask task, const FileDescriptor &layer,
                  const FileDescriptor &report, std::optional<int> status);
  [[noreturn]] void write_layers(const LayersInTurn &layers, const FileDescriptor *files,
                                 const FileDescriptor &to_zygote, const FileDescriptor &page_file);
  void write_layer(std::string_view name, LayerTask task, const FileDescriptor &layer,
                   const FileDescriptor &report_file, WorkerPage &page, RequestLoop &loop);
  void say_loading(std::string_view script);
  void say_load_failed(std::string_view name, const RunFailure &failure);
  template <typename Message, size_t descriptors>
  void say(uint32_t sequence, const Message &message, const int (&sent)[descriptors]);
  LayerStore *layers() const { return rewinds() ? rewinder_->layers() : nullptr; }
  bool rewinds() const { return rewinder_ && !serves_one_; }
  void begin_learning();
  void end_learning();
  void collect_garbage();
  void take_image();
  void run_self_test();
  void read_import_map();
  void confine();
  void say_confinement();
  void say_ready();
  void reap();
  void flush();

  v8::Isolate *isolate_;
  MemoryLimits &memory_;
  const ZygoteSettings settings_;
  const std::string tzdata_;
  bool serves_one_; // does a worker serve but one request?
  Names names_;
  Codecs codecs_;
  Channel control_;
  FileDescriptor child_signals_;
  std::optional<Sandbox> sandbox_; // none if it is switched off
  Rewinder *rewinder_;
  Scripts scripts_;
  Runner runner_;
  WorkingSet working_set_;
  bool has_prepared_forks_ = false, is_confined_ = false;
  Generation generation_;
  struct LoadedLayer {
    message::Kept<message::LoadedLayer> report;
    size_t bytes;
    bool is_kept;
  };
  std::vector<LoadedLayer> loaded_layers_; // of this generation
  bool has_layers_ = false;                // the image is what they build on
  std::vector<LayerFailure> layer_failures_;
  std::vector<pid_t> writers_; // of layers, that are about to end
  std::string loading_;        // as the master was told last
  // In the image. More is for those who write layers, which can't take memory that it does not have.
  size_t spare_heap_bytes_ = MemoryImage::Settings{}.spare_heap_bytes;
};

} // namespace lethe
