// SPDX-License-Identifier: Apache-2.0
// What can be configured: the values, and the two tables that describe each of them. All are made of
// the rows in ipc/settings.def.
#pragma once

#include "daemon/master/operation/log.h"
#include "ipc/error.h"
#include "ipc/zygote_settings.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lethe {

// Of this machine.
size_t processors();

inline constexpr int64_t automatic = -1; // the value of "auto"

#define DAEMON_SETTING(...)
#define POOL_SETTING(key, type, initial, ...) setting::type key = initial;
struct PoolSettings {
#include "ipc/settings.def"

  bool operator==(const PoolSettings &) const = default;
  size_t worker_count() const; // "auto" resolved
  size_t spare_count() const;
  // Under `in_force`, of a worker that serves more than one request; 0: no limit.
  int64_t most_age_s(Isolation in_force) const;
  uint64_t most_requests() const;
};

#undef DAEMON_SETTING
#undef POOL_SETTING

#define DAEMON_SETTING(key, type, initial, ...) setting::type key = initial;
#define POOL_SETTING(...)
struct Settings {
#include "ipc/settings.def"

  std::map<std::string, PoolSettings> pools = {{"default", {}}};

  // Where each value that is not the default was set: "/etc/lethe/lethe.toml:3", "--set",
  // "environment". By dotted key.
  std::map<std::string, std::string> origins;
};
#undef DAEMON_SETTING
#undef POOL_SETTING

// What a number may be.
struct NumberRange {
  double least, most;
  bool may_be_automatic; // called "auto"
};

// One row of a table. The default is the field's value in a new Settings or PoolSettings.
template <typename Owner> struct Setting {
  using Field = std::variant<int64_t Owner::*, double Owner::*, bool Owner::*, std::string Owner::*,
                             std::vector<std::string> Owner::*, Choice Owner::*, Isolation Owner::*,
                             ScanMethod Owner::*, LogLevel Owner::*, SandboxMode Owner::*,
                             CgroupsMode Owner::*>;
  std::string_view key;
  Field field;
  NumberRange range; // 0, 0 for other types
  bool reloadable;
  std::string_view help;
};

std::span<const Setting<Settings>> daemon_settings();
std::span<const Setting<PoolSettings>> pool_settings(); // keys follow "pool.NAME."

using SettingValue = std::variant<int64_t, double, bool, std::string, std::vector<std::string>>;

// Sets one value by its dotted key; a pool that is named first here comes to be. The error names
// the key, `origin` and what is allowed.
Result<Nothing> assign_setting(Settings &settings, std::string_view key, const SettingValue &value,
                               const std::string &origin);

// Once all values are assigned: a pool's own limits are within the most that it gives to requests.
// max_deadline_ms, if it was not set, rises with deadline_ms; otherwise the error names both keys.
Result<Nothing> settle_settings(Settings &settings);

// Calls `visit(dotted key, field's value, its row)`, the daemon's settings first: see show_config()
// in methods_operation.cc. The value has the field's type, so `visit` is a generic lambda.
template <typename Visitor> void for_each_setting(const Settings &settings, Visitor visit) {
  for (const auto &row : daemon_settings())
    std::visit([&](auto field) { visit(std::string(row.key), settings.*field, row); }, row.field);
  for (const auto &entry : settings.pools)
    for (const auto &row : pool_settings())
      std::visit(
          [&](auto field) {
            visit("pool." + entry.first + "." + std::string(row.key), entry.second.*field, row);
          },
          row.field);
}

// What a new zygote of the pool `name` is told.
ZygoteSettings zygote_settings(const Settings &settings, const std::string &name,
                               const PoolSettings &pool);

// Keeps what can't change while the daemon runs as it is in `present`; returns the keys for which
// `wanted` says otherwise.
std::vector<std::string> keep_fixed_settings(const Settings &present, Settings &wanted);

} // namespace lethe
