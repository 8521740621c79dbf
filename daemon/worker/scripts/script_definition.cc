// SPDX-License-Identifier: Apache-2.0
// Reading what the master sends about a script.
#include "daemon/worker/scripts/script_definition.h"

namespace lethe {

std::shared_ptr<ScriptDefinition> make_definition(const message::ScriptToLoad &script) {
  auto definition = std::make_shared<ScriptDefinition>();
  definition->name = script.name;
  definition->version = script.version;
  definition->source = script.source;
  Reader pairs(script.options);
  Item head;
  const bool has_options = pairs.next(head) && head.kind == Kind::map;
  for (uint32_t left = has_options ? head.count : 0; left > 0; --left) {
    const auto key = pairs.string();
    const auto value = pairs.take_raw();
    if (!key || !value)
      return nullptr;
    if (*key == "module")
      definition->is_module = *value == packed_true;
    else if (*key == "node_globals")
      definition->has_node_globals = *value == packed_true;
    else if (*key == "warm_up" && *value != packed_nil)
      definition->warm_up = *value;
    else if (*key == "source_map" && *value != packed_nil)
      definition->source_map_text = Reader(*value).string().value_or("");
  }
  return definition;
}

} // namespace lethe
