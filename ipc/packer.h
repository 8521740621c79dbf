// SPDX-License-Identifier: Apache-2.0
// Writing MessagePack into a Buffer: what replies to clients and bodies of frames are made of.
#pragma once

#include "ipc/buffer.h"

#include <cstdint>
#include <msgpack/pack.hpp>
#include <string_view>

namespace lethe {

using Packer = msgpack::packer<Buffer>;

inline void pack_string(Packer &packer, std::string_view text) {
  const auto bytes = static_cast<uint32_t>(text.size());
  packer.pack_str(bytes);
  packer.pack_str_body(text.data(), bytes);
}

} // namespace lethe
