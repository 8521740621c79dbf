// SPDX-License-Identifier: Apache-2.0
// lethe-snapshot's command line. The manual page is made from it, too.
#pragma once

#include "snapshot/builder.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lethe {

struct SnapshotCommandLine {
  CLI::App *build = nullptr, *inspect = nullptr, *verify = nullptr; // the one that was parsed
  std::string cache_dir, output;                                    // build: one of them
  BuildLimits limits;
  std::string file;                 // inspect, verify
  std::vector<std::string> preload; // build, verify
};

// What `app` parses goes to `line`, which must outlive it.
void add_subcommands(CLI::App &app, SnapshotCommandLine &line);

} // namespace lethe
