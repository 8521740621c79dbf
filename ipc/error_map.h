// SPDX-License-Identifier: Apache-2.0
// What a client gets of an error: {code, message, …}.
#pragma once

#include "ipc/error.h"
#include "ipc/packer.h"

namespace lethe {

// The error's further keys with their values, within a map.
inline void pack_keys(Packer &packer, const Error &error) {
  for (const auto &[key, value] : error.keys) {
    pack_string(packer, key);
    if (const auto *number = std::get_if<int64_t>(&value))
      packer.pack_int64(*number);
    else
      pack_string(packer, std::get<std::string>(value));
  }
}

// The map; `more` pairs of it follow.
inline void pack_error(Packer &packer, const Error &error, size_t more = 0) {
  packer.pack_map(static_cast<uint32_t>(2 + error.keys.size() + more));
  pack_string(packer, "code");
  pack_string(packer, error_name(error.code));
  pack_string(packer, "message");
  pack_string(packer, error.message);
  pack_keys(packer, error);
}

} // namespace lethe
