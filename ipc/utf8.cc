// SPDX-License-Identifier: Apache-2.0
// The table of well-formed sequences.
#include "ipc/utf8.h"

#include <cstdint>
#include <cstring>

namespace lethe {

size_t utf8_character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) -> uint8_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
  };
  const auto continues = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0), second = byte(1);
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0,
               surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90, beyond = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

std::string_view utf8_beginning(std::string_view text, size_t most_bytes) {
  if (text.size() <= most_bytes)
    return text;
  while (most_bytes > 0 && (static_cast<uint8_t>(text[most_bytes]) & 0xc0) == 0x80)
    --most_bytes;
  return text.substr(0, most_bytes);
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\ufeff";
  if (text.starts_with(mark))
    text.remove_prefix(mark.size());
  return text;
}

bool is_utf8(std::string_view text) {
  constexpr uint64_t beyond_ascii = 0x8080'8080'8080'8080;
  while (!text.empty()) {
    uint64_t eight = beyond_ascii;
    if (text.size() >= sizeof eight)
      std::memcpy(&eight, text.data(), sizeof eight);
    const size_t bytes = (eight & beyond_ascii) == 0 ? sizeof eight : utf8_character_bytes(text);
    if (bytes == 0)
      return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string with_replacements(std::string_view text) {
  std::string whole;
  while (!text.empty()) {
    const size_t bytes = utf8_character_bytes(text);
    whole += bytes > 0 ? text.substr(0, bytes) : "\ufffd";
    text.remove_prefix(bytes > 0 ? bytes : 1);
  }
  return whole;
}

} // namespace lethe
