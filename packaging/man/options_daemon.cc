// SPDX-License-Identifier: Apache-2.0
// The command lines of lethed and lethe-snapshot.
#include "daemon/master/command_line.h"
#include "packaging/man/options.h"
#include "snapshot/command_line.h"

#include <cstdio>

namespace lethe {

void print_lethed() {
  CLI::App app("", "lethed");
  CommandLine line;
  add_options(app, line);
  print_options(own_options(app, {}));
}

void print_lethe_snapshot() {
  CLI::App app("", "lethe-snapshot");
  SnapshotCommandLine line;
  add_subcommands(app, line);
  std::puts(".Bl -tag -width Ds");
  print_subcommands(app, "", {});
  std::puts(".El");
}

} // namespace lethe
