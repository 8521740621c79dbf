// SPDX-License-Identifier: Apache-2.0
// The file, and the table of what is where in it.
#include "daemon/worker/memory/layer_store.h"
#include "daemon/engine/memory/pages.h"

#include <algorithm>
#include <fcntl.h>
#include <functional>
#include <new>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace lethe {
namespace {

// Before each record; its parts follow, each begins at a multiple of eight bytes, a layer with a page.
struct EntryHead {
  uint64_t name_bytes, definition_bytes, imports_bytes, layer_bytes;
};

constexpr size_t in_words(size_t bytes) { return (bytes + 7) / 8 * 8; }

Error store_failure(const char *why) {
  return {ErrorCode::memory_limit, std::string("the pool's layers: ") + why};
}

} // namespace

LayerStore *LayerStore::create(size_t most_layer_bytes) {
  FileDescriptor file(::memfd_create("lethe-layers", MFD_CLOEXEC));
  // Through a descriptor that can't write, so that no process can make its mapping writable.
  FileDescriptor reader =
      file ? open_own(("fd/" + std::to_string(file.get())).c_str()) : FileDescriptor();
  void *const view =
      reader ? ::mmap(nullptr, most_bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, reader.get(), 0)
             : MAP_FAILED;
  void *const memory = view == MAP_FAILED ? nullptr : allocate_surviving(sizeof(LayerStore));
  void *const slots = memory ? allocate_surviving(most_slots * sizeof(Slot)) : nullptr;
  // The first record is not at 0, which says that there is none.
  if (!slots || ::ftruncate(file.get(), sizeof(EntryHead)) != 0)
    return nullptr;
  return new (memory)
      LayerStore(std::move(file), std::move(reader), static_cast<const char *>(view),
                 static_cast<Slot *>(slots), most_layer_bytes);
}

// Behind what is there, which may be more than this process knows: of a zygote that was given up.
Result<Nothing> LayerStore::put(std::string_view name, std::string_view definition,
                                std::string_view imports, const FileDescriptor &layer,
                                size_t layer_bytes) {
  Slot &slot = slots_[index_of(name)];
  if (slot.offset == 0 && count_ == most_records)
    return store_failure("there are too many scripts; let another pool have some of them");
  struct stat file {};
  if (::fstat(file_.get(), &file) != 0)
    return store_failure("their file can't be seen");
  const auto begin = in_words(static_cast<size_t>(file.st_size));
  const EntryHead head{name.size(), definition.size(), imports.size(), layer_bytes};
  size_t end = begin;
  const auto add = [&](const void *bytes, size_t count) {
    const auto from = reinterpret_cast<uintptr_t>(bytes);
    const bool added = copy_to_file({from, from + count}, file_.get(), end);
    end = in_words(end + count);
    return added;
  };
  const size_t most_besides = 4096 + page_bytes(); // head, name, what is between the parts
  const bool has_room =
      begin + layer_bytes + definition.size() + imports.size() + most_besides <= most_bytes;
  void *const content = has_room && layer_bytes > 0
                            ? ::mmap(nullptr, layer_bytes, PROT_READ, MAP_SHARED, layer.get(), 0)
                            : nullptr;
  if (!has_room || content == MAP_FAILED)
    return store_failure("there is no memory for another one");
  bool is_added = add(&head, sizeof head) && add(name.data(), name.size()) &&
                  add(definition.data(), definition.size()) && add(imports.data(), imports.size());
  if (layer_bytes > 0)
    end = align_up(end, page_bytes());
  is_added = is_added && add(content, layer_bytes);
  if (content)
    ::munmap(content, layer_bytes);
  if (!is_added) {
    static_cast<void>(::ftruncate(file_.get(), file.st_size)); // what there is of it
    return store_failure("there is no memory for another one");
  }
  if (slot.offset != 0)
    discount(slot);
  else
    ++count_;
  slot = {std::hash<std::string_view>{}(name), begin & most_offset, 0, !imports.empty()};
  count(slot);
  return Nothing{};
}

void LayerStore::count(const Slot &slot) {
  const Extent extent = extent_of(slot);
  importer_count_ += slot.has_imports;
  layer_bytes_ += extent.end - extent.layer;
  live_bytes_ += extent.end - extent.begin;
}

