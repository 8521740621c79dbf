// SPDX-License-Identifier: Apache-2.0
// Names of scripts.
#include "daemon/master/scripts/script.h"
#include "ipc/utf8.h"

namespace lethe {

Result<Nothing> check_script_name(std::string_view name) {
  if (name.empty() || name.size() > 255)
    return Error(ErrorCode::invalid_request, "a script's name has 1 to 255 bytes");
  for (std::string_view rest = name; !rest.empty();) {
    const size_t length = utf8_character_bytes(rest);
    const auto first = static_cast<uint8_t>(rest[0]);
    if (length == 0)
      return Error(ErrorCode::invalid_request, "a script's name must be UTF-8");
    const bool c1_control = first == 0xc2 && static_cast<uint8_t>(rest[1]) < 0xa0;
    if (first < 0x20 || first == 0x7f || c1_control)
      return Error(ErrorCode::invalid_request, "a script's name has no control characters");
    rest.remove_prefix(length);
  }
  return Nothing{};
}

} // namespace lethe
