// SPDX-License-Identifier: Apache-2.0
// The text of the prelude: the JavaScript that every script finds.
#pragma once

#include <span>
#include <string_view>

namespace lethe {

// A file of snapshot/prelude: an expression that gives a function, to be called with the native
// functions.
struct PreludeFile {
  std::string_view name; // "lethe:console.js"
  std::string_view text;
};

std::span<const PreludeFile> prelude_files();

} // namespace lethe
