// SPDX-License-Identifier: Apache-2.0
// What script.put gave, as far as a zygote needs it.
#pragma once

#include "daemon/worker/scripts/source_map.h"
#include "ipc/messages.h"

#include <cstdint>
#include <memory>
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

  // The error says what is wrong with the option.
  Result<Nothing> read_source_map(v8::Local<v8::Context> context);

  // As it is stored beside an image.
  static Buffer pack(const message::ScriptToLoad &script) {
    Buffer packed;
    Packed::write(packed, script);
    return packed;
  }
  static int64_t version_of(std::string_view packed) {
    return message::unpack<Packed>(packed).value().version;
  }
  static std::shared_ptr<ScriptDefinition> unpack(std::string_view packed) {
    return std::make_shared<ScriptDefinition>(message::unpack<Packed>(packed).value());
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
  using Packed = message::Record<message::ScriptToLoad>;
  using PackedCalls = message::List<message::Record<message::WarmUpCall>, message::most_entries>;
  Buffer learned_;
};

} // namespace lethe
