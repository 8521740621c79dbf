// SPDX-License-Identifier: Apache-2.0
// Structured cloning of each kind of built-in object.
#include "daemon/engine/engine.h"
#include "daemon/engine/v8_compat.h"
#include "daemon/natives/cloner.h"
#include "daemon/natives/native_bytes.h"

#include <algorithm>
#include <string_view>

namespace lethe {
namespace {

// A view of the kind that `source` is, on another buffer, shared or not.
template <typename Buffer>
v8::Local<v8::Object> view_on(v8::Local<v8::ArrayBufferView> source, v8::Local<Buffer> buffer) {
  const size_t offset = source->ByteOffset();
  if (source->IsDataView())
    return v8::DataView::New(buffer, offset, source->ByteLength());
  const size_t length = source.As<v8::TypedArray>()->Length();
#define LETHE_IF_IT_IS(Type)                                                                       \
  if (source->Is##Type())                                                                          \
    return v8::Type::New(buffer, offset, length);
  LETHE_IF_IT_IS(Uint8ClampedArray)
  LETHE_IF_IT_IS(Int8Array)
  LETHE_IF_IT_IS(Uint16Array)
  LETHE_IF_IT_IS(Int16Array)
  LETHE_IF_IT_IS(Uint32Array)
  LETHE_IF_IT_IS(Int32Array)
  LETHE_IF_IT_IS(Float32Array)
  LETHE_IF_IT_IS(Float64Array)
  LETHE_IF_IT_IS(BigInt64Array)
  LETHE_IF_IT_IS(BigUint64Array)
#if V8_MAJOR_VERSION >= 13
  LETHE_IF_IT_IS(Float16Array)
#endif
#undef LETHE_IF_IT_IS
  return v8::Uint8Array::New(buffer, offset, length);
}

} // namespace

// The value of an own property that is no accessor; undefined, too, if there is none.
bool Cloner::own_data(v8::Local<v8::Object> source, const char *property,
                      v8::Local<v8::Value> &value) {
  const auto key = name(property);
  v8::Local<v8::Value> descriptor;
  bool has_value = false;
  value = v8::Undefined(isolate_);
  if (!source->GetOwnPropertyDescriptor(context_, key).ToLocal(&descriptor))
    return false;
  if (!descriptor->IsObject())
    return true;
  const auto object = descriptor.As<v8::Object>();
  if (!object->HasOwnProperty(context_, name("value")).To(&has_value))
    return false;
  return !has_value || object->Get(context_, name("value")).ToLocal(&value);
}

v8::MaybeLocal<v8::Object> Cloner::begin_error(v8::Local<v8::Object> source) {
  v8::Local<v8::Value> type, message, cause, stack = v8::Undefined(isolate_);
  if (!source->Get(context_, name("name")).ToLocal(&type) ||
      !own_data(source, "message", message) || !own_data(source, "cause", cause))
    return {};
  auto text = v8::String::Empty(isolate_);
  if (!message->IsUndefined() && !message->ToString(context_).ToLocal(&text))
    return {};
  bool has_cause = false, has_stack = false;
  if (!source->HasOwnProperty(context_, name("cause")).To(&has_cause) ||
      !source->HasOwnProperty(context_, name("stack")).To(&has_stack) ||
      (has_stack && !source->Get(context_, name("stack")).ToLocal(&stack)))
    return {};
  const std::string kind = type->IsString() ? to_text(isolate_, type.As<v8::String>()) : "";
  const auto error = kind == "RangeError"       ? v8::Exception::RangeError(text)
                     : kind == "ReferenceError" ? v8::Exception::ReferenceError(text)
                     : kind == "SyntaxError"    ? v8::Exception::SyntaxError(text)
                     : kind == "TypeError"      ? v8::Exception::TypeError(text)
                                                : v8::Exception::Error(text);
  const auto target = error.As<v8::Object>();
  v8::Local<v8::Value> prototype;
  for (uint32_t i = 0; i < 2; ++i)
    if (kind == (i == 0 ? "EvalError" : "URIError") &&
        (!error_prototypes_->Get(context_, i).ToLocal(&prototype) ||
         !v8_compat::set_prototype(context_, target, prototype)))
      return {};
  if (message->IsUndefined() && !target->Delete(context_, name("message")).FromMaybe(false))
    return {};
  if (stack->IsString() &&
      !target->DefineOwnProperty(context_, name("stack"), stack, v8::DontEnum).FromMaybe(false))
    return {};
  if (has_cause)
    frames_.push_back({Kind::cause, source, target, v8::Array::New(isolate_, &cause, 1), 0, 1, {}});
  return target;
}

// What has no contents, or contents that begin() looks after. The rest can't be cloned.
v8::MaybeLocal<v8::Object> Cloner::begin_other(v8::Local<v8::Object> source) {
  if (source->IsDate()) {
    v8::Local<v8::Value> date;
    return v8::Date::New(context_, source.As<v8::Date>()->ValueOf()).ToLocal(&date)
               ? date.As<v8::Object>()
               : v8::MaybeLocal<v8::Object>();
  }
  if (source->IsMap())
    return v8::Map::New(isolate_).As<v8::Object>();
  if (source->IsSet())
    return v8::Set::New(isolate_).As<v8::Object>();
  if (source->IsRegExp()) {
    v8::Local<v8::RegExp> expression;
    const auto original = source.As<v8::RegExp>();
    return v8::RegExp::New(context_, original->GetSource(), original->GetFlags())
                   .ToLocal(&expression)
               ? expression.As<v8::Object>()
               : v8::MaybeLocal<v8::Object>();
  }
  if (source->IsArrayBuffer())
    return copy_buffer(source.As<v8::ArrayBuffer>());
  if (source->IsSharedArrayBuffer())
    return v8::SharedArrayBuffer::New(isolate_,
                                      source.As<v8::SharedArrayBuffer>()->GetBackingStore())
        .As<v8::Object>();
  if (source->IsBooleanObject())
    return v8::BooleanObject::New(isolate_, source.As<v8::BooleanObject>()->ValueOf())
        .As<v8::Object>();
  if (source->IsNumberObject())
    return v8::NumberObject::New(isolate_, source.As<v8::NumberObject>()->ValueOf())
        .As<v8::Object>();
  if (source->IsStringObject())
    return v8::StringObject::New(isolate_, source.As<v8::StringObject>()->ValueOf())
        .As<v8::Object>();
  if (source->IsBigIntObject()) // V8 has no function for it that takes a BigInt
    return source.As<v8::BigIntObject>()->ValueOf()->ToObject(context_);
  if (source->IsWasmModuleObject()) {
    v8::Local<v8::WasmModuleObject> module;
    return v8::WasmModuleObject::FromCompiledModule(
               isolate_, source.As<v8::WasmModuleObject>()->GetCompiledModule())
                   .ToLocal(&module)
               ? module.As<v8::Object>()
               : v8::MaybeLocal<v8::Object>();
  }
  return refuse_object(source);
}

v8::MaybeLocal<v8::Object> Cloner::copy_buffer(v8::Local<v8::ArrayBuffer> source) {
  if (source->WasDetached()) {
    refuse("an ArrayBuffer that is detached could not be cloned");
    return {};
  }
  v8::Local<v8::ArrayBuffer> target;
#if V8_MAJOR_VERSION >= 11
  const auto store = source->GetBackingStore();
  if (store->IsResizableByUserJavaScript()) {
    target = v8::ArrayBuffer::New(isolate_, v8::ArrayBuffer::NewResizableBackingStore(
                                                store->ByteLength(), store->MaxByteLength()));
    std::ranges::copy(bytes_of(source), bytes_of(target).begin());
    return target.As<v8::Object>();
  }
#endif
  return new_buffer(isolate_, bytes_of(source)).ToLocal(&target) ? target.As<v8::Object>()
                                                                 : v8::MaybeLocal<v8::Object>();
}

// With a clone of the whole buffer, which other views may share.
v8::MaybeLocal<v8::Object> Cloner::copy_view(v8::Local<v8::ArrayBufferView> source) {
  v8::Local<v8::Value> buffer;
  if (!clone_value(source->Buffer(), buffer))
    return {};
  const auto target = buffer->IsSharedArrayBuffer()
                          ? view_on(source, buffer.As<v8::SharedArrayBuffer>())
                          : view_on(source, buffer.As<v8::ArrayBuffer>());
  memory_.add(source, target);
  return target;
}

} // namespace lethe
