// SPDX-License-Identifier: Apache-2.0
// Bytes that stand in a text as a mark and a number of so many digits.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace lethe {

struct Escape {
  char mark;
  size_t digits;
  int base;
};
inline constexpr Escape percent_escape{'%', 2, 16}; // of URLs
inline constexpr Escape octal_escape{'\\', 3, 8};   // of paths in /proc/PID/mounts

// What is no escape stays as it is.
inline std::string unescaped(std::string_view text, const Escape &escape) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char *const digits = text.data() + i + 1;
    if (text[i] == escape.mark && i + escape.digits < text.size() &&
        std::from_chars(digits, digits + escape.digits, byte, escape.base).ptr ==
            digits + escape.digits) {
      plain += static_cast<char>(byte);
      i += escape.digits;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

} // namespace lethe
