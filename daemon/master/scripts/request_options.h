// SPDX-License-Identifier: Apache-2.0
// Reading the option maps of the methods that run scripts and of script.put.
#pragma once

#include "daemon/master/operation/hello.h"
#include "daemon/master/scripts/script.h"
#include "ipc/message_pack.h"
#include "ipc/messages.h"

#include <string_view>

namespace lethe {

// Views are into the message.
struct CallOptions {
  std::string_view pool = "default";
  Limits limits;
  bool console = false, stats = false, idempotent = false, fetch = false;
  std::string_view trace;
  std::string_view globals = packed_nil; // raw: a map, or nil
  bool pause = true;                     // inspect: before the function's first statement
  int64_t for_ms = 5000;                 // profile
};

struct ScriptOptions {
  std::optional<std::string_view> pool;
  Limits limits;
  message::LoadOptions load; // what a zygote needs
};

// Which of the scripts.
struct ListOptions {
  std::optional<std::string_view> pool;
  std::string_view prefix; // of their names
  std::string_view after;  // greater names, of one pool
  std::optional<int64_t> limit;
  std::optional<bool> failing, quarantined; // nothing: either
};

// `raw` is a map, or nil, or empty (left out). Errors name the key.
Result<CallOptions> read_call_options(std::string_view raw, RunKind kind);
Result<ScriptOptions> read_script_options(std::string_view raw);
Result<ListOptions> read_list_options(std::string_view raw);
// Keys that are not known are no error: a later client may speak to an earlier daemon.
Result<Hello> read_hello(std::string_view raw);
// Of script.put: the script then has them, and what is returned views it.
Result<ScriptOptions> give_options(Script &script, std::string_view raw);

} // namespace lethe
