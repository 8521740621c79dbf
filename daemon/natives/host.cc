// SPDX-License-Identifier: Apache-2.0
// Native functions: checks of arguments, then on to the Host.
#include "daemon/natives/host.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/v8_compat.h"
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/natives.h"
#include "ipc/messages.h"

#include <node_version.h>

namespace lethe {
namespace {

// call(name, [argument, …])
void call(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  Host *host = Host::of(isolate);
  if (!host) {
    isolate->ThrowException(v8::Exception::Error(
        to_string(isolate, "host.call: there is no client while scripts are loaded")));
    return;
  }
  if (!has_arguments<v8::String, v8::Array>(arguments))
    return;
  const auto name = arguments[0].As<v8::String>();
  if (v8_compat::utf8_length(isolate, name) > message::longest_call_name) {
    isolate->ThrowException(v8::Exception::TypeError(
        to_string(isolate, "host.call: the name has more than 255 bytes")));
    return;
  }
  v8::Local<v8::Promise> promise;
  if (host->call(isolate->GetCurrentContext(), name, arguments[1].As<v8::Array>())
          .ToLocal(&promise))
    arguments.GetReturnValue().Set(promise);
}

// version(): Lethe's
void version(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  arguments.GetReturnValue().Set(to_name(arguments.GetIsolate(), LETHE_VERSION));
}

// engineVersions(): [Node.js's, whose library V8 is from, V8's, the architecture as Node.js calls
// it]
void engine_versions(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
#if defined(__x86_64__)
  constexpr std::string_view architecture = "x64";
#elif defined(__aarch64__)
  constexpr std::string_view architecture = "arm64";
#else
  constexpr std::string_view architecture = "unknown";
#endif
  v8::Isolate *isolate = arguments.GetIsolate();
  v8::Local<v8::Value> texts[] = {to_name(isolate, NODE_VERSION),
                                  to_name(isolate, v8::V8::GetVersion()),
                                  to_name(isolate, architecture)};
  arguments.GetReturnValue().Set(v8::Array::New(isolate, texts, std::size(texts)));
}

constexpr NativeFunction functions[] = {
    {"call", call}, {"version", version}, {"engineVersions", engine_versions}};

} // namespace

const std::span<const NativeFunction> host_natives = functions;

} // namespace lethe
