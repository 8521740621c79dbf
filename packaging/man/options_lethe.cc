// SPDX-License-Identifier: Apache-2.0
// The command's subcommands.
#include "client/command/command_line.h"
#include "packaging/man/options.h"

#include <cstdio>

void lethe::print_lethe() {
  CLI::App app("", "lethe");
  command::CommandLine line;
  command::add_common_options(app, line);
  command::add_limit_options(app, line);
  const OptionList common = own_options(app, {});
  command::add_call_commands(app, line);
  command::add_script_commands(app, line);
  command::add_service_commands(app, line);
  command::add_top_command(app, line);
  command::add_debug_commands(app, line);
  command::add_run_command(app, line);
  command::add_bundle_command(app, line);
  std::puts(".Bl -tag -width Ds");
  print_subcommands(app, "", common);
  std::puts(".El\n.Pp\nOptions of all subcommands, as far as they make sense there:");
  print_options(common);
}
