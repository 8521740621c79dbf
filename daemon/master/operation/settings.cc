// SPDX-License-Identifier: Apache-2.0
// The tables of settings.
#include "daemon/master/operation/settings.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

namespace lethe {
namespace {

// For times in ms: as µs still an int64.
constexpr double no_limit = 1e15;
constexpr std::string_view any = "";

using S = Settings;
const Setting<S> daemon_rows[] = {
    // key, field, least, most, choices, reloadable, help
    {"admins", &S::admins, 0, 0, any, true,
     "who may change scripts and the daemon: users, or groups as \"@group\"; root and the daemon's "
     "own user always may"},
    {"cache_dir", &S::cache_dir, 0, 0, any, false, "folder of the startup snapshots"},
    {"grace_ms", &S::grace_ms, 0, 60'000, any, true,
     "time that a script has to give its stack after its deadline, before its worker is killed"},
    {"log_level", &S::log_level, 0, 0, "debug|info|warning|error", true,
     "least important lines that are logged"},
    {"max_buffered_mb", &S::max_buffered_mb, 1, 1 << 20, any, true,
     "memory for all messages that are being received, queued or sent"},
    {"max_connections", &S::max_connections, 1, 1'000'000, any, true, "open client connections"},
    {"max_depth", &S::max_depth, 1, 100'000, any, false, "nesting of values"},
    {"max_in_flight", &S::max_in_flight, 1, 1'000'000, any, true,
     "unanswered requests of one connection"},
    {"max_message_bytes", &S::max_message_bytes, 1024, 1 << 30, any, false,
     "length of one message, and of one result"},
    {"max_output_bytes", &S::max_output_bytes, 1024, 1 << 30, any, true,
     "output waiting for one client; beyond it, nothing more is accepted from the client"},
    {"max_scripts_mb", &S::max_scripts_mb, 1, 1 << 20, any, true,
     "source text of all stored scripts"},
    {"slow_ms", &S::slow_ms, 0, no_limit, any, true,
     "requests that take longer are logged; 0: none"},
    {"snapshot_deadline_ms", &S::snapshot_deadline_ms, 100, no_limit, any, true,
     "limit for building a startup snapshot"},
    {"socket", &S::socket, 0, 0, any, false, "path of the socket for clients"},
    {"socket_group", &S::socket_group, 0, 0, any, false, "group of the socket; empty: unchanged"},
    {"socket_mode", &S::socket_mode, 0, 0, any, false, "permissions of the socket, octal"},
    {"stall_timeout_ms", &S::stall_timeout_ms, 100, no_limit, any, true,
     "a client that has output waiting and reads none of it for so long is disconnected"},
    {"state_dir", &S::state_dir, 0, 0, any, false, "folder of the stored scripts"},
    {"stop_timeout_ms", &S::stop_timeout_ms, 0, no_limit, any, true,
     "at an orderly stop, time for running requests before they are killed"},
};

using P = PoolSettings;
const Setting<P> pool_rows[] = {
    {"busy_poll_us", &P::busy_poll_us, 0, 1000, any, true,
     "a worker that has answered stays awake so long for the next request, while at most half of "
     "the processors have one; 0: it sleeps at once"},
    {"console_bytes", &P::console_bytes, 0, 1 << 30, any, true,
     "console output of one request; what is beyond is left out; 0: none"},
    {"console_lines", &P::console_lines, 0, 1'000'000, any, true,
     "lines of console output of one request; what is beyond is left out; 0: none"},
    {"cpu_ms", &P::cpu_ms, 0, no_limit, any, true,
     "CPU time of a request, unless it says otherwise; 0: no limit but max_cpu_ms"},
    {"deadline_ms", &P::deadline_ms, 1, no_limit, any, true,
     "time for a request, queue included, unless it says otherwise"},
    {"import_map", &P::import_map, 0, 0, any, true,
     "file of an import map for the pool's modules; empty: none"},
    {"isolation", &P::isolation, 0, 0, "rewind|process|reuse", true,
     "what a request may find of earlier ones"},
    {"load_deadline_ms", &P::load_deadline_ms, 10, no_limit, any, true,
     "time for loading a script"},
    {"max_cpu_ms", &P::max_cpu_ms, 0, no_limit, any, true,
     "largest cpu_ms that a request or a script may ask for, and the limit where none is set; 0: "
     "no "
     "limit but the deadline"},
    {"max_deadline_ms", &P::max_deadline_ms, 0, no_limit, any, true,
     "largest deadline_ms that a request or a script may ask for; rises with the pool's "
     "deadline_ms unless it is set; 0: no limit"},
    {"memory_mb", &P::memory_mb, 8, 1 << 20, any, true, "memory of a request's JavaScript"},
    {"preload", &P::preload, 0, 0, any, true,
     "files that every script finds evaluated, in this order"},
    {"queue", &P::queue, 0, 1'000'000, any, true, "requests that wait for a worker"},
    {"recycle_age_s", &P::recycle_age_s, 0, no_limit, any, true,
     "reuse: a worker is replaced after so long; 0: never"},
    {"recycle_memory_mb", &P::recycle_memory_mb, 0, 1 << 20, any, true,
     "reuse: a worker with more resident memory is replaced; 0: never"},
    {"recycle_requests", &P::recycle_requests, 0, 1e9, any, true,
     "reuse: a worker is replaced after so many requests; 0: never"},
    {"rewind_max_mb", &P::rewind_max_mb, 1, 1 << 20, any, true,
     "a worker whose request wrote more memory is replaced instead of rewound"},
    {"rewind_scan", &P::rewind_scan, 0, 0, "auto|pagemap_scan|pagemap|drop", true,
     "how a rewind finds the changed pages"},
    {"rewind_verify", &P::rewind_verify, 0, 1, any, true,
     "fraction of the rewinds after which the whole memory is compared"},
    {"script_writers", &P::script_writers, 0, 0, any, true,
     "who may put and delete this pool's scripts, beside admins: users, or groups as \"@group\""},
    {"spares", &P::spares, 0, 4096, "auto", true,
     "idle workers beyond `workers` under process isolation; auto: as many as `workers`"},
    {"workers", &P::workers, 1, 4096, "auto", true,
     "requests that run at the same time; auto: twice the processors, at least 4"},
};

template <typename Owner> std::string allowed(const Setting<Owner> &row) {
  switch (row.field.index()) {
  case 0:
  case 1: {
    const std::string_view kind = row.field.index() == 0 ? "a whole number" : "a number";
    return fmt::format("{} from {} to {}{}", kind, row.least, row.most,
                       row.choices == "auto" ? " or \"auto\"" : "");
  }
  case 2:
    return row.choices.empty() ? "a string" : fmt::format("one of {}", row.choices);
  default:
    return "a list of strings";
  }
}

std::string shown(const SettingValue &value) {
  if (const auto *number = std::get_if<int64_t>(&value))
    return fmt::format("{}", *number);
  if (const auto *decimal = std::get_if<double>(&value))
    return fmt::format("{}", *decimal);
  if (const auto *text = std::get_if<std::string>(&value))
    return fmt::format("\"{}\"", *text);
  return "a list";
}

bool is_choice(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const size_t end = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, end) == text)
      return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

// Takes the value over if it is of the field's type and within its range.
template <typename Owner>
bool accept(const Setting<Owner> &row, int64_t &field, const SettingValue &value) {
  // `field` is a copy's, which is dropped when the value is refused.
  if (const auto *text = std::get_if<std::string>(&value)) {
    field = automatic;
    return row.choices == "auto" && *text == "auto";
  }
  const auto *number = std::get_if<int64_t>(&value);
  if (!number || static_cast<double>(*number) < row.least ||
      static_cast<double>(*number) > row.most)
    return false;
  field = *number;
  return true;
}

template <typename Owner>
bool accept(const Setting<Owner> &row, double &field, const SettingValue &value) {
  if (const auto *whole = std::get_if<int64_t>(&value))
    field = static_cast<double>(*whole);
  else if (const auto *decimal = std::get_if<double>(&value))
    field = *decimal;
  else
    return false;
  return field >= row.least && field <= row.most;
}

template <typename Owner>
bool accept(const Setting<Owner> &row, std::string &field, const SettingValue &value) {
  const auto *text = std::get_if<std::string>(&value);
  if (!text || (!row.choices.empty() && !is_choice(row.choices, *text)))
    return false;
  field = *text;
  return true;
}

template <typename Owner>
bool accept(const Setting<Owner> &, std::vector<std::string> &field, const SettingValue &value) {
  const auto *list = std::get_if<std::vector<std::string>>(&value);
  if (list)
    field = *list;
  return list != nullptr;
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
  if (!std::visit([&](auto field) { return accept(*row, changed.*field, value); }, row->field))
    return Error(ErrorCode::invalid_request, fmt::format("{}: {}{}: must be {}, not {}", origin,
                                                         prefix, key, allowed(*row), shown(value)));
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

std::string_view isolation_name(Isolation isolation) {
  switch (isolation) {
  case Isolation::reuse:
    return "reuse";
  case Isolation::rewind:
    return "rewind";
  case Isolation::process:
    break;
  }
  return "process";
}

bool isolation_from_name(std::string_view name, Isolation &isolation) {
  for (const Isolation candidate : {Isolation::reuse, Isolation::rewind, Isolation::process})
    if (name == isolation_name(candidate)) {
      isolation = candidate;
      return true;
    }
  return false;
}

Isolation PoolSettings::isolation_mode() const {
  Isolation mode = Isolation::process;
  const bool is_known = isolation_from_name(isolation, mode);
  invariant(is_known, "a setting holds one of its choices");
  return mode;
}

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
