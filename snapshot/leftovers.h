// SPDX-License-Identifier: Apache-2.0
// What preload files leave behind that needs care before V8 stores it in a startup snapshot.
#pragma once

#include <string>
#include <v8.h>
#include <vector>

namespace lethe {

// Looks at all objects that are reached from these global names (properties of the global object, and top-level `const` and
// `let`) by properties that are no accessors, and by entries of Map and Set.
//
// V8 stores errors without their stacks: each that has one has it as an ordinary property afterwards. That may call a
// function that a script gave V8 (Error.prepareStackTrace).
//
// Returns what V8 can't store at all, objects of Intl for instance: "formatter (Intl.DateTimeFormat)". Empty: there
// is no such thing, or it is hidden in a function.
std::string care_for_leftovers(v8::Local<v8::Context> context,
                               const std::vector<std::string> &names);

} // namespace lethe
