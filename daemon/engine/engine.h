// SPDX-License-Identifier: Apache-2.0
// Starting V8, the same way in lethe-zygote and lethe-snapshot: the flags are part of what a
// startup snapshot depends on.
#pragma once

#include "daemon/engine/memory/arena.h"
#include "daemon/engine/platform.h"

#include <string>
#include <string_view>

namespace lethe {

// V8's flags in one line.
const std::string &v8_flags();

// Once in a process. `pages` must outlive it. Other flags than v8_flags() must not change what a
// snapshot depends on.
void start_v8(Arena &pages, const char *other_flags = "");

// Whether V8 makes baseline code (Sparkplug) from now on. It does so for functions that were called a
// few times, in batches, and makes the pages with code writable meanwhile. That pays where they are
// called on; where each request begins at one checkpoint it would happen again in each of them. Not
// for an isolate without a compiler. Optimised code is made all the same.
void make_baseline_code(bool on);

// V8's platform, once started.
SingleThreadPlatform &platform();

// An isolate from a startup snapshot, whose bytes must outlive it, with `heap_bytes` for its heap.
// Promise reactions run when we say. `allocator` must outlive it.
v8::Isolate *new_isolate(v8::StartupData &snapshot, const intptr_t *external_references,
                         v8::ArrayBuffer::Allocator *allocator, size_t heap_bytes);

// Runs source of ours, which can't fail.
v8::Local<v8::Value> evaluate(v8::Local<v8::Context> context, std::string_view source);

// A string from UTF-8; what is not UTF-8 becomes U+FFFD. At most v8::String::kMaxLength bytes.
v8::Local<v8::String> to_string(v8::Isolate *isolate, std::string_view text);
// The same, for names: equal strings are one string.
v8::Local<v8::String> to_name(v8::Isolate *isolate, std::string_view text);
std::string to_text(v8::Isolate *isolate, v8::Local<v8::String> string);

} // namespace lethe
