// SPDX-License-Identifier: Apache-2.0
// The guess, and the options that take its place.
#include "client/command/commonjs.h"

#include <iostream>

namespace lethe::command {

bool looks_like_commonjs(std::string_view source) {
  for (const std::string_view word : {"module.exports", "exports."})
    for (size_t at = source.find(word); at != source.npos; at = source.find(word, at + 1)) {
      const char before = at == 0 ? '\n' : source[at - 1];
      if (before == '\n' || before == ';')
        return true;
    }
  return false;
}

void CommonjsChoice::add_to(CLI::App &command) {
  command.add_flag("--commonjs", is_commonjs,
                   "It is CommonJS: what its module.exports holds can be called. Guessed by a "
                   "statement that begins with module.exports or exports.");
  command.add_flag("--no-commonjs", is_not, "It is not, whatever it looks like")
      ->excludes("--commonjs");
}

bool CommonjsChoice::decide(const std::string &file, std::string_view source,
                            bool is_module) const {
  if (is_commonjs || is_not || is_module)
    return is_commonjs;
  if (file.ends_with(".cjs"))
    return true;
  if (!looks_like_commonjs(source))
    return false;
  std::cerr << "lethe: " << file << " looks like CommonJS and is taken so; --no-commonjs if it is "
            << "not\n";
  return true;
}

} // namespace lethe::command
