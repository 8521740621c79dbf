// SPDX-License-Identifier: Apache-2.0
// The text of the prelude: the JavaScript that every script finds.
#pragma once

#include <span>
#include <string_view>

namespace lethe {

// A file of snapshot/prelude, evaluated when the startup snapshot is built: an expression that
// gives a function, to be called with the native functions and `require` (see prelude_groups.h).
struct PreludeFile {
  std::string_view name; // "lethe:console.js"
  std::string_view text;
};

std::span<const PreludeFile> prelude_files();

// A file of snapshot/prelude/groups, bundled with what it imports: an expression that gives a
// function, to be called with `require`, the exports, the module, the native functions, and what
// the group "intrinsics" exports.
struct PreludeGroup {
  std::string_view name; // "events"
  std::string_view text; // ASCII
};
std::span<const PreludeGroup> prelude_groups();

// A row of snapshot/prelude/globals.json: the exports of a group that are global names. Those of
// node_globals.json are so in the contexts of scripts that want them.
struct LazyGlobals {
  std::string_view group;
  std::string_view names; // with anything but letters between them
};
std::span<const LazyGlobals> lazy_globals();
std::span<const LazyGlobals> node_globals();

} // namespace lethe
