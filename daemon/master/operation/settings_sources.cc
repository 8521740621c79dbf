// SPDX-License-Identifier: Apache-2.0
// Reading settings with toml++.
#include "daemon/master/operation/settings_sources.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

// Some of what the parser asserts is the file's doing ("[;"). It must not end a daemon that reloads.
namespace lethe {
struct ParserAtALoss {};
constexpr void expect_of_parser(bool holds) {
  if (!holds)
    throw ParserAtALoss();
}
} // namespace lethe
#define TOML_ASSERT(holds) ::lethe::expect_of_parser(static_cast<bool>(holds))
#include <toml++/toml.h>

namespace lethe {
namespace {

std::optional<SettingValue> setting_value(const toml::node &node) {
  if (const auto *number = node.as_integer())
    return number->get();
  if (const auto *decimal = node.as_floating_point())
    return decimal->get();
  if (const auto *flag = node.as_boolean())
    return flag->get();
  if (const auto *text = node.as_string())
    return text->get();
  if (const auto *array = node.as_array()) {
    std::vector<std::string> list;
    for (const toml::node &element : *array) {
      const auto *text = element.as_string();
      if (!text)
        return std::nullopt;
      list.push_back(text->get());
    }
    return list;
  }
  return std::nullopt;
}

// Walks a table: tables give the key's parts, everything else is a value.
Result<Nothing> assign_table(Settings &settings, const toml::table &table,
                             const std::string &prefix, const std::string &file) {
  for (auto &&[key, node] : table) {
    const std::string dotted = prefix + std::string(key.str());
    const std::string origin = fmt::format("{}:{}", file, node.source().begin.line);
    if (const auto *inner = node.as_table()) {
      if (inner->empty() && prefix == "pool.")
        settings.pools[std::string(key.str())]; // [pool.NAME] alone: a pool with the defaults
      if (auto assigned = assign_table(settings, *inner, dotted + ".", file); !assigned)
        return assigned;
      continue;
    }
    const auto value = setting_value(node);
    if (!value)
      return Error(
          ErrorCode::invalid_request,
          fmt::format("{}: {}: must be a number, true or false, a string or a list of strings",
                      origin, dotted));
    if (auto assigned = assign_setting(settings, dotted, *value, origin); !assigned)
      return assigned;
  }
  return Nothing{};
}

Result<Nothing> assign_file(Settings &settings, const std::string &file) {
  try {
    return assign_table(settings, toml::parse_file(file), "", file);
  } catch (const toml::parse_error &error) {
    const auto line = error.source().begin.line;
    return Error(ErrorCode::invalid_request,
                 line > 0 ? fmt::format("{}:{}: {}", file, line, error.description())
                          : fmt::format("{}: {}", file, error.description()));
  } catch (const ParserAtALoss &) {
    return Error(ErrorCode::invalid_request,
                 fmt::format("{}: not TOML: a [table] or a key has no name", file));
  }
}

Result<Nothing> assign_override(Settings &settings, const SettingsSources::Override &override) {
  SettingValue value = override.text;
  try {
    const toml::table table = toml::parse("value = " + override.text);
    if (const auto parsed = setting_value(*table.get("value")))
      value = *parsed;
  } catch (const toml::parse_error &) { // not TOML: a string without quotes, as in a shell
  } catch (const ParserAtALoss &) {     // nor is that
  }
  return assign_setting(settings, override.key, value, override.origin);
}

// The service manager's folder, else the system's for root, else one in the user's home.
std::string own_folder(const char *variable, const char *system, const char *in_home,
                       std::string &origin) {
  // systemd may name several folders, with colons between them: the first one is taken.
  if (const char *given = std::getenv(variable); given && *given) {
    origin = fmt::format("environment: {}", variable);
    return std::string(given, std::string_view(given).find(':') == std::string_view::npos
                                  ? std::string_view(given).size()
                                  : std::string_view(given).find(':'));
  }
  const char *home = std::getenv("HOME");
  if (geteuid() == 0 || !home || !*home)
    return system;
  return std::string(home) + in_home;
}

void assign_defaults(Settings &settings) {
  std::string state_origin, cache_origin;
  settings.state_dir =
      own_folder("STATE_DIRECTORY", "/var/lib/lethe", "/.local/state/lethe", state_origin);
  settings.cache_dir =
      own_folder("CACHE_DIRECTORY", "/var/cache/lethe", "/.cache/lethe", cache_origin);
  if (!state_origin.empty())
    settings.origins["state_dir"] = state_origin;
  if (!cache_origin.empty())
    settings.origins["cache_dir"] = cache_origin;
  settings.socket = "/run/lethe/lethe.sock";
  if (const char *socket = std::getenv("LETHE_SOCKET"); socket && *socket) {
    settings.socket = socket;
    settings.origins["socket"] = "environment: LETHE_SOCKET";
  }
}

} // namespace

Result<Settings> load_settings(const SettingsSources &sources) {
  namespace fs = std::filesystem;
  Settings settings;
  assign_defaults(settings);
  std::vector<std::string> files;
  std::error_code ignored;
  if (sources.config_file_required || fs::exists(sources.config_file, ignored))
    files.push_back(sources.config_file);
  const fs::path folder = fs::path(sources.config_file).parent_path() / "conf.d";
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored))
    if (entry->path().extension() == ".toml")
      files.push_back(entry->path().string());
  // A folder lists its files in no order.
  std::sort(files.begin() + (files.empty() || files[0] != sources.config_file ? 0 : 1),
            files.end());
  for (const std::string &file : files)
    if (auto assigned = assign_file(settings, file); !assigned)
      return assigned.error();
  for (const auto &override : sources.overrides)
    if (auto assigned = assign_override(settings, override); !assigned)
      return assigned.error();
  if (auto settled = settle_settings(settings); !settled)
    return settled.error();
  return settings;
}

} // namespace lethe
