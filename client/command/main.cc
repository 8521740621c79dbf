// SPDX-License-Identifier: Apache-2.0
// The command `lethe`: finds the subcommand and runs it.
#include "client/command/command_line.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace lethe::command {
namespace {

int run_command(int count, char **words) {
  CLI::App app("Runs JavaScript in Lethe's workers and administers the daemon.", "lethe");
  CommandLine line;
  app.set_version_flag("--version", std::string("lethe ") + lethe_version());
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 success, 1 the script failed, 2 wrong usage, 3 a limit was reached,\n"
      "4 the daemon can't be reached, 5 anything else.\n"
      "Results are JSON; what JSON lacks is written {\"$bin\": base64}, {\"$bigint\": \"…\"},\n"
      "{\"$number\": \"NaN\"}, a Date as ISO 8601 text; arguments may be written so, too,\n"
      "a Date as {\"$date\": \"…\"}.");
  add_common_options(app, line);
  add_call_commands(app, line);
  add_script_commands(app, line);
  add_service_commands(app, line);
  add_top_command(app, line);
  add_debug_commands(app, line);
  add_run_command(app, line);
  add_bundle_command(app, line);
  std::vector<std::string> arguments(words + 1, words + count);
  for (std::string &argument : arguments) // CLI11 takes [a, b] apart; a blank in front prevents it
    if (argument.starts_with('[') && argument.ends_with(']'))
      argument.insert(0, 1, ' ');
  std::reverse(arguments.begin(), arguments.end()); // as CLI11 wants it
  try {
    app.parse(arguments);
    return line.action();
  } catch (const UsageError &error) {
    std::cerr << "lethe: " << error.what() << '\n';
    return wrong_usage;
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? success : wrong_usage;
  }
}

} // namespace
} // namespace lethe::command

int main(int count, char **words) {
  try {
    return lethe::command::run_command(count, words);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "lethe: %s\n", error.what());
    return lethe::command::failed;
  }
}
