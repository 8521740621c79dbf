// SPDX-License-Identifier: Apache-2.0
// The prelude's lazy groups: functions in the startup snapshot that run in a context when one of
// their global names is first used there. So their code is shared by all contexts, and what they
// make costs a context only that needs it.
#pragma once

#include <span>
#include <string_view>
#include <v8.h>

namespace lethe {

// In lethe-snapshot: compiles all groups and makes their names lazy properties of the global
// object. Returns the function `require` for the prelude's eager files.
v8::Local<v8::Function> define_groups(v8::Local<v8::Context> context,
                                      v8::Local<v8::Object> natives);

// Adds what a script with the option node_globals finds besides.
void define_node_globals(v8::Local<v8::Context> context);

// Uses each global name of a group that is a word of `source`, so that no request pays for the
// first use. A group's export `warmUp` is called then: V8 makes room for what it learns about a
// function in its first calls, which each request would do again. The context must be entered. An
// error is left to the script that then meets it.
void touch_globals(v8::Local<v8::Context> context, std::string_view source);

// What a group exports, for what is not a script's to call; runs it if that was not done in this
// context. Empty with a pending exception: it was stopped, or had no memory.
v8::MaybeLocal<v8::Object> prelude_group(v8::Local<v8::Context> context, std::string_view name);

// What a snapshot refers to because of them.
std::span<const intptr_t> group_references();

} // namespace lethe
