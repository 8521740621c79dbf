// SPDX-License-Identifier: Apache-2.0
// What script.put gave, as far as a zygote needs it.
#pragma once

#include "daemon/worker/scripts/source_map.h"
#include "ipc/message_pack.h"
#include "ipc/messages.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace lethe {

struct ScriptDefinition {
  std::string name;
  int64_t version = 0;
  std::string source;
  bool is_module = false;
  bool has_node_globals = false;
  std::string warm_up;         // MessagePack: [[function, [argument, …]], …], or empty
  std::string source_map_text; // of the option; or empty
  // Read from the option or from the end of the source, once.
  std::optional<SourceMap> source_map;

  // Not a program, but a value for others to import.
  bool is_json() const { return name.ends_with(".json"); }
  bool can_be_imported() const { return is_module || is_json(); }
};

// Nothing if its options are not well-formed.
std::shared_ptr<ScriptDefinition> make_definition(const message::ScriptToLoad &script);

} // namespace lethe
