// SPDX-License-Identifier: Apache-2.0
// Bytes that go into native functions, and those that come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <v8.h>

namespace lethe {

// The bytes of an ArrayBuffer, shared or not, or of a view on one; of anything else, or once it is
// detached: none. Valid until JavaScript runs again. A small typed array lives in V8's heap: its
// bytes are copied here, as asking for its buffer would move them out of there for good.
class NativeBytes {
public:
  explicit NativeBytes(v8::Local<v8::Value> value);
  NativeBytes(const NativeBytes &) = delete;
  NativeBytes &operator=(const NativeBytes &) = delete;

  // Never a null pointer, as some libraries take that for something else than no bytes.
  std::span<const unsigned char> span() const { return {data_, size_}; }
  const unsigned char *data() const { return data_; }
  size_t size() const { return size_; }

private:
  unsigned char copy_[64] = {};
  const unsigned char *data_ = copy_;
  size_t size_ = 0;
};

// The same, to be written to.
std::span<unsigned char> writable_bytes(v8::Local<v8::Value> value);

// A new ArrayBuffer whose bytes are zero. Empty with a pending RangeError if there is no memory for
// it; V8's own functions end the process then.
v8::MaybeLocal<v8::ArrayBuffer> new_buffer(v8::Isolate *isolate, size_t bytes);
v8::MaybeLocal<v8::ArrayBuffer> new_buffer(v8::Isolate *isolate,
                                           std::span<const unsigned char> content);
std::span<unsigned char> bytes_of(v8::Local<v8::ArrayBuffer> buffer);

// A native function's result: a new ArrayBuffer with this content.
void return_bytes(const v8::FunctionCallbackInfo<v8::Value> &arguments,
                  std::span<const unsigned char> content);

// An argument that is a whole number below 2^32, else 0.
uint32_t number_argument(const v8::FunctionCallbackInfo<v8::Value> &arguments, int index);

} // namespace lethe
