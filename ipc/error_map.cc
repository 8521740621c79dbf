// SPDX-License-Identifier: Apache-2.0
#include "ipc/error_map.h"
#include "ipc/message_pack.h"

namespace lethe {

void write_error(Buffer &out, const Error &error, size_t more) {
  Packer packer(out);
  packer.pack_map(static_cast<uint32_t>(2 + error.keys.size() + more));
  pack_string(packer, "code");
  pack_string(packer, error_name(error.code));
  pack_string(packer, "message");
  pack_string(packer, error.message);
  write_error_keys(out, error);
}

void write_error_keys(Buffer &out, const Error &error) {
  Packer packer(out);
  for (const auto &[key, value] : error.keys) {
    pack_string(packer, key);
    if (const auto *number = std::get_if<int64_t>(&value))
      packer.pack_int64(*number);
    else
      pack_string(packer, std::get<std::string>(value));
  }
}

Error error_from_map(std::string_view map) {
  Error error(ErrorCode::internal, "an error without a message");
  Reader reader(map);
  const auto pairs = reader.map();
  for (uint32_t i = 0; pairs && i < *pairs; ++i) {
    const auto key = reader.string();
    const auto raw = reader.take_raw();
    if (!key || !raw)
      break;
    Item item;
    Reader(*raw).next(item);
    if (*key == "message" && item.kind == Kind::string)
      error.message = item.bytes;
    else if (*key == "code" && item.kind == Kind::string)
      error.code = code_from_name(item.bytes).value_or(ErrorCode::internal);
    else if (item.kind == Kind::string)
      error.keys.emplace_back(*key, std::string(item.bytes));
    else if (item.kind == Kind::integer)
      error.keys.emplace_back(*key, item.integer);
  }
  return error;
}

} // namespace lethe
