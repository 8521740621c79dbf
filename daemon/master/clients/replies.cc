// SPDX-License-Identifier: Apache-2.0
#include "daemon/master/clients/replies.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"
#include "ipc/rpc.h"

namespace lethe {
namespace {

void write_error_as(Buffer &out, const Error &error, ErrorShape shape) {
  if (shape == ErrorShape::map)
    return write_error(out, error);
  constexpr int exception = 0; // the one of Neovim's types of errors that says no more
  Packer packer(out);
  if (shape == ErrorShape::pair)
    packer.pack_array(2).pack_int(exception);
  pack_text(packer, std::string(error_name(error.code)).append(": ").append(error.message));
}

} // namespace

void write_result_head(Buffer &out, uint32_t msgid) {
  Packer packer(out);
  begin_response(packer, msgid);
  packer.pack_nil();
}

void write_error_response(Buffer &out, uint32_t msgid, const Error &error, ErrorShape shape) {
  Packer packer(out);
  begin_response(packer, msgid);
  write_error_as(out, error, shape);
  packer.pack_nil();
}

void write_error_response(Buffer &out, std::string_view raw_msgid, const Error &error,
                          ErrorShape shape) {
  Packer packer(out);
  packer.pack_array(4).pack_uint8(rpc_response);
  out.append(raw_msgid);
  write_error_as(out, error, shape);
  packer.pack_nil();
}

bool write_raw_error_response(Buffer &out, uint32_t msgid, std::string_view error_map, int step,
                              ErrorShape shape) {
  Reader reader(error_map);
  const auto pairs = reader.map();
  if (!pairs)
    return false;
  if (shape != ErrorShape::map) {
    write_error_response(out, msgid, error_from_map(error_map), shape);
    return true;
  }
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
