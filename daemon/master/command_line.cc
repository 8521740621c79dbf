// SPDX-License-Identifier: Apache-2.0
// The options; each sets something in the SettingsSources.
#include "daemon/master/command_line.h"

#include <CLI/CLI.hpp>

namespace lethe {
namespace {

// Options that are settings under another name.
struct Shortcut {
  const char *option, *key, *type;
};
constexpr Shortcut shortcuts[] = {
    {"--socket", "socket", "PATH"},
    {"--state-dir", "state_dir", "DIR"},
    {"--cache-dir", "cache_dir", "DIR"},
    {"--log-level", "log_level", "LEVEL"},
};

} // namespace

void add_options(CLI::App &app, CommandLine &line) {
  auto &overrides = line.sources.overrides;
  app.add_option_function<std::string>(
         "--config",
         [&line](const std::string &file) {
           line.sources.config_file = file;
           line.sources.config_file_required = true;
         },
         "Configuration file; conf.d/*.toml beside it follow (default: " +
             line.sources.config_file + ")")
      ->type_name("FILE")
      ->take_last();
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&overrides](const std::vector<std::string> &assignments) {
           for (const std::string &assignment : assignments) {
             const size_t equals = assignment.find('=');
             if (equals == std::string::npos)
               throw CLI::ValidationError("--set " + assignment, "KEY=VALUE is expected");
             overrides.push_back(
                 {assignment.substr(0, equals), assignment.substr(equals + 1), "--set"});
           }
         },
         "Set a value as in the file, pool.default.workers=8 for instance; may be repeated")
      ->type_name("KEY=VALUE")
      // A list would take all words that follow for its own.
      ->allow_extra_args(false);
  for (const Shortcut &shortcut : shortcuts)
    app.add_option_function<std::string>(
           shortcut.option,
           [&overrides, shortcut](const std::string &value) {
             overrides.push_back({shortcut.key, value, shortcut.option});
           },
           std::string("The same as --set ") + shortcut.key + "=" + shortcut.type)
        ->type_name(shortcut.type)
        ->take_last();
  app.add_flag("--check-config", line.check_config, "Check the configuration, and end");
  app.set_version_flag("--version", LETHE_VERSION);
}

std::optional<int> parse(int count, char **words, CommandLine &line) {
  CLI::App app("Runs JavaScript for other programs, and forgets every request.", "lethed");
  add_options(app, line);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

} // namespace lethe
