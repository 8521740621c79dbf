// SPDX-License-Identifier: Apache-2.0
// The words of a JavaScript source, found without a parser: those in strings and comments, too.
#pragma once

#include <algorithm>
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

// Would JavaScript take this for one name? Beyond ASCII every character counts as a letter but what
// JavaScript takes for white space or for the end of a line (ECMAScript, 12.2 and 12.3): what stands
// behind such a one would be code of its own. Reserved words count, too.
inline bool is_identifier(std::string_view text) {
  constexpr std::string_view spaces[] = {"\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
                                         "\u2003", "\u2004", "\u2005", "\u2006", "\u2007",
                                         "\u2008", "\u2009", "\u200a", "\u2028", "\u2029",
                                         "\u202f", "\u205f", "\u3000", "\ufeff"};
  const auto holds = [text](std::string_view space) { return text.find(space) != text.npos; };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         std::ranges::all_of(text, is_word_character) && std::ranges::none_of(spaces, holds);
}

} // namespace lethe
