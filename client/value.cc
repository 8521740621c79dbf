// SPDX-License-Identifier: Apache-2.0
// Reading values: the C functions over ipc's reader.
#include "client/include/lethe.h"
#include "client/json.h"
#include "ipc/message_pack.h"

#include <cstdlib>

namespace {

using lethe::Item;
using lethe::Kind;
using lethe::Reader;

std::string_view view(lethe_value value) {
  return {static_cast<const char *>(value.data), value.size};
}

lethe_value to_value(std::optional<std::string_view> bytes) {
  return bytes ? lethe_value{bytes->data(), bytes->size()} : lethe_value{nullptr, 0};
}

bool read(lethe_value value, Item &item) { return Reader(view(value)).next(item); }

} // namespace

const char *lethe_version() { return LETHE_VERSION; }

lethe_type lethe_value_type(lethe_value value) {
  Item item;
  if (!read(value, item))
    return LETHE_NONE;
  switch (item.kind) {
  case Kind::nil:
    return LETHE_NIL;
  case Kind::boolean:
    return LETHE_BOOLEAN;
  case Kind::integer:
  case Kind::unsigned_integer:
    return LETHE_INTEGER;
  case Kind::floating:
    return LETHE_FLOAT;
  case Kind::string:
    return LETHE_STRING;
  case Kind::binary:
    return LETHE_BINARY;
  case Kind::array:
    return LETHE_ARRAY;
  case Kind::map:
    return LETHE_MAP;
  case Kind::extension:
    return item.extension_type == lethe::timestamp_extension && lethe::read_timestamp(item.bytes)
               ? LETHE_TIMESTAMP
               : LETHE_EXTENSION;
  }
  return LETHE_NONE;
}

bool lethe_value_boolean(lethe_value value, bool *result) {
  Item item;
  if (!read(value, item) || item.kind != Kind::boolean)
    return false;
  *result = item.boolean;
  return true;
}

bool lethe_value_int64(lethe_value value, int64_t *result) {
  Item item;
  if (!read(value, item) || item.kind != Kind::integer)
    return false;
  *result = item.integer;
  return true;
}

bool lethe_value_uint64(lethe_value value, uint64_t *result) {
  Item item;
  if (!read(value, item))
    return false;
  if (item.kind == Kind::unsigned_integer)
    *result = item.unsigned_integer;
  else if (item.kind == Kind::integer && item.integer >= 0)
    *result = static_cast<uint64_t>(item.integer);
  else
    return false;
  return true;
}

bool lethe_value_double(lethe_value value, double *result) {
  Item item;
  if (!read(value, item))
    return false;
  if (item.kind == Kind::floating)
    *result = item.floating;
  else if (item.kind == Kind::integer)
    *result = static_cast<double>(item.integer);
  else if (item.kind == Kind::unsigned_integer)
    *result = static_cast<double>(item.unsigned_integer);
  else
    return false;
  return true;
}

bool lethe_value_bytes(lethe_value value, const char **bytes, size_t *size) {
  Item item;
  if (!read(value, item) || (item.kind != Kind::string && item.kind != Kind::binary))
    return false;
  *bytes = item.bytes.data();
  *size = item.bytes.size();
  return true;
}

bool lethe_value_timestamp(lethe_value value, int64_t *seconds, uint32_t *nanoseconds) {
  Item item;
  if (!read(value, item) || item.kind != Kind::extension ||
      item.extension_type != lethe::timestamp_extension)
    return false;
  const auto timestamp = lethe::read_timestamp(item.bytes);
  if (!timestamp)
    return false;
  *seconds = timestamp->seconds;
  *nanoseconds = timestamp->nanoseconds;
  return true;
}

size_t lethe_value_count(lethe_value value) {
  Item item;
  return read(value, item) ? item.count : 0;
}

lethe_value lethe_value_get(lethe_value map, const char *key) {
  lethe_iterator iterator = lethe_iterate(map);
  if (!iterator.map)
    return {nullptr, 0};
  lethe_value name, element;
  while (lethe_next(&iterator, &name, &element)) {
    Item item;
    if (read(name, item) && item.kind == Kind::string && item.bytes == key)
      return element;
  }
  return {nullptr, 0};
}

lethe_value lethe_value_at(lethe_value array, size_t index) {
  lethe_iterator iterator = lethe_iterate(array);
  lethe_value element{nullptr, 0};
  if (iterator.map || index >= iterator.left)
    return element;
  for (size_t i = 0; i <= index; ++i)
    if (!lethe_next(&iterator, nullptr, &element))
      return {nullptr, 0};
  return element;
}

lethe_iterator lethe_iterate(lethe_value array_or_map) {
  Reader reader(view(array_or_map));
  Item item;
  if (!reader.next(item) || (item.kind != Kind::array && item.kind != Kind::map))
    return {{nullptr, 0}, 0, false};
  return {to_value(reader.rest()), item.count, item.kind == Kind::map};
}

bool lethe_next(lethe_iterator *iterator, lethe_value *key, lethe_value *element) {
  if (iterator->left == 0)
    return false;
  Reader reader(view(iterator->rest));
  std::optional<std::string_view> name;
  if (iterator->map)
    name = reader.take_raw();
  const auto bytes = reader.take_raw();
  if (!bytes) {
    iterator->left = 0;
    return false;
  }
  if (key)
    *key = to_value(name);
  *element = to_value(bytes);
  iterator->rest = to_value(reader.rest());
  --iterator->left;
  return true;
}

char *lethe_value_to_json(lethe_value value, unsigned indent, size_t *size) {
  const auto text = lethe::to_json(view(value), indent);
  if (!text)
    return nullptr;
  auto *copy = static_cast<char *>(std::malloc(text->size() + 1));
  if (!copy)
    throw std::bad_alloc(); // ends the process, as lethe.h says
  std::memcpy(copy, text->c_str(), text->size() + 1);
  if (size)
    *size = text->size();
  return copy;
}

void lethe_free(void *text) { std::free(text); }
