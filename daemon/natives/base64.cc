// SPDX-License-Identifier: Apache-2.0
// Tables of the alphabet, three bytes for four characters.
#include "daemon/natives/base64.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace lethe {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Of a character that has no six bits.
constexpr uint8_t none = 0x80, white_space = 0x81;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(none);
  for (size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<uint8_t>(i);
  for (const unsigned char space : {'\t', '\n', '\f', '\r', ' '})
    values[space] = white_space;
  return values;
}
constexpr std::array<uint8_t, 256> values = make_values();

// The last character that is no white space, and the end of what is before it.
bool drop_padding(std::span<const unsigned char> &text) {
  size_t end = text.size();
  while (end > 0 && values[text[end - 1]] == white_space)
    --end;
  if (end == 0 || text[end - 1] != '=')
    return false;
  text = text.first(end - 1);
  return true;
}

} // namespace

void encode_base64(std::span<const unsigned char> bytes, unsigned char *target) {
  const auto put = [&](uint32_t bits, int characters) {
    for (int shift = 18; shift > 18 - 6 * characters; shift -= 6)
      *target++ = static_cast<unsigned char>(alphabet[bits >> shift & 63]);
  };
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3)
    put(uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2], 4);
  if (bytes.size() - i == 1) {
    put(uint32_t{bytes[i]} << 16, 2);
    *target++ = '=';
    *target++ = '=';
  } else if (bytes.size() - i == 2) {
    put(uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8, 3);
    *target++ = '=';
  }
}

std::optional<size_t> decode_base64(std::span<const unsigned char> text, unsigned char *target) {
  const size_t padding = drop_padding(text) ? drop_padding(text) ? 2 : 1 : 0;
  const unsigned char *const begin = target;
  uint32_t bits = 0;
  unsigned held = 0; // characters in `bits`
  size_t i = 0;
  while (i < text.size()) {
    if (held == 0 && i + 4 <= text.size()) {
      const uint32_t a = values[text[i]], b = values[text[i + 1]], c = values[text[i + 2]],
                     d = values[text[i + 3]];
      if (((a | b | c | d) & none) == 0) {
        *target++ = static_cast<unsigned char>(a << 2 | b >> 4);
        *target++ = static_cast<unsigned char>(b << 4 | c >> 2);
        *target++ = static_cast<unsigned char>(c << 6 | d);
        i += 4;
        continue;
      }
    }
    const uint8_t value = values[text[i++]];
    if (value == white_space)
      continue;
    if (value == none)
      return std::nullopt;
    bits = bits << 6 | value;
    if (++held == 4) {
      *target++ = static_cast<unsigned char>(bits >> 16);
      *target++ = static_cast<unsigned char>(bits >> 8);
      *target++ = static_cast<unsigned char>(bits);
      held = 0;
    }
  }
  // Padding makes the characters a multiple of four, or it is not allowed.
  if (held == 1 || (padding > 0 && held + padding != 4))
    return std::nullopt;
  if (held >= 2)
    *target++ = static_cast<unsigned char>(bits >> (held == 2 ? 4 : 10));
  if (held == 3)
    *target++ = static_cast<unsigned char>(bits >> 2);
  return static_cast<size_t>(target - begin);
}

} // namespace lethe
