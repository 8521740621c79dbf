// SPDX-License-Identifier: Apache-2.0
// Responses and error maps.
#include "daemon/master/clients/replies.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"
#include "ipc/rpc.h"

namespace lethe {

void write_error(Buffer &out, const Error &error) {
  Packer packer(out);
  pack_error(packer, error);
}

void write_result_head(Buffer &out, uint32_t msgid) {
  Packer packer(out);
  begin_response(packer, msgid);
  packer.pack_nil();
}

void write_error_response(Buffer &out, uint32_t msgid, const Error &error) {
  Packer packer(out);
  begin_response(packer, msgid);
  pack_error(packer, error);
  packer.pack_nil();
}

bool write_raw_error_response(Buffer &out, uint32_t msgid, std::string_view error_map, int step) {
  Reader reader(error_map);
  const auto pairs = reader.map();
  if (!pairs)
    return false;
  Packer packer(out);
  begin_response(packer, msgid);
  // The worker's pairs go on as they are: on_failed() has seen that they are whole.
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
