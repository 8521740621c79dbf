// SPDX-License-Identifier: Apache-2.0
// The decoders and encoders of the Encoding standard, with short cuts for what is frequent.
#include "daemon/natives/unicode.h"

#include <algorithm>
#include <cstring>

namespace lethe {
namespace {

constexpr uint64_t high_bits = 0x8080808080808080;

uint64_t load_8(const unsigned char *bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

bool is_lead(uint32_t unit) { return (unit & 0xFC00) == 0xD800; }
bool is_trail(uint32_t unit) { return (unit & 0xFC00) == 0xDC00; }
bool is_surrogate(uint32_t unit) { return (unit & 0xF800) == 0xD800; }
bool is_continuation(uint32_t byte) { return (byte & 0xC0) == 0x80; }

uint16_t *put_code_point(uint16_t *out, uint32_t code_point) {
  if (code_point < 0x10000) {
    *out++ = static_cast<uint16_t>(code_point);
  } else {
    *out++ = static_cast<uint16_t>(0xD7C0 + (code_point >> 10));
    *out++ = static_cast<uint16_t>(0xDC00 | (code_point & 0x3FF));
  }
  return out;
}

// The first byte of a sequence; false if there is no such one.
bool begin_sequence(Utf8State &state, uint32_t byte) {
  state.lowest = 0x80;
  state.highest = 0xBF;
  if (byte >= 0xC2 && byte <= 0xDF) {
    state.needed = 1;
    state.code_point = byte & 0x1F;
  } else if (byte >= 0xE0 && byte <= 0xEF) {
    if (byte == 0xE0)
      state.lowest = 0xA0;
    if (byte == 0xED)
      state.highest = 0x9F;
    state.needed = 2;
    state.code_point = byte & 0xF;
  } else if (byte >= 0xF0 && byte <= 0xF4) {
    if (byte == 0xF0)
      state.lowest = 0x90;
    if (byte == 0xF4)
      state.highest = 0x8F;
    state.needed = 3;
    state.code_point = byte & 7;
  } else {
    return false;
  }
  return true;
}

// A well-formed sequence of two to four bytes that is there as a whole; its length, or 0.
size_t whole_sequence(const unsigned char *in, const unsigned char *end, uint32_t &code_point) {
  const uint32_t first = *in;
  const auto left = static_cast<size_t>(end - in);
  if (first >= 0xC2 && first < 0xE0 && left >= 2 && is_continuation(in[1])) {
    code_point = (first & 0x1F) << 6 | (in[1] & 0x3Fu);
    return 2;
  }
  if ((first & 0xF0) == 0xE0 && left >= 3 && is_continuation(in[1]) && is_continuation(in[2])) {
    code_point = (first & 0xF) << 12 | (in[1] & 0x3Fu) << 6 | (in[2] & 0x3Fu);
    return code_point >= 0x800 && !is_surrogate(code_point) ? 3 : 0;
  }
  if ((first & 0xF8) == 0xF0 && left >= 4 && is_continuation(in[1]) && is_continuation(in[2]) &&
      is_continuation(in[3])) {
    code_point = (first & 7) << 18 | (in[1] & 0x3Fu) << 12 | (in[2] & 0x3Fu) << 6 | (in[3] & 0x3Fu);
    return code_point >= 0x10000 && code_point <= 0x10FFFF ? 4 : 0;
  }
  return 0;
}

// ASCII to UTF-16, up to the first other byte.
const unsigned char *widen_ascii(const unsigned char *in, const unsigned char *end,
                                 uint16_t *&out) {
  for (; end - in >= 8 && (load_8(in) & high_bits) == 0; in += 8, out += 8)
    for (int i = 0; i < 8; ++i)
      out[i] = in[i];
  while (in < end && *in < 0x80)
    *out++ = *in++;
  return in;
}

} // namespace

size_t ascii_prefix(std::span<const unsigned char> bytes) {
  size_t i = 0;
  for (; i + 32 <= bytes.size(); i += 32) {
    const unsigned char *at = bytes.data() + i;
    if (((load_8(at) | load_8(at + 8) | load_8(at + 16) | load_8(at + 24)) & high_bits) != 0)
      break;
  }
  while (i < bytes.size() && bytes[i] < 0x80)
    ++i;
  return i;
}

size_t count_beyond_ascii(std::span<const unsigned char> latin1) {
  size_t count = 0;
  for (const unsigned char byte : latin1)
    count += byte >> 7;
  return count;
}

size_t utf8_length(std::span<const uint16_t> units) {
  size_t length = 0;
  for (size_t i = 0; i < units.size(); ++i) {
    const uint32_t unit = units[i];
    length += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
    if (is_lead(unit) && i + 1 < units.size() && is_trail(units[i + 1])) {
      ++length; // four for both
      ++i;
    }
  }
  return length;
}

Encoded encode_utf8(std::span<const uint16_t> units, std::span<unsigned char> target) {
  unsigned char *out = target.data();
  const unsigned char *const end = out + target.size();
  size_t i = 0;
  for (; i < units.size(); ++i) {
    uint32_t unit = units[i];
    const auto room = static_cast<size_t>(end - out);
    if (unit < 0x80) {
      if (room < 1)
        break;
      *out++ = static_cast<unsigned char>(unit);
    } else if (unit < 0x800) {
      if (room < 2)
        break;
      *out++ = static_cast<unsigned char>(0xC0 | unit >> 6);
      *out++ = static_cast<unsigned char>(0x80 | (unit & 0x3F));
    } else if (is_lead(unit) && i + 1 < units.size() && is_trail(units[i + 1])) {
      if (room < 4)
        break;
      const uint32_t code_point = 0x10000 + ((unit & 0x3FF) << 10) + (units[++i] & 0x3FFu);
      *out++ = static_cast<unsigned char>(0xF0 | code_point >> 18);
      *out++ = static_cast<unsigned char>(0x80 | (code_point >> 12 & 0x3F));
      *out++ = static_cast<unsigned char>(0x80 | (code_point >> 6 & 0x3F));
      *out++ = static_cast<unsigned char>(0x80 | (code_point & 0x3F));
    } else {
      if (room < 3)
        break;
      if (is_surrogate(unit))
        unit = replacement_character;
      *out++ = static_cast<unsigned char>(0xE0 | unit >> 12);
      *out++ = static_cast<unsigned char>(0x80 | (unit >> 6 & 0x3F));
      *out++ = static_cast<unsigned char>(0x80 | (unit & 0x3F));
    }
  }
  return {i, static_cast<size_t>(out - target.data())};
}

Encoded encode_utf8(std::span<const unsigned char> latin1, std::span<unsigned char> target) {
  unsigned char *out = target.data();
  const unsigned char *const end = out + target.size();
  size_t i = 0;
  while (i < latin1.size()) {
    const std::span<const unsigned char> rest = latin1.subspan(i);
    const size_t ascii =
        ascii_prefix(rest.first(std::min<size_t>(rest.size(), static_cast<size_t>(end - out))));
    std::copy_n(rest.data(), ascii, out);
    out += ascii;
    i += ascii;
    // At one that is not ASCII, at the end, or without room.
    for (; i < latin1.size() && latin1[i] >= 0x80 && end - out >= 2; ++i) {
      *out++ = static_cast<unsigned char>(0xC0 | latin1[i] >> 6);
      *out++ = static_cast<unsigned char>(0x80 | (latin1[i] & 0x3F));
    }
    if (out == end || (i < latin1.size() && latin1[i] >= 0x80))
      break;
  }
  return {i, static_cast<size_t>(out - target.data())};
}

Decoded decode_utf8(Utf8State &state, std::span<const unsigned char> bytes, uint16_t *target,
                    OnError on_error, bool is_last) {
  const unsigned char *in = bytes.data();
  const unsigned char *const end = in + bytes.size();
  uint16_t *out = target;
  const auto written = [&] { return static_cast<size_t>(out - target); };
  while (in < end) {
    bool is_malformed = false;
    if (state.needed == 0) {
      in = widen_ascii(in, end, out);
      if (in == end)
        break;
      uint32_t code_point = 0;
      if (const size_t length = whole_sequence(in, end, code_point)) {
        out = put_code_point(out, code_point);
        in += length;
        continue;
      }
      is_malformed = !begin_sequence(state, *in++);
    } else if (*in < state.lowest || *in > state.highest) {
      state.needed = 0; // this byte may begin the next one
      is_malformed = true;
    } else {
      state.lowest = 0x80;
      state.highest = 0xBF;
      state.code_point = state.code_point << 6 | (*in++ & 0x3Fu);
      if (--state.needed == 0)
        out = put_code_point(out, state.code_point);
    }
    if (is_malformed) {
      if (on_error == OnError::stop)
        return {written(), true};
      *out++ = replacement_character;
    }
  }
  if (is_last && state.needed > 0) {
    state.needed = 0;
    if (on_error == OnError::stop)
      return {written(), true};
    *out++ = replacement_character;
  }
  return {written(), false};
}

Decoded decode_utf16(Utf16State &state, std::span<const unsigned char> bytes, bool is_big_endian,
                     uint16_t *target, OnError on_error, bool is_last) {
  uint16_t *out = target;
  // False if it is malformed and nothing is to be put in its place.
  const auto malformed = [&] {
    if (on_error == OnError::replace)
      *out++ = replacement_character;
    return on_error == OnError::replace;
  };
  const auto take = [&](uint32_t low, uint32_t high) {
    const auto unit = static_cast<uint16_t>(high << 8 | low);
    const uint16_t lead = state.lead;
    state.lead = 0;
    if (lead != 0 && is_trail(unit)) {
      *out++ = lead;
      *out++ = unit;
      return true;
    }
    if ((lead != 0 || is_trail(unit)) && !malformed())
      return false;
    if (is_lead(unit))
      state.lead = unit;
    else if (!is_trail(unit))
      *out++ = unit;
    return true;
  };
  bool good = true;
  size_t i = 0;
  if (state.has_byte && !bytes.empty()) {
    state.has_byte = 0;
    good = is_big_endian ? take(bytes[0], state.byte) : take(state.byte, bytes[0]);
    i = 1;
  }
  const size_t low = is_big_endian ? 1 : 0;
  for (; good && i + 2 <= bytes.size(); i += 2)
    good = take(bytes[i + low], bytes[i + 1 - low]);
  if (good && i < bytes.size()) {
    state.has_byte = 1;
    state.byte = bytes[i];
  }
  if (good && is_last && (state.has_byte || state.lead != 0)) {
    state.has_byte = 0;
    state.lead = 0;
    good = malformed();
  }
  return {static_cast<size_t>(out - target), !good};
}

} // namespace lethe
