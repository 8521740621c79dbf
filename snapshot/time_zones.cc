// SPDX-License-Identifier: Apache-2.0
// Reading tzdata. https://www.rfc-editor.org/rfc/rfc8536 has the format of a zone's file.
#include "snapshot/time_zones.h"
#include "ipc/files.h"
#include "snapshot/cache.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <sstream>

namespace lethe {
namespace {

constexpr int32_t hour = 3600, day = 24 * hour;
constexpr std::string_view magic = "TZif";

// What a file's bytes say; all zeros beyond their end, which is asked for once.
class Bytes {
public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(uint64_t count) {
    is_short_ = is_short_ || count > rest_.size();
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Big-endian.
  template <typename Integer> Integer number() {
    uint64_t value = 0;
    for (const char byte : take(sizeof(Integer)))
      value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<Integer>(value);
  }
  bool is_short() const { return is_short_; }
  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
  bool is_short_ = false;
};

struct Header {
  explicit Header(Bytes &bytes) {
    is_right = bytes.take(magic.size()) == magic;
    version = bytes.number<char>();
    bytes.take(15);
    for (uint32_t *count : {&universal, &standard, &leaps, &transitions, &types, &letters})
      *count = bytes.number<uint32_t>();
  }
  uint64_t bytes(uint64_t time_bytes) const {
    return transitions * (time_bytes + 1) + types * uint64_t{6} + letters +
           leaps * (time_bytes + 4) + standard + universal;
  }

  bool is_right;
  char version;
  uint32_t universal = 0, standard = 0, leaps = 0, transitions = 0, types = 0, letters = 0;
};

// One kind of time in a zone: TZif tells the sum only, and whether saving is part of it.
struct Kind {
  int32_t total;
  bool saves;
};

// From one transition to the next.
struct Span {
  int64_t begin;
  Kind kind;
  ZoneOffsets offsets{};
};

// How much is saved? What the clocks were before, or will be, without: an hour at best. Where they go back
// to save (Dublin's winter is "saving" by law), that is taken for standard time, and the summers between
// two such for saving, as ICU's names of zones have it.
void split_offsets(std::vector<Span> &spans) {
  for (Span &span : spans)
    span.offsets = {span.kind.total, 0};
  const auto standard_beside = [&](size_t at, int step) -> std::optional<int32_t> {
    for (size_t i = at + static_cast<size_t>(step); i < spans.size();
         i += static_cast<size_t>(step))
      if (!spans[i].kind.saves)
        return spans[i].kind.total;
    return std::nullopt;
  };
  const auto saves = [&](size_t at) { return at < spans.size() && spans[at].kind.saves; };
  for (size_t i = 0; i < spans.size(); ++i) {
    if (!saves(i))
      continue;
    const int32_t total = spans[i].kind.total;
    const auto before = standard_beside(i, -1), after = standard_beside(i, 1);
    std::optional<int32_t> saving;
    for (const auto &beside : {before, after})
      if (const int32_t candidate = beside ? total - *beside : 0;
          candidate > 0 && candidate <= 2 * hour && (!saving || candidate == hour))
        saving = saving == hour ? hour : candidate;
    const bool goes_back = before > total && (!after || *after > total);
    if (saving || !goes_back) {
      spans[i].offsets = {total - saving.value_or(hour), saving.value_or(hour)};
      continue;
    }
    for (const size_t beside : {i - 1, i + 1})
      if (saves(beside - 1) && !saves(beside) && saves(beside + 1))
        spans[beside].offsets = {total, spans[beside].kind.total - total};
  }
}

// The end of a file: a value of TZ, "CET-1CEST,M3.5.0,M10.5.0/3" for instance.
class Footer {
public:
  explicit Footer(std::string_view text) : rest_(text) {}

  struct Change {
    int month, week, weekday;
    int32_t seconds; // what clocks show before it; may be of another day
  };
  struct Saving {
    int32_t standard = 0, saving = 0;
    Change begin{}, end{};
  };

