// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, with padding) for binary values in JSON text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lethe {

std::string encode_base64(std::string_view bytes);
// Nothing if it is not base64. Padding may be missing.
std::optional<std::string> decode_base64(std::string_view text);

} // namespace lethe
