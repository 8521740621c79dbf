// SPDX-License-Identifier: Apache-2.0
// Where V8 10.2, 11.3 and 13.6 differ. What only one file overrides or replaces stands there,
// behind the same V8_MAJOR_VERSION: the page allocator (arena), the platform, V8's own mappings
// (v8_mappings), the objects that are cloned (cloner_kinds).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <v8.h>

namespace lethe::v8_compat {

// Switches protection keys of code memory off: the arena does not know them.
#if V8_MAJOR_VERSION >= 12
inline constexpr const char *no_protection_keys = "--no-memory-protection-keys";
#else
inline constexpr const char *no_protection_keys = "--no-wasm-memory-protection-keys";
#endif

// From 12 on V8 makes the whole range for machine code writable as it starts, up to 512 MB: it
// counts as data in limits, though only touched pages cost memory. Enough for all that a script's
// heap can have compiled.
#if V8_MAJOR_VERSION >= 12
inline constexpr size_t writable_code_bytes = size_t{64} << 20;
inline void limit_code(v8::ResourceConstraints &constraints) {
  constraints.set_code_range_size_in_bytes(writable_code_bytes);
}
#else
inline constexpr size_t writable_code_bytes = 0;
inline void limit_code(v8::ResourceConstraints &) {}
#endif

// compile_module_eagerly() changes a flag while V8 runs; import attributes (`assert`, later `with`)
// are there without a flag from 11 on.
#if V8_MAJOR_VERSION >= 11
inline constexpr const char *module_flags = "--no-freeze-flags-after-init";
#else
inline constexpr const char *module_flags = "--harmony-import-assertions";
#endif

// A context from the startup snapshot. The marker of V8 10.2 takes a WeakMap that is only half read
// from the snapshot for a whole one, and crashes: there no collection may begin while a context is
// made, so the garbage of earlier ones is collected before, and marking does not go on in steps.
#if V8_MAJOR_VERSION >= 11
inline constexpr const char *marking_flags = "";
inline v8::Local<v8::Context> new_context(v8::Isolate *isolate) {
  return v8::Context::New(isolate);
}
#else
inline constexpr const char *marking_flags =
    "--no-incremental-marking --no-incremental-marking-task";
// Collects what there is, if that may be much: the heap, and what its objects hold outside of it.
inline void collect_before_context(v8::Isolate *isolate) {
  static size_t collected_bytes = SIZE_MAX; // at the last collection that is known of
  v8::HeapStatistics heap;
  const auto held_bytes = [&] {
    isolate->GetHeapStatistics(&heap);
    return heap.used_heap_size() +
           static_cast<size_t>(isolate->AdjustAmountOfExternalAllocatedMemory(0));
  };
  const size_t held = held_bytes();
  collected_bytes = std::min(collected_bytes, held);
  const size_t growth_bytes = std::min(size_t{16} << 20, heap.heap_size_limit() / 8);
  if (held - collected_bytes > growth_bytes) {
    isolate->MemoryPressureNotification(v8::MemoryPressureLevel::kCritical); // at once
    collected_bytes = held_bytes();
  }
}
inline v8::Local<v8::Context> new_context(v8::Isolate *isolate) {
  collect_before_context(isolate);
  isolate->SetRAILMode(v8::PERFORMANCE_LOAD); // the heap may grow beyond its present goal
  const auto context = v8::Context::New(isolate);
  isolate->SetRAILMode(v8::PERFORMANCE_ANIMATION);
  return context;
}
#endif

#if V8_MAJOR_VERSION >= 11
using OutOfMemoryDetails = const v8::OOMDetails &;
inline bool is_heap(OutOfMemoryDetails details) { return details.is_heap_oom; }
#else
using OutOfMemoryDetails = bool;
inline bool is_heap(OutOfMemoryDetails heap) { return heap; }
#endif

// Writes at most `capacity` bytes of UTF-8 without a final NUL, a lone surrogate as U+FFFD. Returns
// how many.
inline size_t write_utf8(v8::Isolate *isolate, v8::Local<v8::String> string, char *buffer,
                         size_t capacity) {
#if V8_MAJOR_VERSION >= 13
  return string->WriteUtf8V2(isolate, buffer, capacity,
                             v8::String::WriteFlags::kReplaceInvalidUtf8);
#else
  return static_cast<size_t>(
      string->WriteUtf8(isolate, buffer, static_cast<int>(capacity), nullptr,
                        v8::String::NO_NULL_TERMINATION | v8::String::REPLACE_INVALID_UTF8));
#endif
}

inline size_t utf8_length(v8::Isolate *isolate, v8::Local<v8::String> string) {
#if V8_MAJOR_VERSION >= 13
  return string->Utf8LengthV2(isolate);
#else
  return static_cast<size_t>(string->Utf8Length(isolate));
#endif
}

// The string's units from `start` on.
inline void write_two_byte(v8::Isolate *isolate, v8::Local<v8::String> string, uint16_t *buffer,
                           size_t start, size_t length) {
#if V8_MAJOR_VERSION >= 13
  string->WriteV2(isolate, static_cast<uint32_t>(start), static_cast<uint32_t>(length), buffer);
#else
  string->Write(isolate, buffer, static_cast<int>(start), static_cast<int>(length),
                v8::String::NO_NULL_TERMINATION);
#endif
}

// The same of one that IsOneByte().
inline void write_one_byte(v8::Isolate *isolate, v8::Local<v8::String> string,
                           unsigned char *buffer, size_t start, size_t length) {
#if V8_MAJOR_VERSION >= 13
  string->WriteOneByteV2(isolate, static_cast<uint32_t>(start), static_cast<uint32_t>(length),
                         buffer);
#else
  string->WriteOneByte(isolate, buffer, static_cast<int>(start), static_cast<int>(length),
                       v8::String::NO_NULL_TERMINATION);
#endif
}

inline v8::ScriptOrigin script_origin([[maybe_unused]] v8::Isolate *isolate,
                                      v8::Local<v8::String> name, bool is_module) {
#if V8_MAJOR_VERSION >= 12
  return v8::ScriptOrigin(name, 0, 0, false, -1, {}, false, false, is_module);
#else
  return v8::ScriptOrigin(isolate, name, 0, 0, false, -1, {}, false, false, is_module);
#endif
}

// As V8 has it in its heap: a small integer, or the address of an object, plus one.
inline v8::internal::Address tagged_word(v8::Local<v8::Data> thing) {
#if V8_MAJOR_VERSION >= 12
  return v8::internal::ValueHelper::ValueAsAddress(*thing);
#else
  return *reinterpret_cast<v8::internal::Address *>(*thing);
#endif
}

// Without the properties of V8's other kinds of objects: class instances are such ones, but neither
// built-in objects nor those of the embedder.
inline bool is_ordinary_object(v8::Local<v8::Object> object) {
  using v8::internal::Internals;
  return Internals::GetInstanceType(tagged_word(object)) == Internals::kJSObjectType;
}

inline v8::Local<v8::Value> prototype_of(v8::Local<v8::Object> object) {
#if V8_MAJOR_VERSION >= 13
  return object->GetPrototypeV2();
#else
  return object->GetPrototype();
#endif
}

inline bool set_prototype(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                          v8::Local<v8::Value> prototype) {
#if V8_MAJOR_VERSION >= 13
  return object->SetPrototypeV2(context, prototype).FromMaybe(false);
#else
  return object->SetPrototype(context, prototype).FromMaybe(false);
#endif
}

// Of a buffer that IsDetachable().
inline void detach(v8::Local<v8::ArrayBuffer> buffer) {
#if V8_MAJOR_VERSION >= 11
  (void)buffer->Detach({}).FromMaybe(false);
#else
  buffer->Detach();
#endif
}

// The object that has the property.
template <typename T> v8::Local<v8::Object> holder(const v8::PropertyCallbackInfo<T> &info) {
  return info.Holder();
}

// V8 takes modules lazily only, unless all it compiles is to be compiled whole: a function that is
// compiled at its first call would be so again after each rewind or fork.
inline v8::MaybeLocal<v8::Module> compile_module_eagerly(v8::Isolate *isolate,
                                                         v8::ScriptCompiler::Source *source) {
  v8::V8::SetFlagsFromString("--no-lazy");
  const auto module = v8::ScriptCompiler::CompileModule(isolate, source);
  v8::V8::SetFlagsFromString("--lazy");
  return module;
}

// [key, value, offset, …]
inline v8::Local<v8::FixedArray> import_attributes(v8::Local<v8::ModuleRequest> request) {
#if V8_MAJOR_VERSION >= 12
  return request->GetImportAttributes();
#else
  return request->GetImportAssertions();
#endif
}

// A module with one export.
inline v8::Local<v8::Module>
synthetic_module(v8::Isolate *isolate, v8::Local<v8::String> name,
                 v8::Local<v8::String> export_name,
                 v8::Module::SyntheticModuleEvaluationSteps evaluation) {
#if V8_MAJOR_VERSION >= 12
  const v8::Local<v8::String> names[] = {export_name};
  return v8::Module::CreateSyntheticModule(
      isolate, name, v8::MemorySpan<const v8::Local<v8::String>>(names, 1), evaluation);
#else
  return v8::Module::CreateSyntheticModule(isolate, name, {export_name}, evaluation);
#endif
}

// A session of V8's inspector. A template, so that only those who use it need its header.
template <typename Inspector>
auto connect(Inspector &inspector, int group, typename Inspector::Channel *channel) {
#if V8_MAJOR_VERSION >= 11
  return inspector.connect(group, channel, {}, Inspector::kFullyTrusted);
#else
  return inspector.connect(group, channel, {});
#endif
}

// The value that V8 keeps for what awaits until it goes on.
#if V8_MAJOR_VERSION >= 12
inline v8::Local<v8::Value> continuation(v8::Isolate *isolate) {
  return isolate->GetContinuationPreservedEmbedderData();
}
inline void set_continuation(v8::Isolate *isolate, v8::Local<v8::Value> value) {
  isolate->SetContinuationPreservedEmbedderData(value);
}
#else
inline v8::Local<v8::Value> continuation(v8::Isolate *isolate) {
  return isolate->GetCurrentContext()->GetContinuationPreservedEmbedderData();
}
inline void set_continuation(v8::Isolate *isolate, v8::Local<v8::Value> value) {
  isolate->GetCurrentContext()->SetContinuationPreservedEmbedderData(value);
}
#endif

// A creator around an isolate from Isolate::Allocate(); it disposes of the isolate at its end.
inline std::unique_ptr<v8::SnapshotCreator>
snapshot_creator(v8::Isolate *isolate, const intptr_t *external_references,
                 [[maybe_unused]] v8::ArrayBuffer::Allocator *allocator) {
#if V8_MAJOR_VERSION >= 12
  v8::Isolate::CreateParams parameters;
  parameters.external_references = external_references;
  parameters.array_buffer_allocator = allocator;
  limit_code(parameters.constraints);
  return std::make_unique<v8::SnapshotCreator>(isolate, parameters);
#else
  return std::make_unique<v8::SnapshotCreator>(isolate, external_references);
#endif
}

} // namespace lethe::v8_compat