  // Empty: there is no saving, or it has days of the year, which tzdata does not use.
  std::optional<Saving> parse() {
    Saving saving;
    name();
    saving.standard = -time();
    if (!name())
      return std::nullopt;
    const int32_t total = at(',') ? saving.standard + hour : -time();
    if (!change(saving.begin) || !change(saving.end))
      return std::nullopt;
    saving.saving = total - saving.standard;
    if (saving.saving < 0) { // see split_offsets
      saving.standard = total;
      saving.saving = -saving.saving;
      std::swap(saving.begin, saving.end);
    }
    return saving;
  }

private:
  bool at(char c) const { return rest_.starts_with(c); }
  bool skip(char c) {
    const bool there = at(c);
    if (there)
      rest_.remove_prefix(1);
    return there;
  }
  bool name() {
    size_t end = rest_.find_first_of("+-,0123456789");
    if (at('<'))
      end = rest_.find('>') + 1;
    end = std::min(end, rest_.size());
    rest_.remove_prefix(end);
    return end > 0;
  }
  int number() {
    int value = 0;
    const auto end = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value).ptr;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }
  int32_t time() {
    skip('+');
    const int32_t sign = skip('-') ? -1 : 1;
    int32_t seconds = number() * hour;
    if (skip(':'))
      seconds += number() * 60;
    if (skip(':'))
      seconds += number();
    return sign * seconds;
  }
  bool change(Change &change) {
    if (!skip(',') || !skip('M'))
      return false;
    change.month = number();
    skip('.');
    change.week = number();
    skip('.');
    change.weekday = number();
    change.seconds = skip('/') ? time() : 2 * hour;
    return change.month >= 1 && change.month <= 12;
  }

  std::string_view rest_;
};

using std::chrono::sys_days, std::chrono::year_month_day, std::chrono::weekday;

sys_days first_of(int year, int month) { return sys_days(std::chrono::year(year) / month / 1); }

int days_of(int year, int month) {
  const auto next = month == 12 ? first_of(year + 1, 1) : first_of(year, month + 1);
  return static_cast<int>((next - first_of(year, month)).count());
}

// Of this year, by a clock that shows UTC + offset.
int64_t time_of(const Footer::Change &change, int year, int32_t offset) {
  const sys_days first = first_of(year, change.month);
  const int first_weekday = static_cast<int>(weekday(first).c_encoding());
  int at = (change.weekday - first_weekday + 7) % 7 + (change.week - 1) * 7;
  if (at >= days_of(year, change.month))
    at -= 7;
  return (first.time_since_epoch().count() + at) * int64_t{day} + change.seconds - offset;
}

// A time of another day means that day.
std::array<int32_t, 5> yearly(const Footer::Change &change) {
  int32_t seconds = change.seconds, days = 0;
  for (; seconds < 0; seconds += day)
    --days;
  for (; seconds > day; seconds -= day)
    ++days;
  if (days == 0)
    return {change.month - 1, change.week == 5 ? -1 : change.week, change.weekday + 1, seconds, 0};
  // The same day in each year but for February, in which no zone changes so.
  const int first =
      (change.week == 5 ? days_of(2001, change.month) - 6 : change.week * 7 - 6) + days;
  return {change.month - 1, first, -((change.weekday + days + 7) % 7 + 1), seconds, 0};
}

int year_of(int64_t seconds) {
  const auto days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  return static_cast<int>(year_month_day(days).year());
}

// The footer holds after the last transition; a rule holds from a new year on. What lies between is added.
TimeZone::Rule add_rule(std::vector<Span> &spans, const Footer::Saving &saving) {
  const int year = spans.size() > 1 ? year_of(spans.back().begin) : 1969;
  const int32_t total = saving.standard + saving.saving;
  std::array<Span, 2> changes{Span{time_of(saving.begin, year, saving.standard), {total, true}},
                              Span{time_of(saving.end, year, total), {saving.standard, false}}};
  if (changes[1].begin < changes[0].begin)
    std::swap(changes[0], changes[1]);
  for (const Span &change : changes)
    if (spans.size() > 1 && change.begin > spans.back().begin)
      spans.push_back(change);
  TimeZone::Rule rule{{}, saving.standard, year + 1};
  const auto begin = yearly(saving.begin), end = yearly(saving.end);
  std::ranges::copy(begin, rule.saving.begin());
  std::ranges::copy(end, rule.saving.begin() + begin.size());
  rule.saving.back() = saving.saving;
  return rule;
}

Result<TimeZone> read_zone(std::string_view text) {
  const Error wrong(ErrorCode::internal, "it is not a TZif file of version 2 or later");
  Bytes bytes(text);
  const Header old(bytes);
  bytes.take(old.bytes(4));
  const Header header(bytes);
  if (!old.is_right || !header.is_right || old.version < '2' || header.types == 0 ||
      header.bytes(8) > bytes.rest().size())
    return wrong;
  std::vector<Span> spans(header.transitions + 1);
  for (size_t i = 1; i < spans.size(); ++i)
    spans[i].begin = bytes.number<int64_t>();
  const std::string_view types = bytes.take(header.transitions);
  std::vector<Kind> kinds(header.types);
  for (Kind &kind : kinds) {
    kind.total = bytes.number<int32_t>();
    kind.saves = bytes.number<char>() != 0;
    bytes.take(1);
  }
  bytes.take(header.bytes(8) - header.transitions * 9 - header.types * 6);
  for (size_t i = 0; i < spans.size(); ++i) {
    const size_t kind = i == 0 ? 0 : static_cast<unsigned char>(types[i - 1]);
    if (kind >= kinds.size())
      return wrong;
    spans[i].kind = kinds[kind];
  }
  std::string_view footer = bytes.rest();
  footer.remove_prefix(footer.starts_with('\n') ? 1 : 0);
  TimeZone zone;
  if (const auto saving = Footer(footer.substr(0, footer.find('\n'))).parse())
    zone.rule = add_rule(spans, *saving);
  split_offsets(spans);
  for (const Span &span : spans) {
    auto found = std::ranges::find(zone.offsets, span.offsets);
    const auto index = static_cast<uint8_t>(found - zone.offsets.begin());
    if (found == zone.offsets.end())
      zone.offsets.push_back(span.offsets);
    const uint8_t before = zone.after.empty() ? 0 : zone.after.back();
    if (index == before)
      continue; // something else has changed, its name for instance
    zone.transitions.push_back(span.begin);
    zone.after.push_back(index);
  }
  return zone;
}

// The words of each line that is no comment.
template <typename F> void for_each_line(const std::string &text, F f) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#'))
      continue;
    std::istringstream words(line);
    std::vector<std::string> row;
    for (std::string word; row.size() < 3 && words >> word;)
      row.push_back(std::move(word));
    f(row);
  }
}

} // namespace

