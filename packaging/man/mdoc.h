// SPDX-License-Identifier: Apache-2.0
// Text for manual pages in mdoc.
#pragma once

#include <cctype>
#include <string>
#include <string_view>

namespace lethe {

// Text that mdoc takes literally. Lines must not begin with what looks like a macro.
inline std::string mdoc_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (const bool line_begins = result.empty() || result.back() == '\n';
        line_begins && (c == '.' || c == '\''))
      result += "\\&";
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
  }
  return result;
}

// A word as a macro's argument: one that is a macro's name itself is not called.
inline std::string mdoc_argument(std::string_view word) { return "\\&" + mdoc_text(word); }

inline std::string capitalised(std::string_view text) {
  std::string result(text);
  if (!result.empty())
    result[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(result[0])));
  return result;
}

} // namespace lethe
