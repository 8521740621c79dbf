// SPDX-License-Identifier: Apache-2.0
// zlib's state of each compression stream, where no JavaScript reaches: a script holds an object
// whose internal field says which state is meant.
#pragma once

#include "daemon/engine/globals.h"

#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <v8.h>
#include <zlib.h>

namespace lethe {

// What zlib keeps of one stream. Its memory is one block from the isolate's allocator of array
// buffers: the script's limit counts it.
class Codec {
public:
  enum class Direction : bool { compress, decompress };

  Codec(v8::Isolate *isolate, Direction direction) : isolate_(isolate), direction_(direction) {}
  ~Codec();
  Codec(const Codec &) = delete;
  Codec &operator=(const Codec &) = delete;

  // `window_bits` as zlib has them, which also choose the format. False: there is no memory.
  bool begin(int window_bits);

  struct Step {
    size_t consumed, produced;
    bool is_ended;  // all of the compressed data is there
    bool is_broken; // the input is not such data
  };
  // One call of zlib: takes of `input` what it gets done in a few milliseconds, and gives as much
  // as `output` has room for. `is_last`: nothing comes after this input.
  Step step(std::span<const unsigned char> input, bool is_last, std::span<unsigned char> output);

private:
  static void *allocate(void *codec, unsigned count, unsigned bytes);
  static void free_nothing(void *, void *) {} // all goes with the block

  v8::Isolate *isolate_;
  Direction direction_;
  std::span<unsigned char> block_;
  size_t used_bytes_ = 0;
  z_stream stream_{};
};

// All codecs of an isolate, in its data. An object's codec lives as long as the object, or until it
// is released.
//
// V8 calls for a codec whose object is garbage, by a weak handle. That needs no thought under
// `rewind`: codec, V8's heap and its table of handles are one image and go back together, so that
// neither a handle of a codec that is no more comes back, nor a codec without its handle.
class Codecs {
public:
  explicit Codecs(v8::Isolate *isolate);
  Codecs(const Codecs &) = delete;
  Codecs &operator=(const Codecs &) = delete;

  // Empty with a pending exception: there is no memory for it.
  v8::MaybeLocal<v8::Object> make(v8::Local<v8::Context> context, Codec::Direction direction,
                                  int window_bits);
  // Null: the object's codec was released, or it is no object of make(), in this process.
  Codec *find(v8::Local<v8::Value> object) const;
  void release(v8::Local<v8::Value> object);
  // Before a startup snapshot is made: what is behind the objects can't be stored.
  void release_all();

  static Codecs &of(v8::Isolate *isolate) {
    return *from_slot<Codecs>(isolate, IsolateSlot::codecs);
  }

private:
  struct Entry {
    Entry(Codecs &all, v8::Isolate *isolate, Codec::Direction direction)
        : owner(all), codec(isolate, direction) {}
    Codecs &owner;
    Codec codec;
    v8::Global<v8::Object> object; // weak
    std::list<Entry>::iterator self;
  };
  Entry *entry(v8::Local<v8::Value> object) const;
  void release(Entry &entry);

  v8::Isolate *isolate_;
  v8::Global<v8::FunctionTemplate> class_;
  std::list<Entry> entries_;
};

} // namespace lethe
