// SPDX-License-Identifier: Apache-2.0
// The tables of settings, and what they take.
#include "daemon/master/operation/settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

namespace lethe {
namespace {

// The words of the rows in settings.def.
constexpr double no_limit = 1e15; // for times in ms: as µs still an int64
constexpr bool at_reload = true, at_restart = false;
constexpr NumberRange any{};
constexpr NumberRange from(double least, double most) { return {least, most, false}; }
constexpr NumberRange or_auto(double least, double most) { return {least, most, true}; }

#define DAEMON_SETTING(key, type, initial, allowed, change, user, help)                            \
  {#key, &Settings::key, allowed, change, help},
#define POOL_SETTING(...)
constexpr Setting<Settings> daemon_rows[] = {
#include "ipc/settings.def"
};
#undef DAEMON_SETTING
#undef POOL_SETTING

#define DAEMON_SETTING(...)
#define POOL_SETTING(key, type, initial, allowed, change, user, help)                              \
  {#key, &PoolSettings::key, allowed, change, help},
constexpr Setting<PoolSettings> pool_rows[] = {
#include "ipc/settings.def"
};
#undef DAEMON_SETTING
#undef POOL_SETTING

// As the manual lists them.
static_assert(std::ranges::is_sorted(daemon_rows, {}, &Setting<Settings>::key));
static_assert(std::ranges::is_sorted(pool_rows, {}, &Setting<PoolSettings>::key));

std::string allowed(const NumberRange &range, std::string_view kind) {
  return fmt::format("{} from {} to {}{}", kind, range.least, range.most,
                     range.may_be_automatic ? " or \"auto\"" : "");
}
std::string allowed(const NumberRange &range, int64_t) { return allowed(range, "a whole number"); }
std::string allowed(const NumberRange &range, double) { return allowed(range, "a number"); }
std::string allowed(const NumberRange &, bool) { return "true or false"; }
std::string allowed(const NumberRange &, const std::string &) { return "a string"; }
std::string allowed(const NumberRange &, const std::vector<std::string> &) {
  return "a list of strings";
}
template <Named Enumeration> std::string allowed(const NumberRange &, Enumeration) {
  return "one of " + all_names<Enumeration>();
}

std::string shown(const SettingValue &value) {
  if (const auto *number = std::get_if<int64_t>(&value))
    return fmt::format("{}", *number);
  if (const auto *decimal = std::get_if<double>(&value))
    return fmt::format("{}", *decimal);
  if (const auto *flag = std::get_if<bool>(&value))
    return *flag ? "true" : "false";
  if (const auto *text = std::get_if<std::string>(&value))
    return fmt::format("\"{}\"", *text);
  return "a list";
}

// Takes the value over if it is of the field's type and within its range. `field` is a copy's, which
// is dropped when the value is refused.
bool accept(const NumberRange &range, int64_t &field, const SettingValue &value) {
  if (const auto *text = std::get_if<std::string>(&value)) {
    field = automatic;
    return range.may_be_automatic && *text == "auto";
  }
  const auto *number = std::get_if<int64_t>(&value);
  if (!number || static_cast<double>(*number) < range.least ||
      static_cast<double>(*number) > range.most)
    return false;
  field = *number;
  return true;
}

bool accept(const NumberRange &range, double &field, const SettingValue &value) {
  if (const auto *whole = std::get_if<int64_t>(&value))
    field = static_cast<double>(*whole);
  else if (const auto *decimal = std::get_if<double>(&value))
    field = *decimal;
  else
    return false;
  return field >= range.least && field <= range.most;
}

template <Named Enumeration>
bool accept(const NumberRange &, Enumeration &field, const SettingValue &value) {
  const auto *text = std::get_if<std::string>(&value);
  const auto choice = text ? named<Enumeration>(*text) : std::nullopt;
  field = choice.value_or(field);
  return choice.has_value();
}

// True or false, a text, or a list.
template <typename Field>
bool accept(const NumberRange &, Field &field, const SettingValue &value) {
  const auto *same = std::get_if<Field>(&value);
  if (same)
    field = *same;
  return same != nullptr;
}

template <typename Owner>
Result<Nothing> assign(std::span<const Setting<Owner>> table, Owner &owner, std::string_view prefix,
                       std::string_view key, const SettingValue &value, const std::string &origin) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const Setting<Owner> &candidate) {
    return candidate.key == key;
  });
  if (row == table.end()) {
    std::string keys;
    for (const Setting<Owner> &known : table)
      keys += fmt::format("{}{}", keys.empty() ? "" : ", ", known.key);
    return Error(ErrorCode::invalid_request,
                 fmt::format("{}: {}{}: unknown key; there are: {}", origin, prefix, key, keys));
  }
  Owner changed = owner; // a refused value leaves everything as it was
  const auto refusal = std::visit(
      [&](auto field) -> std::optional<std::string> {
        if (accept(row->range, changed.*field, value))
          return std::nullopt;
        return allowed(row->range, owner.*field);
      },
      row->field);
  if (refusal)
    return Error(ErrorCode::invalid_request, fmt::format("{}: {}{}: must be {}, not {}", origin,
                                                         prefix, key, *refusal, shown(value)));
  owner = std::move(changed);
  return Nothing{};
}

std::string origin_of(const Settings &settings, const std::string &key) {
  const auto origin = settings.origins.find(key);
  return origin == settings.origins.end() ? "default" : origin->second;
}

// A pool's KEY, and its max_KEY.
Result<Nothing> check_within(const Settings &settings, const std::string &pool,
                             std::string_view key, int64_t value, int64_t most) {
  if (most == 0 || value <= most)
    return Nothing{};
  const std::string value_key = fmt::format("pool.{}.{}", pool, key),
                    most_key = fmt::format("pool.{}.max_{}", pool, key);
  return Error(ErrorCode::invalid_request,
               fmt::format("{}: {}: must be 0 or at least {}, which is {} ({}), not {}",
                           origin_of(settings, most_key), most_key, value_key, value,
                           origin_of(settings, value_key), most));
}

bool is_pool_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

} // namespace

