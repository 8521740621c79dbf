// SPDX-License-Identifier: Apache-2.0
// A queue of bytes in one piece: written at the end, read at the front. Also a stream for
// msgpack::packer.
#pragma once

#include "ipc/invariant.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace lethe {

// Memory grows by doubling and is kept until shrink(), so that a busy connection does not allocate.
// Pointers and views into it are valid until the next call that isn't const.
class Buffer {
public:
  Buffer() = default;
  Buffer(Buffer &&) = default;
  Buffer &operator=(Buffer &&) = default;

  const char *data() const { return storage_.get() + begin_; }
  char *data() { return storage_.get() + begin_; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  // Memory that it keeps for what it holds; what an empty one keeps is there for the next.
  size_t held_bytes() const { return empty() ? 0 : capacity_; }
  size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data(), size()}; }

  // Makes room for `bytes` and returns where they go; say afterwards with commit() how many there
  // are.
  char *reserve(size_t bytes) {
    if (capacity_ - end_ < bytes)
      make_room(bytes);
    return storage_.get() + end_;
  }
  void commit(size_t bytes) {
    invariant(bytes <= writable(), "a buffer is written where it has room", {"bytes", bytes},
              {"writable", writable()});
    end_ += bytes;
  }
  size_t writable() const { return capacity_ - end_; }

  void write(const char *bytes, size_t count) {
    if (count == 0)
      return;
    std::memcpy(reserve(count), bytes, count);
    end_ += count;
  }
  void append(std::string_view bytes) { write(bytes.data(), bytes.size()); }

  // Takes `bytes` (at most size()) off the front.
  void consume(size_t bytes) {
    invariant(bytes <= size(), "no more is taken from a buffer than it holds", {"bytes", bytes},
              {"size", size()});
    begin_ += bytes;
    if (begin_ == end_)
      begin_ = end_ = 0;
  }
  // Keeps the first `bytes` (at most size()).
  void truncate(size_t bytes) {
    invariant(bytes <= size(), "a buffer is cut to what it holds", {"bytes", bytes},
              {"size", size()});
    end_ = begin_ + bytes;
  }
  void clear() { begin_ = end_ = 0; }

  // Gives memory beyond `keep_bytes` back if the buffer is empty.
  void shrink(size_t keep_bytes) {
    if (empty() && capacity_ > keep_bytes) {
      storage_.reset();
      capacity_ = begin_ = end_ = 0;
    }
  }

private:
  void make_room(size_t bytes);

  std::unique_ptr<char[]> storage_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

} // namespace lethe
