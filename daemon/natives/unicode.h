// SPDX-License-Identifier: Apache-2.0
// UTF-8 and UTF-16 as the Encoding standard has them (https://encoding.spec.whatwg.org). Without
// V8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lethe {

inline constexpr char16_t replacement_character = 0xFFFD;

// How many of the bytes at the beginning are ASCII.
size_t ascii_prefix(std::span<const unsigned char> bytes);

// --- to UTF-8; a lone surrogate becomes U+FFFD ------------------------------------------------

size_t utf8_length(std::span<const uint16_t> units);
// Writes whole characters only, as many as there is room for.
struct Encoded {
  size_t read, written;
};
Encoded encode_utf8(std::span<const uint16_t> units, std::span<unsigned char> target);
Encoded encode_utf8(std::span<const unsigned char> latin1, std::span<unsigned char> target);
// How many Latin-1 characters take two bytes.
size_t count_beyond_ascii(std::span<const unsigned char> latin1);

// --- from bytes to UTF-16 ----------------------------------------------------------------------

// What has been read of a character whose end is not there yet: 8 bytes that a prelude's stream
// keeps between two calls. All zero at the beginning.
struct Utf8State {
  uint32_t code_point = 0;
  uint8_t needed = 0;              // bytes until the end
  uint8_t lowest = 0, highest = 0; // of the next one
  uint8_t is_begun = 0;            // a character has come out: what follows is no byte order mark
};
static_assert(sizeof(Utf8State) == 8);

struct Utf16State {
  uint16_t lead = 0; // a lead surrogate, or 0
  uint8_t byte = 0, has_byte = 0;
  uint8_t unused[3] = {};
  uint8_t is_begun = 0;
};
static_assert(sizeof(Utf16State) == 8);

// What follows from malformed bytes.
enum class OnError : uint8_t { replace, stop };

struct Decoded {
  size_t units;      // written
  bool is_malformed; // and OnError::stop: the rest was not looked at
};

// `target` has room for decoded_capacity() units. `is_last`: an unfinished character is malformed.
inline size_t decoded_capacity(size_t bytes) { return bytes + 2; }
Decoded decode_utf8(Utf8State &state, std::span<const unsigned char> bytes, uint16_t *target,
                    OnError on_error, bool is_last);
Decoded decode_utf16(Utf16State &state, std::span<const unsigned char> bytes, bool is_big_endian,
                     uint16_t *target, OnError on_error, bool is_last);

} // namespace lethe
