// SPDX-License-Identifier: Apache-2.0
// The words of a JavaScript source, found without a parser: those in strings and comments, too.
#pragma once

#include <string_view>

namespace lethe {

inline bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<signed char>(c) < 0;
}

template <typename Visit> void for_each_word(std::string_view source, Visit visit) {
  for (size_t i = 0; i < source.size();) {
    if (!is_word_character(source[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < source.size() && is_word_character(source[end]))
      ++end;
    visit(source.substr(i, end - i));
    i = end;
  }
}

} // namespace lethe
