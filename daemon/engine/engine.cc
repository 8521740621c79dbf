// SPDX-License-Identifier: Apache-2.0
// V8's flags, start, and small things about strings.
#include "daemon/engine/engine.h"
#include "daemon/engine/globals.h"
#include "daemon/engine/v8_mappings.h"
#include "ipc/invariant.h"

namespace lethe {
namespace {

v8::Local<v8::String> new_string(v8::Isolate *isolate, std::string_view text,
                                 v8::NewStringType type) {
  return v8::String::NewFromUtf8(isolate, text.data(), type, static_cast<int>(text.size()))
      .ToLocalChecked();
}

} // namespace

const std::string &v8_flags() {
  // single-threaded: a forked process has one thread only, and a rewind can't put a second one
  // back. no-flush-bytecode: what a warm-up compiled must still be there for the first request.
  static const std::string flags = [] {
    std::string all = "--single-threaded --no-flush-bytecode";
    for (const char *flag :
         {v8_compat::no_protection_keys, v8_compat::module_flags, v8_compat::marking_flags})
      all.append(" ").append(flag);
    return all;
  }();
  return flags;
}

void start_v8(Arena &pages, const char *other_flags) {
  v8::V8::SetFlagsFromString(v8_flags().c_str(), v8_flags().size());
  v8::V8::SetFlagsFromString(other_flags);
  lead_mappings_to(pages);
  process_globals.platform = new SingleThreadPlatform(pages);
  v8::V8::InitializePlatform(process_globals.platform);
  v8::V8::Initialize();
}

void make_baseline_code(bool on) {
  v8::V8::SetFlagsFromString(on ? "--sparkplug" : "--no-sparkplug");
}

SingleThreadPlatform &platform() { return *process_globals.platform; }

v8::Isolate *new_isolate(v8::StartupData &snapshot, const intptr_t *external_references,
                         v8::ArrayBuffer::Allocator *allocator, size_t heap_bytes) {
  v8::Isolate::CreateParams parameters;
  parameters.snapshot_blob = &snapshot;
  parameters.external_references = external_references;
  parameters.array_buffer_allocator = allocator;
  // The sizes of the young generation that suit it; the limit itself is the old generation's.
  parameters.constraints.ConfigureDefaultsFromHeapSize(0, heap_bytes);
  parameters.constraints.set_max_old_generation_size_in_bytes(heap_bytes);
  v8_compat::limit_code(parameters.constraints);
  v8::Isolate *isolate = v8::Isolate::New(parameters);
  isolate->SetMicrotasksPolicy(v8::MicrotasksPolicy::kExplicit);
  isolate->SetCaptureStackTraceForUncaughtExceptions(false);
  return isolate;
}

v8::Local<v8::Value> evaluate(v8::Local<v8::Context> context, std::string_view source) {
  v8::Local<v8::Script> script;
  v8::Local<v8::Value> value;
  const bool ran =
      v8::Script::Compile(context, to_string(context->GetIsolate(), source)).ToLocal(&script) &&
      script->Run(context).ToLocal(&value);
  invariant(ran, "source of ours runs");
  return value;
}

v8::Local<v8::String> to_string(v8::Isolate *isolate, std::string_view text) {
  return new_string(isolate, text, v8::NewStringType::kNormal);
}

v8::Local<v8::String> to_name(v8::Isolate *isolate, std::string_view text) {
  return new_string(isolate, text, v8::NewStringType::kInternalized);
}

std::string to_text(v8::Isolate *isolate, v8::Local<v8::String> string) {
  std::string text(v8_compat::utf8_length(isolate, string), '\0');
  text.resize(v8_compat::write_utf8(isolate, string, text.data(), text.size()));
  return text;
}

} // namespace lethe
