// SPDX-License-Identifier: Apache-2.0
// What script.put gave, as far as a zygote needs it.
#pragma once

#include "daemon/worker/scripts/source_map.h"
#include "ipc/messages.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lethe {

struct ScriptDefinition {
  std::string name;
  int64_t version;
  std::string source;
  message::Kept<message::LoadOptions> options;
  // Read from the option, which then goes, or from the end of the source, once.
  std::optional<SourceMap> source_map;

  explicit ScriptDefinition(const message::ScriptToLoad &script)
      : name(script.name), version(script.version), source(script.source), options(script.options) {
  }

  // Not a program, but a value for others to import.
  bool is_json() const { return name.ends_with(".json"); }
  bool can_be_imported() const { return options->module || is_json(); }
};

} // namespace lethe
