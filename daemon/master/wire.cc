// SPDX-License-Identifier: Apache-2.0
// Responses and error maps.
#include "daemon/master/wire.h"
#include "ipc/message_pack.h"

namespace lethe {

void write_error(Buffer &out, const Error &error) {
  Packer packer(out);
  packer.pack_map(static_cast<uint32_t>(2 + error.keys.size()));
  pack_string(packer, "code");
  pack_string(packer, error_name(error.code));
  pack_string(packer, "message");
  pack_string(packer, error.message);
  for (const auto &[key, value] : error.keys) {
    pack_string(packer, key);
    if (const auto *number = std::get_if<int64_t>(&value))
      packer.pack_int64(*number);
    else
      pack_string(packer, std::get<std::string>(value));
  }
}

void write_result_head(Buffer &out, uint32_t msgid) {
  Packer packer(out);
  packer.pack_array(4).pack_uint8(1).pack_uint32(msgid).pack_nil();
}

void write_error_response(Buffer &out, uint32_t msgid, const Error &error) {
  Packer packer(out);
  packer.pack_array(4).pack_uint8(1).pack_uint32(msgid);
  write_error(out, error);
  packer.pack_nil();
}

bool write_raw_error_response(Buffer &out, uint32_t msgid, std::string_view error_map, int step) {
  Reader reader(error_map);
  const auto pairs = reader.map();
  if (!pairs)
    return false;
  Packer packer(out);
  packer.pack_array(4).pack_uint8(1).pack_uint32(msgid);
  packer.pack_map(*pairs + (step >= 0 ? 1 : 0));
  out.append(reader.rest());
  if (step >= 0) {
    pack_string(packer, "step");
    packer.pack_int32(step);
  }
  packer.pack_nil();
  return true;
}

std::string describe_error_map(std::string_view error_map) {
  Reader reader(error_map);
  std::string code, message;
  const auto pairs = reader.map();
  for (uint32_t i = 0; pairs && i < *pairs; ++i) {
    const auto key = reader.string();
    const auto value = reader.take_raw();
    if (!key || !value)
      break;
    if (const auto text = Reader(*value).string()) {
      if (*key == "code")
        code = *text;
      else if (*key == "message")
        message = *text;
    }
  }
  return code.empty() && message.empty() ? "an error without a message" : code + ": " + message;
}

} // namespace lethe