void LayerStore::discount(const Slot &slot) {
  const Extent extent = extent_of(slot);
  importer_count_ -= slot.has_imports;
  layer_bytes_ -= extent.end - extent.layer;
  live_bytes_ -= extent.end - extent.begin;
}

// As much again for what older processes still read.
bool LayerStore::has_room(std::string_view name, size_t layer_bytes) const {
  const Slot &slot = slots_[index_of(name)];
  const Extent own = slot.offset != 0 ? extent_of(slot) : Extent{};
  return layer_bytes_ - (own.end - own.layer) + layer_bytes <= most_layer_bytes_ &&
         garbage_bytes() + layer_bytes <= most_layer_bytes_;
}

void LayerStore::unload(std::string_view name) {
  Slot &slot = slots_[index_of(name)];
  if (slot.offset == 0)
    return;
  discount(slot);
  slot.is_unloaded = 1;
  count(slot);
}

size_t LayerStore::file_bytes() const {
  constexpr size_t block_bytes = 512;
  struct stat file {};
  return ::fstat(file_.get(), &file) == 0 ? static_cast<size_t>(file.st_blocks) * block_bytes : 0;
}

size_t LayerStore::garbage_bytes() const {
  const size_t all = file_bytes();
  return all - std::min(all, live_bytes_);
}

// What lies between the records that are found here.
void LayerStore::reclaim() const {
  constexpr size_t least_bytes = size_t{1} << 20, least_part = 8;
  if (garbage_bytes() < least_bytes + live_bytes_ / least_part)
    return;
  std::vector<Extent> extents;
  for (const Slot *slot = slots_; slot < slots_ + most_slots; ++slot)
    if (slot->offset != 0)
      extents.push_back(extent_of(*slot));
  std::sort(extents.begin(), extents.end(),
            [](const Extent &one, const Extent &other) { return one.begin < other.begin; });
  struct stat file {};
  if (::fstat(file_.get(), &file) != 0)
    return;
  const auto all = static_cast<size_t>(file.st_size);
  extents.push_back({all, all, all});
  size_t begin = 0;
  for (const Extent &next : extents) {
    begin = align_up(begin, page_bytes());
    if (const size_t end = next.begin / page_bytes() * page_bytes(); begin < end)
      ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(begin), static_cast<off_t>(end - begin));
    begin = next.end;
  }
}

LayerStore::Extent LayerStore::extent_of(const Slot &slot) const {
  const size_t begin = slot.offset;
  const EntryHead &head = *reinterpret_cast<const EntryHead *>(view_ + begin);
  const size_t layer = begin + sizeof head + in_words(head.name_bytes) +
                       in_words(head.definition_bytes) + in_words(head.imports_bytes);
  if (head.layer_bytes == 0 || slot.is_unloaded)
    return {begin, layer, layer};
  return {begin, layer, align_up(layer, page_bytes()) + head.layer_bytes};
}

LayerStore::Record LayerStore::record_of(const Slot &slot) const {
  const EntryHead &head = *reinterpret_cast<const EntryHead *>(view_ + slot.offset);
  const char *at = view_ + slot.offset + sizeof head;
  const auto take = [&at](size_t bytes) {
    const std::string_view part(at, bytes);
    at += in_words(bytes);
    return part;
  };
  Record record{take(head.name_bytes), take(head.definition_bytes), take(head.imports_bytes), {}};
  if (const Extent extent = extent_of(slot); extent.layer < extent.end) {
    const size_t begin = align_up(extent.layer, page_bytes());
    record.layer = {view_ + begin, reader_.get(), begin};
  }
  return record;
}

size_t LayerStore::index_of(std::string_view name) const {
  const uint64_t hash = std::hash<std::string_view>{}(name);
  for (size_t i = hash % most_slots;; i = (i + 1) % most_slots)
    if (const Slot &slot = slots_[i];
        slot.offset == 0 || (slot.hash == hash && record_of(slot).name == name))
      return i;
}

bool LayerStore::find(std::string_view name, Record &record) const {
  const Slot &slot = slots_[index_of(name)];
  if (slot.offset == 0)
    return false;
  record = record_of(slot);
  return true;
}

} // namespace lethe
