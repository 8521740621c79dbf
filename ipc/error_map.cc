// SPDX-License-Identifier: Apache-2.0
#include "ipc/error_map.h"
#include "ipc/message_pack.h"
#include "ipc/utf8.h"

namespace lethe {

void pack_text(Packer &packer, std::string_view text) {
  if (is_utf8(text))
    return pack_string(packer, text);
  pack_string(packer, with_replacements(text));
}

void write_error(Buffer &out, const Error &error, size_t more) {
  Packer packer(out);
  packer.pack_map(static_cast<uint32_t>(2 + error.keys.size() + more));
  pack_string(packer, "code");
  pack_string(packer, error_name(error.code));
  pack_string(packer, "message");
  pack_text(packer, error.message);
  write_error_keys(out, error);
}

void write_error_keys(Buffer &out, const Error &error) {
  Packer packer(out);
  for (const auto &[key, value] : error.keys) {
    pack_string(packer, key);
    if (const auto *number = std::get_if<int64_t>(&value))
      packer.pack_int64(*number);
    else
      pack_text(packer, std::get<std::string>(value));
  }
}

bool is_error_map(std::string_view map) {
  bool has_code = false, has_message = false;
  Reader reader(map);
  const auto pairs = reader.map();
  for (uint32_t i = 0; pairs && i < *pairs; ++i) {
    const auto key = reader.string();
    Item item;
    const auto raw = reader.take_raw();
    if (!key || !raw || !Reader(*raw).next(item))
      return false;
    if (*key == "code")
      has_code = item.kind == Kind::string && code_from_name(item.bytes);
    else if (*key == "message")
      has_message = item.kind == Kind::string;
  }
  return has_code && has_message;
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
