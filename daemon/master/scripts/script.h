// SPDX-License-Identifier: Apache-2.0
// A registered script, and what its options say about its calls.
#pragma once

#include "daemon/master/operation/settings.h"
#include "daemon/master/scripts/limits.h"
#include "ipc/buffer.h"
#include "ipc/error.h"
#include "ipc/messages.h"

#include <memory>
#include <string>

namespace lethe {

// Never changed after it was made; shared by the registry, the builder of a generation and the
// store.
struct Script {
  Script() = default;
  Script(const Script &) = delete;

  std::string pool, name, source;
  std::string options; // MessagePack map, as it came
  // Read from it, by give_options() in request_options.h.
  Limits limits;
  message::LoadOptions load_options; // views into it
  int64_t version = 1;
};
using ScriptPointer = std::shared_ptr<const Script>;

// 1 to 255 bytes of UTF-8 without control characters. Slashes are fine.
Result<Nothing> check_script_name(std::string_view name);

} // namespace lethe
