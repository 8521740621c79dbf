// SPDX-License-Identifier: Apache-2.0
// Dates as bytes and as text.
#include "client/timestamp.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace lethe {
namespace {

// What JavaScript calls a date ends at ±8.64e15 ms.
constexpr int64_t most_seconds = 8'640'000'000'000;
// The calendar repeats itself after so many years; std::chrono's ends with the year 32767.
constexpr int cycle_years = 400;
using cycles =
    std::chrono::duration<int, std::ratio_multiply<std::chrono::days::period, std::ratio<146'097>>>;

// Reads a date from the front to the back; once something doesn't fit, it stays failed.
class DateReader {
public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  bool skip(char letter) {
    const bool there = rest_.starts_with(letter);
    rest_.remove_prefix(there ? 1 : 0);
    return there;
  }
  void expect(char letter) { failed_ = !skip(letter) || failed_; }
  int number(size_t digits) {
    int value = 0;
    const std::string_view text = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.size() < digits || error != std::errc() || end != text.data() + digits || value < 0) {
      failed_ = true;
      return 0;
    }
    rest_.remove_prefix(digits);
    return value;
  }
  uint32_t fraction() {
    uint32_t value = 0, unit = nanoseconds_per_second / 10;
    failed_ = failed_ || rest_.empty() || !is_digit(rest_[0]);
    for (; !rest_.empty() && is_digit(rest_[0]); rest_.remove_prefix(1), unit /= 10)
      value += static_cast<uint32_t>(rest_[0] - '0') * unit;
    return value;
  }
  bool more() const { return !rest_.empty() && !failed_; }
  bool complete() const { return rest_.empty() && !failed_; }

private:
  static bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

  std::string_view rest_;
  bool failed_ = false;
};

int read_year(DateReader &reader) {
  if (reader.skip('+'))
    return reader.number(6);
  return reader.skip('-') ? -reader.number(6) : reader.number(4);
}

} // namespace

std::string encode_timestamp(Timestamp timestamp) {
  std::string payload;
  for (int shift = 24; shift >= 0; shift -= 8)
    payload += static_cast<char>(timestamp.nanoseconds >> shift & 255);
  for (int shift = 56; shift >= 0; shift -= 8)
    payload += static_cast<char>(static_cast<uint64_t>(timestamp.seconds) >> shift & 255);
  return payload;
}

std::string format_iso_date(Timestamp timestamp) {
  using namespace std::chrono;
  if (timestamp.seconds > most_seconds || timestamp.seconds < -most_seconds)
    return "Invalid Date";
  const sys_seconds time{seconds{timestamp.seconds}};
  const auto day = floor<days>(time);
  const cycles cycle = floor<cycles>(time).time_since_epoch();
  const year_month_day date{day - cycle};
  const hh_mm_ss clock{time - day};
  const int year = int{date.year()} + cycle.count() * cycle_years;
  char text[64];
  std::snprintf(text, sizeof text, year >= 0 && year <= 9999 ? "%04d" : "%+07d", year);
  std::string result = text;
  std::snprintf(text, sizeof text, "-%02u-%02uT%02d:%02d:%02d.%03uZ", unsigned{date.month()},
                unsigned{date.day()}, static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), timestamp.nanoseconds / 1'000'000);
  return result + text;
}

std::optional<Timestamp> parse_iso_date(std::string_view text) {
  using namespace std::chrono;
  DateReader reader(text);
  const int year_number = read_year(reader);
  reader.expect('-');
  const auto month_number = static_cast<unsigned>(reader.number(2));
  reader.expect('-');
  const auto day_number = static_cast<unsigned>(reader.number(2));
  const int cycle = static_cast<int>(std::floor(year_number / double{cycle_years}));
  const year_month_day date{year{year_number - cycle * cycle_years}, month{month_number},
                            day{day_number}};
  Timestamp timestamp;
  int hour = 0, minute = 0, second = 0, offset_minutes = 0;
  if (reader.more()) {
    reader.expect('T');
    hour = reader.number(2);
    reader.expect(':');
    minute = reader.number(2);
    if (reader.skip(':'))
      second = reader.number(2);
    if (reader.skip('.'))
      timestamp.nanoseconds = reader.fraction();
    if (!reader.skip('Z') && reader.more()) {
      const int sign = reader.skip('-') ? -1 : 1;
      if (sign == 1)
        reader.expect('+');
      offset_minutes = sign * 60 * reader.number(2);
      reader.skip(':');
      offset_minutes += sign * reader.number(2);
    }
  }
  if (!reader.complete() || !date.ok() || hour > 24 || minute > 59 || second > 59)
    return std::nullopt;
  const seconds day_begin = sys_days{date}.time_since_epoch() + cycles{cycle};
  timestamp.seconds = day_begin.count() + hour * 3600 + (minute - offset_minutes) * 60 + second;
  if (timestamp.seconds > most_seconds || timestamp.seconds < -most_seconds)
    return std::nullopt;
  return timestamp;
}

} // namespace lethe
