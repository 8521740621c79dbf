// SPDX-License-Identifier: Apache-2.0
// What ArrayBuffer.prototype.transfer needs where V8 does not have it yet.
#include "daemon/engine/v8_compat.h"
#include "daemon/natives/natives.h"

namespace lethe {
namespace {

// detachArrayBuffer(buffer)
void detach_array_buffer(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  if (arguments[0]->IsArrayBuffer() && arguments[0].As<v8::ArrayBuffer>()->IsDetachable())
    v8_compat::detach(arguments[0].As<v8::ArrayBuffer>());
}

// transferArrayBuffer(buffer): a new one with its memory; the same one if it can't be detached.
void transfer_array_buffer(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  arguments.GetReturnValue().Set(arguments[0]);
  if (!arguments[0]->IsArrayBuffer() || !arguments[0].As<v8::ArrayBuffer>()->IsDetachable())
    return;
  const auto buffer = arguments[0].As<v8::ArrayBuffer>();
  auto memory = buffer->GetBackingStore();
  v8_compat::detach(buffer);
  arguments.GetReturnValue().Set(v8::ArrayBuffer::New(arguments.GetIsolate(), std::move(memory)));
}

constexpr NativeFunction functions[] = {{"detachArrayBuffer", detach_array_buffer},
                                        {"transferArrayBuffer", transfer_array_buffer}};

} // namespace

const std::span<const NativeFunction> array_buffer_natives = functions;

} // namespace lethe
