// SPDX-License-Identifier: Apache-2.0
// What can be configured: the values, and the two tables that describe each of them.
#pragma once

#include "ipc/error.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lethe {

// What a request may find of earlier ones; from loose to strict.
enum class Isolation : uint8_t { reuse, rewind, process };
std::string_view isolation_name(Isolation isolation);
// Nothing but the three names is one.
bool isolation_from_name(std::string_view name, Isolation &isolation);

// Of this machine.
size_t processors();

inline constexpr int64_t automatic = 0; // the value of "auto"

struct PoolSettings {
  int64_t workers = automatic;
  int64_t spares = automatic;
  std::string isolation = "rewind";
  int64_t deadline_ms = 3000;
  int64_t load_deadline_ms = 10'000;
  int64_t cpu_ms = 0;
  int64_t max_deadline_ms = 60'000; // as long as liblethe waits for who sets no deadline
  int64_t max_cpu_ms = 0;
  int64_t memory_mb = 128;
  int64_t queue = 1024;
  int64_t busy_poll_us = 50;
  int64_t console_lines = 1000;
  int64_t console_bytes = 64 << 10;
  std::vector<std::string> preload;
  std::string import_map;
  int64_t rewind_max_mb = 64;
  double rewind_verify = 0;
  std::string rewind_scan = "auto";
  int64_t recycle_requests = 100'000;
  int64_t recycle_age_s = 3600;
  int64_t recycle_memory_mb = 256;
  std::vector<std::string> script_writers;

  bool operator==(const PoolSettings &) const = default;
  Isolation isolation_mode() const;
  size_t worker_count() const; // "auto" resolved
  size_t spare_count() const;
};

struct Settings {
  std::string socket;
  std::string socket_mode = "0660";
  std::string socket_group;
  std::string state_dir;
  std::string cache_dir;
  std::string log_level = "info";
  std::vector<std::string> admins;
  int64_t grace_ms = 20;
  int64_t stop_timeout_ms = 5000;
  int64_t snapshot_deadline_ms = 60'000;
  int64_t slow_ms = 1000;
  int64_t max_message_bytes = 16 << 20;
  int64_t max_depth = 256;
  int64_t max_connections = 1000;
  int64_t max_in_flight = 256;
  int64_t max_output_bytes = 4 << 20;
  int64_t max_buffered_mb = 1024;
  int64_t max_scripts_mb = 256;
  int64_t stall_timeout_ms = 30'000;
  std::map<std::string, PoolSettings> pools = {{"default", {}}};

  // Where each value that is not the default was set: "/etc/lethe/lethe.toml:3", "--set",
  // "environment". By dotted key.
  std::map<std::string, std::string> origins;
};

// One row of a table. The default is the field's value in a new Settings or PoolSettings.
template <typename Owner> struct Setting {
  using Field = std::variant<int64_t Owner::*, double Owner::*, std::string Owner::*,
                             std::vector<std::string> Owner::*>;
  std::string_view key;
  Field field;
  double least, most;       // of a number; 0, 0 for other types
  std::string_view choices; // of a text: "a|b|c"; empty: any. "auto" for a number: it is allowed
  bool reloadable;
  std::string_view help;
};

std::span<const Setting<Settings>> daemon_settings();
std::span<const Setting<PoolSettings>> pool_settings(); // keys follow "pool.NAME."

using SettingValue = std::variant<int64_t, double, std::string, std::vector<std::string>>;

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

// Keeps what can't change while the daemon runs as it is in `present`; returns the keys for which
// `wanted` says otherwise.
std::vector<std::string> keep_fixed_settings(const Settings &present, Settings &wanted);

} // namespace lethe
