// SPDX-License-Identifier: Apache-2.0
// lethed's command line. The manual page is made from it, too.
#pragma once

#include "daemon/master/operation/settings_sources.h"

#include <optional>

namespace CLI {
class App;
}

namespace lethe {

struct CommandLine {
  SettingsSources sources;
  bool check_config = false;
};

// What `app` parses goes to `line`, which must outlive it.
void add_options(CLI::App &app, CommandLine &line);
// The exit status where there is no more to do: what was asked for or is wrong has been printed.
std::optional<int> parse(int count, char **words, CommandLine &line);

} // namespace lethe
