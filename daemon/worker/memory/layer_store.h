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

// Lies in surviving memory: a worker finds what its zygote had at the fork. Room that nobody uses any
// more comes back when the program is executed anew.
class LayerStore {
public:
  // All of it is in the file, and stays where it is.
  struct Record {
    std::string_view name;
    std::string_view definition; // what the script was loaded from; empty: it has been removed
    std::string_view imports;    // what whoever loads it wants to know of it
    MemoryLayer layer;           // none: it is not loaded yet
  };

  // Never destroyed: it lives as long as the process. Null with errno.
  static LayerStore *create();

  // Replaces a record of the same name, for this process and those that it forks from now on. The
  // layer is a file of so many bytes, which nobody changes any more.
  Result<Nothing> put(std::string_view name, std::string_view definition, std::string_view imports,
                      const FileDescriptor &layer, size_t layer_bytes);
  Result<Nothing> define(std::string_view name, std::string_view definition) {
    return put(name, definition, {}, FileDescriptor(), 0);
  }
  // It is known to be gone, even if an image has it.
  Result<Nothing> remove(std::string_view name) { return define(name, {}); }
  // False: nothing is known of the name.
  bool find(std::string_view name, Record &record) const;
  // Calls f(record) for all, in no order.
  template <typename F> void for_each(F f) const {
    for (const Slot *slot = slots_; slot < slots_ + most_slots; ++slot)
      if (slot->offset != 0)
        f(record_at(slot->offset));
  }

  // Has anything been put?
  bool is_used() const { return count_ > 0; }

  // A process that runs scripts can't write to the file any more.
  void close() { file_.reset(); }
  // What such a process reads it by, which must stay open.
  int reader() const { return reader_.get(); }

private:
  static constexpr size_t most_slots = size_t{1} << 16, most_records = most_slots / 2;
  static constexpr size_t most_bytes = size_t{1} << 36; // address space, no memory

  struct Slot {
    uint64_t hash;
    uint64_t offset; // of the record in the file; 0: the slot is free
  };
  LayerStore(FileDescriptor file, FileDescriptor reader, const char *view, Slot *slots)
      : file_(std::move(file)), reader_(std::move(reader)), view_(view), slots_(slots) {}
  Record record_at(uint64_t offset) const;
  size_t index_of(std::string_view name) const; // of its slot, or of the one to take

  FileDescriptor file_, reader_;
  const char *view_;
  size_t count_ = 0;
  Slot *slots_; // most_slots: in memory of their own, of which only what is in use is there
};

} // namespace lethe
