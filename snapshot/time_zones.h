// SPDX-License-Identifier: Apache-2.0
// The machine's time zones, as its tzdata has them: tzdata.zi for version, names and links, zone.tab for
// countries, and a file of RFC 8536 (TZif) for each zone.
#pragma once

#include "ipc/error.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lethe {

// In seconds. A clock shows UTC + standard + saving.
struct ZoneOffsets {
  int32_t standard = 0, saving = 0;
  bool operator==(const ZoneOffsets &) const = default;
};

// From some year on, saving begins and ends each year as java.util.SimpleTimeZone says it: month from
// 0, day, weekday from Sunday = 1, seconds, kind of time (0: what clocks show), for both, and the saving.
// Weekday negative: that one on or after the day. Positive: the day's number in the month, -1 the last.
using YearlySaving = std::array<int32_t, 11>;

struct TimeZone {
  std::vector<ZoneOffsets> offsets; // the first holds before the first transition
  std::vector<int64_t> transitions; // seconds since 1970, rising
  std::vector<uint8_t> after;       // for each transition: index of what holds from then on
  struct Rule {
    YearlySaving saving;
    int32_t standard;
    int32_t first_year; // no transition lies in it, or later
  };
  std::optional<Rule> rule;
};

struct TimeZones {
  std::string version;                        // "2025b"
  std::map<std::string, TimeZone> zones;      // by name
  std::map<std::string, std::string> links;   // other name of a zone: its name
  std::map<std::string, std::string> regions; // by name: "NL"; of all but "Etc/UTC" and its like
};

// Of the machine's tzdata. A zone that has no file is left out, as the machine does not know it either.
Result<TimeZones> read_time_zones();

} // namespace lethe
