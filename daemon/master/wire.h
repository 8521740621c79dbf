// SPDX-License-Identifier: Apache-2.0
// Writing MessagePack: what replies to clients and bodies of frames are made of.
#pragma once

#include "ipc/error.h"
#include "ipc/packer.h"

#include <concepts>
#include <string_view>

namespace lethe {

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

// `{code, message, …}`
void write_error(Buffer &out, const Error &error);
// `[1, msgid, nil,`: the result follows.
void write_result_head(Buffer &out, uint32_t msgid);
// `[1, msgid, error, nil]`
void write_error_response(Buffer &out, uint32_t msgid, const Error &error);
// The same for an error map that a worker made; `step` is added unless negative. False, and nothing
// written, if it is no map.
bool write_raw_error_response(Buffer &out, uint32_t msgid, std::string_view error_map, int step);
// An error map that a worker or zygote made, for the log: "code: message".
std::string describe_error_map(std::string_view error_map);

} // namespace lethe
