// SPDX-License-Identifier: Apache-2.0
// Replies, and the C functions that read them.
#include "client/reply.h"
#include "ipc/buffer.h"
#include "ipc/message_pack.h"

#include <msgpack.hpp>

namespace {

std::string text_of(lethe_value value) {
  const char *bytes = nullptr;
  size_t size = 0;
  return lethe_value_bytes(value, &bytes, &size) ? std::string(bytes, size) : std::string();
}

} // namespace

lethe_reply *lethe_reply::result(std::string_view value) {
  return new lethe_reply{true, std::string(value), {}, {}};
}

lethe_reply *lethe_reply::error(std::string_view value) {
  auto *reply = new lethe_reply{false, std::string(value), {}, {}};
  const lethe_value map = lethe_reply_value(reply);
  reply->code = text_of(lethe_value_get(map, "code"));
  reply->message = text_of(lethe_value_get(map, "message"));
  if (reply->code.empty()) { // not a daemon of ours: other servers' errors are often plain strings
    reply->code = lethe::error_name(lethe::ErrorCode::internal);
    reply->message = text_of(map);
  }
  return reply;
}

lethe_reply *lethe_reply::error(std::string_view code, std::string_view message) {
  lethe::Buffer map;
  msgpack::packer packer(map);
  packer.pack_map(2);
  packer.pack(std::string_view("code"));
  packer.pack(code);
  packer.pack(std::string_view("message"));
  packer.pack(message);
  return error(map.view());
}

lethe_reply *lethe_reply::error(const lethe::Error &error) {
  return lethe_reply::error(lethe::error_name(error.code), error.message);
}

bool lethe_reply_ok(const lethe_reply *reply) { return reply->ok; }

lethe_value lethe_reply_value(const lethe_reply *reply) {
  return {reply->bytes.data(), reply->bytes.size()};
}

const char *lethe_reply_code(const lethe_reply *reply) {
  return reply->ok ? nullptr : reply->code.c_str();
}

const char *lethe_reply_message(const lethe_reply *reply) {
  return reply->ok ? nullptr : reply->message.c_str();
}

void lethe_reply_free(lethe_reply *reply) { delete reply; }
