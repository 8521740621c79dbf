// SPDX-License-Identifier: Apache-2.0
// Names of scripts, and how a zygote gets them.
#include "daemon/master/scripts/script.h"
#include "ipc/packer.h"

namespace lethe {
namespace {

// Length of the UTF-8 character at the front; 0 if it is none (Unicode 15, table 3-7).
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) -> uint8_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : 0;
  };
  const auto continues = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0), second = byte(1);
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0,
               surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90, beyond = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

} // namespace

void Script::pack(Buffer &out) const {
  Packer packer(out);
  packer.pack_array(4);
  pack_string(packer, name);
  packer.pack_int64(version);
  pack_string(packer, source);
  out.append(options);
}

Result<Nothing> check_script_name(std::string_view name) {
  if (name.empty() || name.size() > 255)
    return Error(ErrorCode::invalid_request, "a script's name has 1 to 255 bytes");
  for (std::string_view rest = name; !rest.empty();) {
    const size_t length = utf8_length(rest);
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
