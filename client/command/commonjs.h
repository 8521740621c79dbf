// SPDX-License-Identifier: Apache-2.0
// Which scripts are CommonJS.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace lethe::command {

// Is there a statement that begins with `module.exports` or `exports.`, at the beginning of a line
// or right after a semicolon? Scripts that also run elsewhere ask `typeof module` before, in the
// same statement or a block; bundles have their parts' indented, or with other names.
bool looks_like_commonjs(std::string_view source);

// --commonjs and --no-commonjs. Without them it is guessed.
struct CommonjsChoice {
  bool is_commonjs = false, is_not = false;

  void add_to(CLI::App &command);
  // Says on standard error what it has guessed; `file` is for that.
  bool decide(const std::string &file, std::string_view source, bool is_module) const;
};

} // namespace lethe::command
