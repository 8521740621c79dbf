// SPDX-License-Identifier: Apache-2.0
// Prints the tables of the code as parts of manual pages (mdoc), and the default configuration
// file. usage: tables settings|pool|errors|counters|configuration
#include "daemon/master/operation/counters.h"
#include "daemon/master/operation/settings_sources.h"
#include "packaging/man/mdoc.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

namespace lethe {
namespace {

std::string allowed(const NumberRange &range, std::string_view kind) {
  const std::string automatic_too = range.may_be_automatic ? " or \"auto\"" : "";
  const bool open = range.most >= 1e15; // "no limit"
  return open ? fmt::format("{}from {}{}", kind, range.least, automatic_too)
              : fmt::format("{}from {} to {:.0f}{}", kind, range.least, range.most, automatic_too);
}
std::string allowed(const NumberRange &range, int64_t) { return allowed(range, ""); }
std::string allowed(const NumberRange &range, double) { return allowed(range, "number "); }
std::string allowed(const NumberRange &, bool) { return "true, false"; }
std::string allowed(const NumberRange &, const std::string &) { return ""; }
std::string allowed(const NumberRange &, const std::vector<std::string> &) {
  return "list of strings";
}
template <Named Enumeration> std::string allowed(const NumberRange &, Enumeration) {
  return all_names<Enumeration>();
}

std::string as_toml(int64_t value, const NumberRange &range) {
  return value == automatic && range.may_be_automatic ? "\"auto\"" : std::to_string(value);
}
std::string as_toml(double value, const NumberRange &) { return fmt::format("{:.1f}", value); }
std::string as_toml(bool value, const NumberRange &) { return value ? "true" : "false"; }
std::string as_toml(const std::string &value, const NumberRange &) {
  return fmt::format("\"{}\"", value);
}
template <Named Enumeration> std::string as_toml(Enumeration value, const NumberRange &) {
  return fmt::format("\"{}\"", name_of(value));
}
std::string as_toml(const std::vector<std::string> &list, const NumberRange &) {
  std::string text;
  for (const std::string &value : list)
    text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", value);
  return fmt::format("[{}]", text);
}

template <typename Owner> std::string default_of(const Setting<Owner> &row, const Owner &owner) {
  return std::visit([&](auto field) { return as_toml(owner.*field, row.range); }, row.field);
}

template <typename Owner>
void print_settings(std::span<const Setting<Owner>> table, const Owner &owner) {
  for (const Setting<Owner> &row : table) {
    fmt::print(".It Ic {}\n{}.\n", row.key, mdoc_text(capitalised(row.help)));
    if (const std::string values =
            std::visit([&](auto field) { return allowed(row.range, owner.*field); }, row.field);
        !values.empty())
      fmt::print("Allowed: {}.\n", mdoc_text(values));
    fmt::print("Default: {}.\n", mdoc_text(default_of(row, owner)));
    if (!row.reloadable)
      fmt::print("A change takes a restart.\n");
  }
}

template <typename Owner>
void print_configuration(std::span<const Setting<Owner>> table, const Owner &owner) {
  for (const Setting<Owner> &row : table)
    if (row.key == "sandbox") // a service is to have it
      fmt::print("\n# {}\nsandbox = \"required\"\n", row.help);
    else
      fmt::print("\n# {}\n#{} = {}\n", row.help, row.key, default_of(row, owner));
}

void print_configuration(const Settings &settings) {
  fmt::print("# Configuration of lethed. Each setting stands here, those with # with their "
             "default; lethe.toml(5) "
             "tells more.\n# Files in conf.d, in alphabetical order, go over this one. After a "
             "change: systemctl reload lethed\n");
  print_configuration(daemon_settings(), settings);
  fmt::print("\n# A pool is a set of workers; requests go to this one unless they name another.\n"
             "[pool.default]\n");
  print_configuration(pool_settings(), settings.pools.at("default"));
}

void print_errors() {
#define LETHE_ROW(name, help) fmt::print(".It Ic {}\n{}.\n", #name, mdoc_text(capitalised(help)));
  LETHE_ERROR_CODES(LETHE_ROW)
#undef LETHE_ROW
}

void print_counters() {
#define LETHE_ROW(name, help) fmt::print(".It Ic {}\n{}.\n", #name, mdoc_text(capitalised(help)));
  LETHE_COUNTERS(LETHE_ROW)
#undef LETHE_ROW
}

int print_table(std::string_view name) {
  // The installed service's defaults, whoever builds the manual.
  for (const char *variable : {"HOME", "STATE_DIRECTORY", "CACHE_DIRECTORY", "LETHE_SOCKET"})
    unsetenv(variable);
  SettingsSources none;
  none.config_file = "/nonexistent/lethe.toml";
  const auto settings = load_settings(none);
  if (!settings)
    return 1;
  if (name == "settings")
    print_settings(daemon_settings(), *settings);
  else if (name == "pool")
    print_settings(pool_settings(), settings->pools.at("default"));
  else if (name == "errors")
    print_errors();
  else if (name == "counters")
    print_counters();
  else if (name == "configuration")
    print_configuration(*settings);
  else
    return 1;
  return 0;
}

} // namespace
} // namespace lethe

int main(int argc, char **argv) { return argc == 2 ? lethe::print_table(argv[1]) : 1; }
