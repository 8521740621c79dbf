// SPDX-License-Identifier: Apache-2.0
// What script.put gave, as far as a zygote needs it.
#pragma once

#include "daemon/worker/scripts/source_map.h"
#include "ipc/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lethe {

using WarmUpCalls = std::vector<message::WarmUpCall>; // views into their script's definition

struct ScriptDefinition {
  std::string name;
  int64_t version;
  std::string source;
  message::Kept<message::LoadOptions> options;
  // Read from the option, which then goes, or from the end of the source, once.
  std::optional<SourceMap> source_map;

  explicit ScriptDefinition(const message::ScriptToLoad &script)
      : name(script.name), version(script.version), source(script.source), options(script.options) {
    PackedCalls::write(learned_, script.learned);
  }

  // The option's, and those of requests.
  WarmUpCalls given_calls() const {
    return options->warm_up ? message::unpack<PackedCalls>(*options->warm_up).value()
                            : WarmUpCalls();
  }
  WarmUpCalls learned_calls() const {
    return message::unpack<PackedCalls>(learned_.view()).value();
  }
  void forget_learned_calls() {
    learned_.clear();
    PackedCalls::write(learned_, {});
  }

  // Not a program, but a value for others to import.
  bool is_json() const { return name.ends_with(".json"); }
  bool can_be_imported() const { return options->module || is_json(); }

private:
  using PackedCalls = message::List<message::Record<message::WarmUpCall>, message::most_entries>;
  Buffer learned_;
};

} // namespace lethe
