// SPDX-License-Identifier: Apache-2.0
// Flags of V8, its callbacks, and the globals that go.
#include "daemon/engine/surface.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/globals.h"
#include "daemon/engine/v8_compat.h"
#include "ipc/invariant.h"

namespace lethe {
namespace {

bool refuse_wasm(v8::Local<v8::Context>, v8::Local<v8::String>) { return false; }

void remove_global(v8::Local<v8::Context> context, std::string_view name) {
  const bool is_gone =
      context->Global()->Delete(context, to_name(context->GetIsolate(), name)).FromMaybe(false);
  invariant(is_gone, "a built-in global can be deleted");
}

v8::Local<v8::Object> member(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                             std::string_view name) {
  v8::Local<v8::Value> value;
  invariant(object->Get(context, to_name(context->GetIsolate(), name)).ToLocal(&value) &&
                value->IsObject(),
            "WebAssembly is there, as V8 has it");
  return value.As<v8::Object>();
}

// The getter `buffer` of a memory of WebAssembly, over the one that V8 has.
void buffer_unless_shared(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  v8::Local<v8::Value> buffer;
  if (!arguments.Data()
           .As<v8::Function>()
           ->Call(isolate->GetCurrentContext(), arguments.This(), 0, nullptr)
           .ToLocal(&buffer))
    return;
  if (buffer->IsSharedArrayBuffer())
    isolate->ThrowException(v8::Exception::TypeError(
        to_string(isolate, "there is no SharedArrayBuffer here: the pool has shared_memory = "
                           "false")));
  else
    arguments.GetReturnValue().Set(buffer);
}

// A module may define shared memories, too, and export them: whatever has made one, here is where a
// script would get at its buffer.
void guard_wasm_buffers(v8::Local<v8::Context> context) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto name = to_name(isolate, "buffer");
  const auto memory = member(context, member(context, context->Global(), "WebAssembly"), "Memory");
  const auto prototype = member(context, memory, "prototype");
  v8::Local<v8::Value> descriptor;
  v8::Local<v8::Function> guard;
  invariant(prototype->GetOwnPropertyDescriptor(context, name).ToLocal(&descriptor) &&
                descriptor->IsObject(),
            "memories of WebAssembly have a buffer");
  const auto getter = member(context, descriptor.As<v8::Object>(), "get");
  invariant(
      v8::Function::New(context, buffer_unless_shared, getter, 0, v8::ConstructorBehavior::kThrow)
          .ToLocal(&guard),
      "there is room for a function");
  guard->SetName(to_name(isolate, "get buffer"));
  prototype->SetAccessorProperty(name, guard);
}

} // namespace

const char *surface_flags(const Surface &surface) {
  return surface.jitless ? "--jitless --no-expose-wasm" : "";
}

void limit_surface(v8::Isolate *isolate, const Surface &surface) {
  process_globals.surface = new Surface(surface);
  if (surface.jitless || !surface.wasm)
    isolate->SetAllowWasmCodeGenerationCallback(refuse_wasm);
}

v8::Local<v8::Context> new_context(v8::Isolate *isolate) {
  const auto context = v8_compat::new_context(isolate);
  const Surface surface = process_globals.surface ? *process_globals.surface : Surface();
  const bool has_wasm = surface.wasm && !surface.jitless;
  const v8::Context::Scope scope(context);
  if (!has_wasm)
    remove_global(context, "WebAssembly");
  if (!surface.shared_memory) {
    remove_global(context, "SharedArrayBuffer");
    if (has_wasm)
      guard_wasm_buffers(context);
  }
  if (!surface.code_from_strings) {
    context->AllowCodeGenerationFromStrings(false);
    context->SetErrorMessageForCodeGenerationFromStrings(
        to_string(isolate, "no code is made of text here: the pool has code_from_strings = false"));
  }
  return context;
}

} // namespace lethe
