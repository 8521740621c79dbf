// SPDX-License-Identifier: Apache-2.0
// What a zygote is told when it is executed, made of the rows of settings.def that name it as the
// user: the master gives each as an argument, and the program wants each. There is no default here.
#pragma once

#include "ipc/modes.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lethe {

// The types of the rows; `setting::` finds the enumerations, too.
namespace setting {
using namespace lethe;
using Number = int64_t;
using Fraction = double;
using Switch = bool;
using Text = std::string;
using Texts = std::vector<std::string>;
} // namespace setting

#define LETHE_IF_TOLD_master(...)
#define LETHE_IF_TOLD_zygote(...) __VA_ARGS__
#define LETHE_IF_TOLD_zygote_and_snapshot(...) __VA_ARGS__

struct ZygoteSettings {
  std::string pool; // its name
#define DAEMON_SETTING(key, type, initial, allowed, change, user, help)                            \
  LETHE_IF_TOLD_##user(setting::type key{};)
#define POOL_SETTING DAEMON_SETTING
#include "ipc/settings.def"
#undef DAEMON_SETTING
#undef POOL_SETTING

  bool operator==(const ZygoteSettings &) const = default;
};

enum class SettingUser : uint8_t { master, zygote, zygote_and_snapshot };

// Of an argument.
struct ToldSetting {
  std::string_view key;
  SettingUser user;
  std::string_view help;

  std::string argument() const; // "--memory-mb"
};

// Calls `visit(row, field)` for each, in the order of the rows.
template <typename Told, typename Visit> void for_each_told(Told &settings, Visit visit) {
  static_assert(std::is_same_v<std::remove_const_t<Told>, ZygoteSettings>);
  visit(ToldSetting{"pool", SettingUser::zygote, "the pool's name"}, settings.pool);
#define DAEMON_SETTING(key, type, initial, allowed, change, user, help)                            \
  LETHE_IF_TOLD_##user(visit(ToldSetting{#key, SettingUser::user, help}, settings.key);)
#define POOL_SETTING DAEMON_SETTING
#include "ipc/settings.def"
#undef DAEMON_SETTING
#undef POOL_SETTING
}

// Words for the command line: a name and its value for each row, and for each item of a list.
std::vector<std::string> zygote_arguments(const ZygoteSettings &settings);
// Those that lethe-snapshot has, too: the two programs must agree about the cache key.
std::vector<std::string> snapshot_arguments(const ZygoteSettings &settings);

} // namespace lethe
