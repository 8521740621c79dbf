// SPDX-License-Identifier: Apache-2.0
// Dates: MessagePack's timestamp extension and the ISO 8601 text that JavaScript writes.
#pragma once

#include "ipc/message_pack.h"

#include <optional>
#include <string>
#include <string_view>

namespace lethe {

// The payload, always of 12 bytes.
std::string encode_timestamp(Timestamp timestamp);

// "2026-01-31T12:00:00.000Z", in whole milliseconds as Date.prototype.toISOString has it.
std::string format_iso_date(Timestamp timestamp);
// A date alone or with a time, with Z or an offset; without either it is UTC.
std::optional<Timestamp> parse_iso_date(std::string_view text);

} // namespace lethe
