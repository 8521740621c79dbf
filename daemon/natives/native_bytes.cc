// SPDX-License-Identifier: Apache-2.0
// Reaching into array buffers.
#include "daemon/natives/native_bytes.h"

#include <algorithm>
#include <memory>

namespace lethe {

NativeBytes::NativeBytes(v8::Local<v8::Value> value) {
  if (value->IsArrayBufferView()) {
    const auto view = value.As<v8::ArrayBufferView>();
    size_ = view->ByteLength();
    if (!view->HasBuffer() && size_ <= sizeof copy_) {
      view->CopyContents(copy_, sizeof copy_);
      return;
    }
  }
  const std::span<unsigned char> bytes = writable_bytes(value);
  size_ = bytes.size();
  if (size_ > 0)
    data_ = bytes.data();
}

std::span<unsigned char> writable_bytes(v8::Local<v8::Value> value) {
  if (value->IsArrayBuffer() || value->IsSharedArrayBuffer()) // one class in V8
    return bytes_of(value.As<v8::ArrayBuffer>());
  if (!value->IsArrayBufferView())
    return {};
  const auto view = value.As<v8::ArrayBufferView>();
  const size_t bytes = view->ByteLength();
  auto *const data = static_cast<unsigned char *>(view->Buffer()->Data());
  return bytes > 0 && data ? std::span(data + view->ByteOffset(), bytes)
                           : std::span<unsigned char>();
}

v8::MaybeLocal<v8::ArrayBuffer> new_buffer(v8::Isolate *isolate, size_t bytes) {
  v8::ArrayBuffer::Allocator *const allocator = isolate->GetArrayBufferAllocator();
  void *data = allocator->Allocate(bytes);
  if (!data) { // as V8 does for array buffers of a script's
    isolate->LowMemoryNotification();
    data = allocator->Allocate(bytes);
  }
  if (!data) {
    isolate->ThrowException(v8::Exception::RangeError(
        v8::String::NewFromUtf8Literal(isolate, "Array buffer allocation failed")));
    return {};
  }
  return v8::ArrayBuffer::New(isolate, v8::ArrayBuffer::NewBackingStore(
                                           data, bytes,
                                           [](void *store, size_t length, void *owner) {
                                             static_cast<v8::ArrayBuffer::Allocator *>(owner)->Free(
                                                 store, length);
                                           },
                                           allocator));
}

v8::MaybeLocal<v8::ArrayBuffer> new_buffer(v8::Isolate *isolate,
                                           std::span<const unsigned char> content) {
  v8::Local<v8::ArrayBuffer> buffer;
  if (!new_buffer(isolate, content.size()).ToLocal(&buffer))
    return {};
  std::ranges::copy(content, bytes_of(buffer).begin());
  return buffer;
}

std::span<unsigned char> bytes_of(v8::Local<v8::ArrayBuffer> buffer) {
  auto *const data = static_cast<unsigned char *>(buffer->Data());
  return data ? std::span(data, buffer->ByteLength()) : std::span<unsigned char>();
}

void return_bytes(const v8::FunctionCallbackInfo<v8::Value> &arguments,
                  std::span<const unsigned char> content) {
  v8::Local<v8::ArrayBuffer> buffer;
  if (new_buffer(arguments.GetIsolate(), content).ToLocal(&buffer))
    arguments.GetReturnValue().Set(buffer);
}

uint32_t number_argument(const v8::FunctionCallbackInfo<v8::Value> &arguments, int index) {
  return arguments[index]->IsUint32() ? arguments[index].As<v8::Uint32>()->Value() : 0;
}

} // namespace lethe
