// SPDX-License-Identifier: Apache-2.0
// Dates: MessagePack's timestamp extension and the ISO 8601 text that JavaScript writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

inline constexpr int8_t timestamp_extension = -1;

struct Timestamp {
  int64_t seconds = 0; // since 1970-01-01T00:00:00Z
  uint32_t nanoseconds = 0;
};

// From the payload of the extension: 4, 8 or 12 bytes.
std::optional<Timestamp> decode_timestamp(std::string_view payload);
// The payload, always of 12 bytes.
std::string encode_timestamp(Timestamp timestamp);

// "2026-01-31T12:00:00.000Z", in whole milliseconds as Date.prototype.toISOString has it.
std::string format_iso_date(Timestamp timestamp);
// A date alone or with a time, with Z or an offset; without either it is UTC.
std::optional<Timestamp> parse_iso_date(std::string_view text);

} // namespace lethe
