// SPDX-License-Identifier: Apache-2.0
// Is a text UTF-8?
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lethe {

// Bytes of the UTF-8 character at the front; 0 if it is none (Unicode 15, table 3-7).
size_t utf8_character_bytes(std::string_view text);
bool is_utf8(std::string_view text);
// The longest beginning of at most so many bytes that ends with a whole character of a text that is UTF-8.
std::string_view utf8_beginning(std::string_view text, size_t most_bytes);
// Without U+FEFF at its begin, as decoders of JSON and of source maps have it.
std::string_view without_byte_order_mark(std::string_view text);
// With U+FFFD for each byte that belongs to no character.
std::string with_replacements(std::string_view text);

} // namespace lethe
