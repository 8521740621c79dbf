// SPDX-License-Identifier: Apache-2.0
// Layers by the names of their scripts, in a file that all processes of a lineage of zygotes share:
// zygotes add to it, all others only read.
#pragma once

#include "daemon/worker/memory/memory_layer.h"
#include "ipc/error.h"
#include "ipc/file_descriptor.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lethe {

// Lies in surviving memory: a worker finds what its zygote had at the fork. What was replaced stays in
// the file, as older processes go on reading it, until reclaim().
class LayerStore {
public:
  // All of it is in the file, and stays where it is.
  struct Record {
    std::string_view name;
    std::string_view definition; // what the script was loaded from; empty: it has been removed
    std::string_view imports;    // what whoever loads it wants to know of it
    MemoryLayer layer;           // none: it is not loaded, or not kept
  };

  // For so many bytes of layers. Never destroyed: it lives as long as the process. Null with errno.
  static LayerStore *create(size_t most_layer_bytes);

  // Replaces a record of the same name, for this process and those that it forks from now on. The
  // layer is a file of so many bytes, which nobody changes any more.
  Result<Nothing> put(std::string_view name, std::string_view definition, std::string_view imports,
                      const FileDescriptor &layer, size_t layer_bytes);
  Result<Nothing> define(std::string_view name, std::string_view definition) {
    return put(name, definition, {}, FileDescriptor(), 0);
  }
  // Is there room for a layer of so many bytes, in place of the one that the script has?
  bool has_room(std::string_view name, size_t layer_bytes) const;
  // The script has no layer any more, as if it did not have one yet.
  void unload(std::string_view name);
  // It is known to be gone, even if an image has it.
  Result<Nothing> remove(std::string_view name) { return define(name, {}); }
  // False: nothing is known of the name.
  bool find(std::string_view name, Record &record) const;
  // Calls f(record) for all, in no order, until it returns false.
  template <typename F> void for_each(F f) const {
    for (const Slot *slot = slots_; slot < slots_ + most_slots; ++slot)
      if (slot->offset != 0 && !f(record_of(*slot)))
        return;
  }
  // Calls f(record) for all with imports, in no order. No other record is looked at, as each is in pages
  // of its own.
  template <typename F> void for_each_importer(F f) const {
    for (const Slot *slot = slots_; importer_count_ > 0 && slot < slots_ + most_slots; ++slot)
      if (slot->has_imports)
        f(record_of(*slot));
  }

  // Has anything been put?
  bool is_used() const { return count_ > 0; }
  size_t most_layer_bytes() const { return most_layer_bytes_; }
  size_t layer_bytes() const { return layer_bytes_; } // of all that are found here
  // What the file has in memory beyond what is found here.
  size_t garbage_bytes() const;
  // Gives that back to the system, if it is much. No other process may need it any more.
  void reclaim() const;

  // A process that runs scripts can't write to the file any more.
  void close() { file_.reset(); }
  // What such a process reads it by, which must stay open.
  int reader() const { return reader_.get(); }

private:
  static constexpr size_t most_slots = size_t{1} << 16, most_records = most_slots / 2;
  static constexpr size_t most_bytes = size_t{1} << 36; // address space, no memory

  struct Slot {
    uint64_t hash;
    uint64_t offset : 62; // of the record in the file; 0: the slot is free
    uint64_t is_unloaded : 1, has_imports : 1;
  };
  static constexpr uint64_t most_offset = (uint64_t{1} << 62) - 1;
  struct Extent { // of a record in the file; its layer is the last of it
    size_t begin, layer, end;
  };
  LayerStore(FileDescriptor file, FileDescriptor reader, const char *view, Slot *slots,
             size_t most_layer_bytes)
      : file_(std::move(file)), reader_(std::move(reader)), view_(view), slots_(slots),
        most_layer_bytes_(most_layer_bytes) {}
  Record record_of(const Slot &slot) const;
  Extent extent_of(const Slot &slot) const;
  void count(const Slot &slot); // what it has, from now on
  void discount(const Slot &slot);
  size_t file_bytes() const;                    // that are in memory
  size_t index_of(std::string_view name) const; // of its slot, or of the one to take

  FileDescriptor file_, reader_;
  const char *view_;
  size_t count_ = 0, importer_count_ = 0;
  Slot *slots_; // most_slots: in memory of their own, of which only what is in use is there
  size_t most_layer_bytes_, layer_bytes_ = 0, live_bytes_ = 0; // live: the layers, and all else
};

} // namespace lethe
