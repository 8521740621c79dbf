// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker/scripts/script_definition.h"

namespace lethe {

Result<Nothing> ScriptDefinition::read_source_map(v8::Local<v8::Context> context) {
  const std::string_view text = options->source_map.value_or("");
  if (text.empty()) {
    if (!source_map)
      source_map = SourceMap::find_inline(context, source);
    return Nothing{};
  }
  auto map = SourceMap::parse(context, text);
  if (!map)
    return map.error();
  source_map = std::move(*map);
  auto others = *options;
  others.source_map.reset();
  options = message::Kept(others);
  return Nothing{};
}

} // namespace lethe
