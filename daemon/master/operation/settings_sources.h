// SPDX-License-Identifier: Apache-2.0
// Where settings come from: defaults of the environment, TOML files, the command line.
#pragma once

#include "daemon/master/operation/settings.h"

namespace lethe {

struct SettingsSources {
  std::string config_file = "/etc/lethe/lethe.toml"; // conf.d/*.toml beside it follow
  bool config_file_required = false;                 // it was named: it must be there
  struct Override {
    std::string key, text; // text as in TOML; what isn't TOML is a string
    std::string origin;    // "--set", "--socket"
  };
  std::vector<Override> overrides; // the last ones win
};

// Reads them all, in order. Errors name file, line and key.
Result<Settings> load_settings(const SettingsSources &sources);

} // namespace lethe
