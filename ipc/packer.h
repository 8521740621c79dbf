// SPDX-License-Identifier: Apache-2.0
// Writing MessagePack into a Buffer: what replies to clients and bodies of frames are made of.
#pragma once

#include "ipc/buffer.h"

#include <concepts>
#include <cstdint>
#include <msgpack/pack.hpp>
#include <string_view>
#include <type_traits>

namespace lethe {

using Packer = msgpack::packer<Buffer>;

inline void pack_string(Packer &packer, std::string_view text) {
  const auto bytes = static_cast<uint32_t>(text.size());
  packer.pack_str(bytes);
  packer.pack_str_body(text.data(), bytes);
}

inline void pack_boolean(Packer &packer, bool value) {
  value ? packer.pack_true() : packer.pack_false();
}

// A map whose number of pairs is known only at its end.
class MapWriter {
public:
  // Writes the key and returns where its value goes: exactly one.
  Buffer &key(std::string_view name) {
    ++pairs_;
    Packer packer(body_);
    pack_string(packer, name);
    return body_;
  }
  void add(std::string_view name, std::integral auto value) {
    Packer packer(key(name));
    if constexpr (std::is_same_v<decltype(value), bool>)
      pack_boolean(packer, value);
    else
      packer.pack_int64(static_cast<int64_t>(value));
  }
  void add_text(std::string_view name, std::string_view text) {
    Packer packer(key(name));
    pack_string(packer, text);
  }
  void finish(Buffer &out) const {
    Packer(out).pack_map(pairs_);
    out.append(body_.view());
  }

private:
  Buffer body_;
  uint32_t pairs_ = 0;
};

} // namespace lethe
