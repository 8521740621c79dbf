// SPDX-License-Identifier: Apache-2.0
// Reading the option maps of call, eval, chain and script.put.
#pragma once

#include "daemon/master/script.h"

#include <string_view>

namespace lethe {

enum class CallKind : uint8_t { call, eval, inspect, profile, heap };

// Views are into the message.
struct CallOptions {
  std::string_view pool = "default";
  Limits limits;
  bool console = false, stats = false, idempotent = false;
  std::string_view trace;
  std::string_view globals = "\xc0"; // raw: a map, or nil
  int64_t number = 0; // inspect: 1 to pause at the beginning; profile: for how many ms
};

struct ScriptOptions {
  std::optional<std::string_view> pool;
  Limits limits;
};

// `raw` is a map, or nil, or empty (left out). Errors name the key.
Result<CallOptions> read_call_options(std::string_view raw, CallKind kind);
Result<ScriptOptions> read_script_options(std::string_view raw);

} // namespace lethe
