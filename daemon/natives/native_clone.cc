// SPDX-License-Identifier: Apache-2.0
// For the prelude's structuredClone, and the groups whose classes it must know about.
#include "daemon/natives/cloner.h"
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/natives.h"

namespace lethe {
namespace {

using Arguments = const v8::FunctionCallbackInfo<v8::Value> &;

// clone(value, [buffer to be transferred, …], refuse(message), Object.keys,
// [EvalError's, URIError's prototype])
void clone(Arguments arguments) {
  if (!has_arguments<v8::Value, v8::Array, v8::Function, v8::Function, v8::Array>(arguments))
    return;
  const auto context = arguments.GetIsolate()->GetCurrentContext();
  Cloner cloner(context, arguments[2].As<v8::Function>(), arguments[3].As<v8::Function>(),
                arguments[4].As<v8::Array>());
  v8::Local<v8::Value> result;
  if (cloner.transfer(arguments[1].As<v8::Array>()) &&
      cloner.clone(arguments[0]).ToLocal(&result) && cloner.detach_transferred())
    arguments.GetReturnValue().Set(result);
}

// setPlatform(prototype, copy(object) or null): see Cloner::set_platform()
void set_platform(Arguments arguments) {
  if (!has_arguments<v8::Object>(arguments))
    return;
  (void)Cloner::set_platform(arguments.GetIsolate()->GetCurrentContext(),
                             arguments[0].As<v8::Object>(), arguments[1]);
}

constexpr NativeFunction functions[] = {{"clone", clone}, {"setPlatform", set_platform}};

} // namespace

const std::span<const NativeFunction> clone_natives = functions;

} // namespace lethe
