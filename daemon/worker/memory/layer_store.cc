// SPDX-License-Identifier: Apache-2.0
// The file, and the table of what is where in it.
#include "daemon/worker/memory/layer_store.h"
#include "daemon/engine/memory/pages.h"

#include <functional>
#include <new>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lethe {
namespace {

// Before each record; its parts follow, each begins at a multiple of eight bytes, a layer with a page.
struct Head {
  uint64_t name_bytes, definition_bytes, imports_bytes, layer_bytes;
};

constexpr size_t in_words(size_t bytes) { return (bytes + 7) / 8 * 8; }

Error failure(const char *why) {
  return {ErrorCode::memory_limit, std::string("the pool's layers: ") + why};
}

} // namespace

LayerStore *LayerStore::create() {
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
  if (!slots || ::ftruncate(file.get(), sizeof(Head)) != 0)
    return nullptr;
  return new (memory) LayerStore(std::move(file), std::move(reader),
                                 static_cast<const char *>(view), static_cast<Slot *>(slots));
}

// Behind what is there, which may be more than this process knows: of a zygote that was given up.
Result<Nothing> LayerStore::put(std::string_view name, std::string_view definition,
                                std::string_view imports, const FileDescriptor &layer,
                                size_t layer_bytes) {
  Slot &slot = slots_[index_of(name)];
  if (slot.offset == 0 && count_ == most_records)
    return failure("there are too many scripts; let another pool have some of them");
  struct stat file {};
  if (::fstat(file_.get(), &file) != 0)
    return failure("their file can't be seen");
  const auto begin = in_words(static_cast<size_t>(file.st_size));
  const Head head{name.size(), definition.size(), imports.size(), layer_bytes};
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
    return failure("there is no memory for another one");
  bool is_added = add(&head, sizeof head) && add(name.data(), name.size()) &&
                  add(definition.data(), definition.size()) && add(imports.data(), imports.size());
  if (layer_bytes > 0)
    end = align_up(end, page_bytes());
  is_added = is_added && add(content, layer_bytes);
  if (content)
    ::munmap(content, layer_bytes);
  if (!is_added)
    return failure("there is no memory for another one");
  count_ += slot.offset == 0;
  slot = {std::hash<std::string_view>{}(name), begin};
  return Nothing{};
}

LayerStore::Record LayerStore::record_at(uint64_t offset) const {
  const Head &head = *reinterpret_cast<const Head *>(view_ + offset);
  const char *at = view_ + offset + sizeof head;
  const auto take = [&at](size_t bytes) {
    const std::string_view part(at, bytes);
    at += in_words(bytes);
    return part;
  };
  Record record{take(head.name_bytes), take(head.definition_bytes), take(head.imports_bytes), {}};
  if (head.layer_bytes > 0) {
    const size_t begin = align_up(static_cast<size_t>(at - view_), page_bytes());
    record.layer = {view_ + begin, reader_.get(), begin};
  }
  return record;
}

size_t LayerStore::index_of(std::string_view name) const {
  const uint64_t hash = std::hash<std::string_view>{}(name);
  for (size_t i = hash % most_slots;; i = (i + 1) % most_slots)
    if (const Slot &slot = slots_[i];
        slot.offset == 0 || (slot.hash == hash && record_at(slot.offset).name == name))
      return i;
}

bool LayerStore::find(std::string_view name, Record &record) const {
  const Slot &slot = slots_[index_of(name)];
  if (slot.offset == 0)
    return false;
  record = record_at(slot.offset);
  return true;
}

} // namespace lethe
