// SPDX-License-Identifier: Apache-2.0
// How messages on the client socket begin, as MessagePack-RPC has it:
// https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md
#pragma once

#include "ipc/packer.h"

namespace lethe {

enum RpcKind : uint8_t { rpc_request = 0, rpc_response = 1, rpc_notification = 2 };

// The method and the array of its parameters follow.
inline void begin_request(Packer &packer, uint32_t msgid) {
  packer.pack_array(4).pack_uint8(rpc_request).pack_uint32(msgid);
}

// The error and the result follow.
inline void begin_response(Packer &packer, uint32_t msgid) {
  packer.pack_array(4).pack_uint8(rpc_response).pack_uint32(msgid);
}

// One about a request: all of its parameters but the first, the request's msgid, follow.
inline void begin_notification(Packer &packer, std::string_view method, uint32_t msgid,
                               uint32_t parameters) {
  packer.pack_array(3).pack_uint8(rpc_notification);
  pack_string(packer, method);
  packer.pack_array(parameters).pack_uint32(msgid);
}

} // namespace lethe
