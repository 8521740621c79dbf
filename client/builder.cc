// SPDX-License-Identifier: Apache-2.0
// Building values: the C functions over msgpack-c's packer.
#include "client/include/lethe.h"
#include "client/json.h"
#include "client/reply.h"
#include "client/timestamp.h"
#include "ipc/message_pack.h"

#include <cstring>
#include <msgpack.hpp>

struct lethe_builder {
  lethe::Buffer bytes;
  msgpack::packer<lethe::Buffer> packer{bytes};
};

namespace {

std::string_view text_view(const char *text, size_t size) {
  return {text, size == LETHE_TEXT ? std::strlen(text) : size};
}

} // namespace

lethe_builder *lethe_builder_new() { return new lethe_builder; }

void lethe_builder_free(lethe_builder *builder) { delete builder; }

void lethe_builder_clear(lethe_builder *builder) { builder->bytes.clear(); }

lethe_value lethe_builder_value(const lethe_builder *builder) {
  if (!lethe::is_one_value(builder->bytes.view(), lethe::max_value_depth))
    return {nullptr, 0};
  return {builder->bytes.data(), builder->bytes.size()};
}

void lethe_build_nil(lethe_builder *builder) { builder->packer.pack_nil(); }

void lethe_build_boolean(lethe_builder *builder, bool value) {
  value ? builder->packer.pack_true() : builder->packer.pack_false();
}

void lethe_build_int64(lethe_builder *builder, int64_t value) { builder->packer.pack_int64(value); }

void lethe_build_uint64(lethe_builder *builder, uint64_t value) {
  builder->packer.pack_uint64(value);
}

void lethe_build_double(lethe_builder *builder, double value) {
  lethe::append_floating(builder->bytes, value);
}

void lethe_build_string(lethe_builder *builder, const char *text, size_t size) {
  builder->packer.pack(text_view(text, size));
}

void lethe_build_binary(lethe_builder *builder, const void *bytes, size_t size) {
  builder->packer.pack_bin(static_cast<uint32_t>(size));
  builder->packer.pack_bin_body(static_cast<const char *>(bytes), static_cast<uint32_t>(size));
}

void lethe_build_timestamp(lethe_builder *builder, int64_t seconds, uint32_t nanoseconds) {
  const std::string payload = lethe::encode_timestamp({seconds, nanoseconds});
  builder->packer.pack_ext(payload.size(), lethe::timestamp_extension);
  builder->packer.pack_ext_body(payload.data(), static_cast<uint32_t>(payload.size()));
}

void lethe_build_array(lethe_builder *builder, uint32_t count) {
  builder->packer.pack_array(count);
}

void lethe_build_map(lethe_builder *builder, uint32_t pairs) { builder->packer.pack_map(pairs); }

void lethe_build_value(lethe_builder *builder, lethe_value value) {
  if (value.size == 0)
    builder->packer.pack_nil();
  else
    builder->bytes.write(static_cast<const char *>(value.data), value.size);
}

bool lethe_build_json(lethe_builder *builder, const char *text, size_t size, lethe_reply **error) {
  const auto built = lethe::append_json(text_view(text, size), builder->bytes);
  if (!built && error)
    *error = lethe_reply::error(built.error());
  return bool{built};
}
