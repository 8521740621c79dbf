// SPDX-License-Identifier: Apache-2.0
// Making, finding and freeing zlib's states.
#include "daemon/natives/codecs.h"

#include <algorithm>

namespace lethe {
namespace {

// What zlib takes (zconf.h: 256 kB and 32 kB, and a few for small objects), and more for versions
// that are generous. Pages that stay unused cost nothing.
constexpr size_t compressor_bytes = size_t{384} << 10, decompressor_bytes = size_t{96} << 10;
// Of one step: a compressor takes some 2 ms for it. Deadlines are looked at between steps.
constexpr size_t most_input_bytes = size_t{64} << 10;

// The objects' only internal field.
constexpr int entry_field = 0;

} // namespace

Codec::~Codec() {
  if (block_.empty())
    return;
  isolate_->GetArrayBufferAllocator()->Free(block_.data(), block_.size());
  isolate_->AdjustAmountOfExternalAllocatedMemory(-static_cast<int64_t>(block_.size()));
}

bool Codec::begin(int window_bits) {
  const size_t bytes = direction_ == Direction::decompress ? decompressor_bytes : compressor_bytes;
  v8::ArrayBuffer::Allocator &allocator = *isolate_->GetArrayBufferAllocator();
  void *data = allocator.Allocate(bytes);
  if (!data) { // as V8 does for array buffers of a script's
    isolate_->LowMemoryNotification();
    data = allocator.Allocate(bytes);
  }
  if (!data)
    return false;
  block_ = {static_cast<unsigned char *>(data), bytes};
  // So that V8 looks for garbage in time, as it does for array buffers.
  isolate_->AdjustAmountOfExternalAllocatedMemory(static_cast<int64_t>(bytes));
  stream_.zalloc = allocate;
  stream_.zfree = free_nothing;
  stream_.opaque = this;
  constexpr int memory_level = 8; // zlib's default
  return (direction_ == Direction::decompress
              ? inflateInit2(&stream_, window_bits)
              : deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, memory_level,
                             Z_DEFAULT_STRATEGY)) == Z_OK;
}

void *Codec::allocate(void *codec, unsigned count, unsigned bytes) {
  auto &self = *static_cast<Codec *>(codec);
  const size_t size = (size_t{count} * bytes + 15) / 16 * 16;
  if (size > self.block_.size() - self.used_bytes_)
    return nullptr;
  self.used_bytes_ += size;
  return self.block_.data() + self.used_bytes_ - size;
}

Codec::Step Codec::step(std::span<const unsigned char> input, bool is_last,
                        std::span<unsigned char> output) {
  const auto given = static_cast<unsigned>(std::min(input.size(), most_input_bytes));
  stream_.next_in = const_cast<unsigned char *>(input.data());
  stream_.avail_in = given;
  stream_.next_out = output.data();
  stream_.avail_out = static_cast<unsigned>(output.size());
  const bool is_end = is_last && given == input.size();
  const int status = direction_ == Direction::decompress
                         ? inflate(&stream_, Z_NO_FLUSH)
                         : deflate(&stream_, is_end ? Z_FINISH : Z_NO_FLUSH);
  // Z_BUF_ERROR: there was nothing to do, which is no mistake.
  return {given - stream_.avail_in, output.size() - stream_.avail_out, status == Z_STREAM_END,
          status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR};
}

// --- of an isolate -----------------------------------------------------------------------------

Codecs::Codecs(v8::Isolate *isolate) : isolate_(isolate) {
  const auto made = v8::FunctionTemplate::New(isolate);
  made->InstanceTemplate()->SetInternalFieldCount(entry_field + 1);
  class_.Reset(isolate, made);
  set_slot(isolate, IsolateSlot::codecs, this);
}

v8::MaybeLocal<v8::Object> Codecs::make(v8::Local<v8::Context> context, Codec::Direction direction,
                                        int window_bits) {
  v8::Local<v8::Object> object;
  if (!class_.Get(isolate_)->InstanceTemplate()->NewInstance(context).ToLocal(&object))
    return {};
  entries_.emplace_front(*this, isolate_, direction);
  Entry &entry = entries_.front();
  entry.self = entries_.begin();
  if (!entry.codec.begin(window_bits)) {
    entries_.pop_front();
    isolate_->ThrowException(v8::Exception::RangeError(
        v8::String::NewFromUtf8Literal(isolate_, "there is no memory for a compression stream")));
    return {};
  }
  object->SetAlignedPointerInInternalField(entry_field, &entry);
  entry.object.Reset(isolate_, object);
  // Called in the midst of a collection, where V8 lets nothing be done but this.
  entry.object.SetWeak(
      &entry,
      [](const v8::WeakCallbackInfo<Entry> &info) {
        Entry &garbage = *info.GetParameter();
        garbage.object.Reset();
        garbage.owner.release(garbage);
      },
      v8::WeakCallbackType::kParameter);
  return object;
}

// An object that came with a startup snapshot is of another process's class.
Codecs::Entry *Codecs::entry(v8::Local<v8::Value> object) const {
  if (!class_.Get(isolate_)->HasInstance(object))
    return nullptr;
  return static_cast<Entry *>(
      object.As<v8::Object>()->GetAlignedPointerFromInternalField(entry_field));
}

Codec *Codecs::find(v8::Local<v8::Value> object) const {
  Entry *const found = entry(object);
  return found ? &found->codec : nullptr;
}

void Codecs::release(v8::Local<v8::Value> object) {
  if (Entry *const found = entry(object))
    release(*found);
}

void Codecs::release_all() {
  while (!entries_.empty())
    release(entries_.front());
}

void Codecs::release(Entry &entry) {
  if (!entry.object.IsEmpty()) {
    const v8::HandleScope handles(isolate_);
    entry.object.Get(isolate_)->SetAlignedPointerInInternalField(entry_field, nullptr);
  }
  entries_.erase(entry.self);
}

} // namespace lethe
