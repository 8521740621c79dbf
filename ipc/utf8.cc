// SPDX-License-Identifier: Apache-2.0
// The table of well-formed sequences.
#include "ipc/utf8.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace lethe {
namespace {

// `four` are the first bytes, zeros beyond the text's end, the first one in the lowest bits.
inline size_t character_bytes(uint32_t four) {
  if ((four & 0x80) == 0)
    return 1;
  // What would be a longer form than its character needs is none: c0 and c1; e0 with 80 to 9f; plane 0.
  if ((four & 0xc0e0) == 0x80c0)
    return (four & 0x1e) != 0 ? 2 : 0;
  if ((four & 0xc0c0f0) == 0x8080e0) {
    const uint32_t bits = four & 0x200f; // ed with a0 to bf is a surrogate
    return bits != 0 && bits != 0x200d ? 3 : 0;
  }
  if ((four & 0xc0c0c0f8) == 0x808080f0) {
    const uint32_t plane = (four & 0x7) << 2 | (four >> 12 & 0x3); // there are 17
    return plane >= 1 && plane <= 16 ? 4 : 0;
  }
  return 0;
}
static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");

} // namespace

size_t utf8_character_bytes(std::string_view text) {
  uint32_t four = 0;
  std::memcpy(&four, text.data(), std::min(text.size(), sizeof four));
  return character_bytes(four);
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
  for (uint64_t eight; text.size() >= sizeof eight;) {
    std::memcpy(&eight, text.data(), sizeof eight);
    const size_t bytes =
        (eight & beyond_ascii) == 0 ? sizeof eight : character_bytes(static_cast<uint32_t>(eight));
    if (bytes == 0)
      return false;
    text.remove_prefix(bytes);
  }
  while (!text.empty()) {
    const size_t bytes = utf8_character_bytes(text);
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
