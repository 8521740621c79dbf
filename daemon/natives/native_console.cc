// SPDX-License-Identifier: Apache-2.0
// What console must know of values and JavaScript can't tell: what they are, whatever they pretend,
// and what is in them, without running any code of the script's.
#include "daemon/engine/engine.h"
#include "daemon/natives/host.h"
#include "daemon/natives/native_arguments.h"
#include "daemon/natives/natives.h"
#include "ipc/clock.h"

#include <cstdio>

namespace lethe {
namespace {

using Arguments = v8::FunctionCallbackInfo<v8::Value>;

struct Kind {
  const char *name;
  bool (v8::Value::*is)() const;
};

// The first that fits is it. Proxies first: nothing may be asked of one.
constexpr Kind object_kinds[] = {{"Proxy", &v8::Value::IsProxy},
                                 {"TypedArray", &v8::Value::IsTypedArray},
                                 {"Map", &v8::Value::IsMap},
                                 {"Set", &v8::Value::IsSet},
                                 {"Promise", &v8::Value::IsPromise},
                                 {"Error", &v8::Value::IsNativeError},
                                 {"Date", &v8::Value::IsDate},
                                 {"RegExp", &v8::Value::IsRegExp},
                                 {"Map Iterator", &v8::Value::IsMapIterator},
                                 {"Set Iterator", &v8::Value::IsSetIterator},
                                 {"ArrayBuffer", &v8::Value::IsArrayBuffer},
                                 {"SharedArrayBuffer", &v8::Value::IsSharedArrayBuffer},
                                 {"DataView", &v8::Value::IsDataView},
                                 {"WeakMap", &v8::Value::IsWeakMap},
                                 {"WeakSet", &v8::Value::IsWeakSet},
                                 {"Module", &v8::Value::IsModuleNamespaceObject},
                                 {"Arguments", &v8::Value::IsArgumentsObject},
                                 {"Number", &v8::Value::IsNumberObject},
                                 {"String", &v8::Value::IsStringObject},
                                 {"Boolean", &v8::Value::IsBooleanObject},
                                 {"BigInt", &v8::Value::IsBigIntObject},
                                 {"Symbol", &v8::Value::IsSymbolObject}};

const char *kind_name(v8::Local<v8::Value> value) {
  if (value->IsFunction() && !value->IsProxy()) {
    if (value->IsGeneratorFunction())
      return value->IsAsyncFunction() ? "AsyncGeneratorFunction" : "GeneratorFunction";
    return value->IsAsyncFunction() ? "AsyncFunction" : "";
  }
  for (const Kind &kind : object_kinds)
    if (((**value).*kind.is)())
      return kind.name;
  return "";
}

// kindOf(value): which built-in it is; "" for ordinary objects, arrays, functions and primitives
void kind_of(const Arguments &arguments) {
  arguments.GetReturnValue().Set(to_name(arguments.GetIsolate(), kind_name(arguments[0])));
}

// proxyTarget(proxy): null if it is revoked
void proxy_target(const Arguments &arguments) {
  if (arguments[0]->IsProxy())
    arguments.GetReturnValue().Set(arguments[0].As<v8::Proxy>()->GetTarget());
}

void proxy_handler(const Arguments &arguments) {
  if (arguments[0]->IsProxy())
    arguments.GetReturnValue().Set(arguments[0].As<v8::Proxy>()->GetHandler());
}

// promiseState(promise): "pending", "fulfilled" or "rejected"
void promise_state(const Arguments &arguments) {
  if (!arguments[0]->IsPromise())
    return;
  constexpr const char *names[] = {"pending", "fulfilled", "rejected"};
  arguments.GetReturnValue().Set(
      to_name(arguments.GetIsolate(), names[arguments[0].As<v8::Promise>()->State()]));
}

// promiseResult(promise) of one that is settled: its value, or why it was rejected
void promise_result(const Arguments &arguments) {
  if (arguments[0]->IsPromise() && arguments[0].As<v8::Promise>()->State() != v8::Promise::kPending)
    arguments.GetReturnValue().Set(arguments[0].As<v8::Promise>()->Result());
}

// previewEntries(collection or iterator): what is in it; keys and values in turn where there are
// both
void preview_entries(const Arguments &arguments) {
  bool is_key_value = false;
  v8::Local<v8::Array> entries;
  if (arguments[0]->IsObject() &&
      arguments[0].As<v8::Object>()->PreviewEntries(&is_key_value).ToLocal(&entries))
    arguments.GetReturnValue().Set(entries);
}

// previewsPairs(collection or iterator): whether previewEntries gives keys and values
void previews_pairs(const Arguments &arguments) {
  bool is_key_value = false;
  v8::Local<v8::Array> entries;
  arguments.GetReturnValue().Set(
      arguments[0]->IsObject() &&
      arguments[0].As<v8::Object>()->PreviewEntries(&is_key_value).ToLocal(&entries) &&
      is_key_value);
}

// constructorName(object): the name of the class that V8 remembers
void constructor_name(const Arguments &arguments) {
  if (arguments[0]->IsObject())
    arguments.GetReturnValue().Set(arguments[0].As<v8::Object>()->GetConstructorName());
}

// ownNonIndexKeys(object, hidden ones, too): without the elements
void own_non_index_keys(const Arguments &arguments) {
  v8::Local<v8::Array> keys;
  if (arguments[0]->IsObject() &&
      arguments[0]
          .As<v8::Object>()
          ->GetPropertyNames(arguments.GetIsolate()->GetCurrentContext(),
                             v8::KeyCollectionMode::kOwnOnly,
                             arguments[1]->IsTrue() ? v8::ALL_PROPERTIES : v8::ONLY_ENUMERABLE,
                             v8::IndexFilter::kSkipIndices)
          .ToLocal(&keys))
    arguments.GetReturnValue().Set(keys);
}

// writeConsole(level, text)
void write_console(const Arguments &arguments) {
  if (!has_arguments<v8::String, v8::String>(arguments))
    return;
  v8::Isolate *isolate = arguments.GetIsolate();
  const std::string level = to_text(isolate, arguments[0].As<v8::String>());
  const auto text = arguments[1].As<v8::String>();
  if (Host *host = Host::of(isolate))
    host->console(level, text);
  else
    std::fprintf(stderr, "%s: %s\n", level.c_str(), to_text(isolate, text).c_str());
}

// monotonicMs(): of a clock that nobody sets
void monotonic_ms(const Arguments &arguments) {
  arguments.GetReturnValue().Set(static_cast<double>(platform().script_clock().read_ns()) /
                                 double{ns_per_ms});
}

constexpr NativeFunction functions[] = {{"kindOf", kind_of},
                                        {"proxyTarget", proxy_target},
                                        {"proxyHandler", proxy_handler},
                                        {"promiseState", promise_state},
                                        {"promiseResult", promise_result},
                                        {"previewEntries", preview_entries},
                                        {"previewsPairs", previews_pairs},
                                        {"constructorName", constructor_name},
                                        {"ownNonIndexKeys", own_non_index_keys},
                                        {"writeConsole", write_console},
                                        {"monotonicMs", monotonic_ms}};

} // namespace

const std::span<const NativeFunction> console_natives = functions;

} // namespace lethe
