// SPDX-License-Identifier: Apache-2.0
// Base64 as the Infra standard has it: https://infra.spec.whatwg.org/#forgiving-base64. Without V8.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace lethe {

inline size_t base64_length(size_t bytes) { return (bytes + 2) / 3 * 4; }
// `target` has base64_length(bytes.size()) bytes.
void encode_base64(std::span<const unsigned char> bytes, unsigned char *target);

// Forgiving: ASCII white space counts for nothing, and the padding may be missing. How many bytes
// it gave, or nothing if it isn't base64. `target` has text.size() bytes.
std::optional<size_t> decode_base64(std::span<const unsigned char> text, unsigned char *target);

} // namespace lethe
