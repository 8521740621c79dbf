// SPDX-License-Identifier: Apache-2.0
#include "daemon/master/clients/replies.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"
#include "ipc/rpc.h"

namespace lethe {

void write_result_head(Buffer &out, uint32_t msgid) {
  Packer packer(out);
  begin_response(packer, msgid);
  packer.pack_nil();
}

void write_error_response(Buffer &out, uint32_t msgid, const Error &error) {
  Packer packer(out);
  begin_response(packer, msgid);
  write_error(out, error);
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

} // namespace lethe