Result<TimeZones> read_time_zones() {
  const std::string folder = tzdata_folder();
  const auto source = read_file(folder + "/tzdata.zi");
  if (!source)
    return source.error();
  const auto countries = read_file(folder + "/zone.tab");
  if (!countries)
    return countries.error();
  TimeZones all;
  all.version = tzdata_version();
  std::optional<Error> failed;
  for_each_line(*source, [&](const std::vector<std::string> &row) {
    if (row.size() == 3 && row[0] == "L")
      all.links[row[2]] = row[1];
    if (row.size() < 2 || row[0] != "Z")
      return;
    const std::string path = folder + "/" + row[1];
    const auto text = read_file(path);
    if (!text)
      return;
    auto zone = read_zone(*text);
    if (zone)
      all.zones[row[1]] = std::move(*zone);
    else
      failed = Error(ErrorCode::internal, path + ": " + zone.error().message);
  });
  if (failed)
    return *failed;
  // Of what is a link to a link, or to what is not there.
  for (auto &[name, target] : all.links)
    for (auto next = all.links.find(target); next != all.links.end(); next = all.links.find(target))
      target = next->second;
  std::erase_if(all.links, [&](const auto &link) { return !all.zones.contains(link.second); });
  for_each_line(*countries, [&](const std::vector<std::string> &row) {
    if (row.size() == 3)
      all.regions[row[2]] = row[0];
  });
  const auto share = [&](const std::string &from, const std::string &to) {
    if (const auto found = all.regions.find(from); found != all.regions.end())
      all.regions.emplace(to, found->second);
  };
  for (const auto &[name, target] : all.links)
    share(name, target);
  for (const auto &[name, target] : all.links)
    share(target, name);
  return all;
}

} // namespace lethe