std::span<const Setting<Settings>> daemon_settings() { return daemon_rows; }
std::span<const Setting<PoolSettings>> pool_settings() { return pool_rows; }

size_t processors() {
  static const size_t count = std::max(1u, std::thread::hardware_concurrency()); // it opens a file
  return count;
}

size_t PoolSettings::worker_count() const {
  return workers != automatic ? static_cast<size_t>(workers)
                              : std::max<size_t>(4, 2 * processors());
}

size_t PoolSettings::spare_count() const {
  return spares != automatic ? static_cast<size_t>(spares) : worker_count();
}

// Under rewind nothing is lost with a worker but its hot pages and what it has mapped, which the first
// requests of the next one make anew: a limit for whoever got native code into it. Under reuse a
// script's caches are.
int64_t PoolSettings::most_age_s(Isolation in_force) const {
  if (recycle_age_s != automatic)
    return recycle_age_s;
  return in_force == Isolation::rewind ? 60 : 3600;
}

// Not fewer: a worker's first requests cost far more than the others, and more than its fork.
uint64_t PoolSettings::most_requests() const {
  return recycle_requests != automatic ? static_cast<uint64_t>(recycle_requests) : 1'000'000;
}

Result<Nothing> assign_setting(Settings &settings, std::string_view key, const SettingValue &value,
                               const std::string &origin) {
  Result<Nothing> assigned = Nothing{};
  if (key.starts_with("pool.")) {
    const size_t dot = key.find('.', 5);
    const std::string name(key.substr(5, dot == key.npos ? dot : dot - 5));
    if (!is_pool_name(name) || dot == key.npos)
      return Error(ErrorCode::invalid_request,
                   fmt::format("{}: {}: a pool's setting is pool.NAME.KEY; NAME has 1 to 64 "
                               "letters, digits, _ or -",
                               origin, key));
    assigned = assign(pool_settings(), settings.pools[name], key.substr(0, dot + 1),
                      key.substr(dot + 1), value, origin);
  } else {
    assigned = assign(daemon_settings(), settings, "", key, value, origin);
  }
  if (assigned)
    settings.origins[std::string(key)] = origin;
  return assigned;
}

Result<Nothing> settle_settings(Settings &settings) {
  for (auto &[name, pool] : settings.pools) {
    const std::string most_key = "pool." + name + ".max_deadline_ms";
    if (pool.deadline_ms > pool.max_deadline_ms && !settings.origins.contains(most_key)) {
      pool.max_deadline_ms = pool.deadline_ms;
      settings.origins[most_key] = origin_of(settings, "pool." + name + ".deadline_ms");
    }
    auto within =
        check_within(settings, name, "deadline_ms", pool.deadline_ms, pool.max_deadline_ms);
    if (within)
      within = check_within(settings, name, "cpu_ms", pool.cpu_ms, pool.max_cpu_ms);
    if (!within)
      return within;
  }
  return Nothing{};
}

ZygoteSettings zygote_settings(const Settings &settings, const std::string &name,
                               const PoolSettings &pool) {
  ZygoteSettings told;
  told.pool = name;
#define DAEMON_SETTING(key, type, initial, allowed, change, user, help)                            \
  LETHE_IF_TOLD_##user(told.key = settings.key;)
#define POOL_SETTING(key, type, initial, allowed, change, user, help)                              \
  LETHE_IF_TOLD_##user(told.key = pool.key;)
#include "ipc/settings.def"
#undef DAEMON_SETTING
#undef POOL_SETTING
  return told;
}

std::vector<std::string> keep_fixed_settings(const Settings &present, Settings &wanted) {
  std::vector<std::string> kept;
  const auto keep_origin = [&](const std::string &key) {
    const auto origin = present.origins.find(key);
    if (origin == present.origins.end())
      wanted.origins.erase(key);
    else
      wanted.origins[key] = origin->second;
    kept.push_back(key);
  };
  for (const auto &row : daemon_settings())
    std::visit(
        [&](auto field) {
          if (!row.reloadable && wanted.*field != present.*field) {
            wanted.*field = present.*field;
            keep_origin(std::string(row.key));
          }
        },
        row.field);
  // A reload changes what is in a pool, not which pools there are: each has processes, lanes and a
  // place in the list.
  const auto named_alike = [](const auto &left, const auto &right) {
    return left.first == right.first;
  };
  if (!std::equal(wanted.pools.begin(), wanted.pools.end(), present.pools.begin(),
                  present.pools.end(), named_alike)) {
    std::erase_if(wanted.pools,
                  [&](const auto &pool) { return !present.pools.contains(pool.first); });
    wanted.pools.insert(present.pools.begin(), present.pools.end());
    kept.push_back("pool");
  }
  return kept;
}

} // namespace lethe
