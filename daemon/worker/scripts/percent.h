// SPDX-License-Identifier: Apache-2.0
// Percent-encoding, as URLs have it.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace lethe {

// What is no escape stays as it is.
inline std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char *const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

} // namespace lethe
