// SPDX-License-Identifier: Apache-2.0
// Values in the notation of cases.json.
#include "tests/clients/c/value.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace lethe::test {
namespace {

bool build_all(lethe_builder *builder, const json &array, lethe_reply **error) {
  lethe_build_array(builder, static_cast<uint32_t>(array.size()));
  for (const json &element : array)
    if (!build(builder, element, error))
      return false;
  return true;
}

bool build_pairs(lethe_builder *builder, const json &pairs, lethe_reply **error) {
  lethe_build_map(builder, static_cast<uint32_t>(pairs.size()));
  for (const json &pair : pairs)
    if (!build(builder, pair[0], error) || !build(builder, pair[1], error))
      return false;
  return true;
}

bool build_object(lethe_builder *builder, const json &object, lethe_reply **error) {
  lethe_build_map(builder, static_cast<uint32_t>(object.size()));
  for (const auto &[key, value] : object.items()) {
    lethe_build_string(builder, key.data(), key.size());
    if (!build(builder, value, error))
      return false;
  }
  return true;
}

std::string repeated(std::string_view text, size_t times) {
  std::string whole;
  for (size_t i = 0; i < times; ++i)
    whole += text;
  return whole;
}

// What the library's own notation lacks.
bool build_form(lethe_builder *builder, const std::string &form, const json &content) {
  if (form == "$repeat") {
    const std::string text = repeated(content[0].get<std::string>(), content[1]);
    lethe_build_string(builder, text.data(), text.size());
  } else if (form == "$repeat_bytes") {
    const std::string bytes(content[1].get<size_t>(), static_cast<char>(content[0].get<int>()));
    lethe_build_binary(builder, bytes.data(), bytes.size());
  } else if (form == "$nested") {
    for (int i = 0; i < content.get<int>(); ++i)
      lethe_build_array(builder, 1);
    lethe_build_array(builder, 0);
  } else {
    return false;
  }
  return true;
}

template <typename T>
bool equal(bool (*read)(lethe_value, T *), lethe_value seen, lethe_value wanted) {
  T one{}, other{};
  return read(seen, &one) && read(wanted, &other) && one == other;
}

bool equal_floats(lethe_value seen, lethe_value wanted) {
  double one = 0, other = 0;
  lethe_value_double(seen, &one);
  lethe_value_double(wanted, &other);
  return std::bit_cast<uint64_t>(one) == std::bit_cast<uint64_t>(other) ||
         (std::isnan(one) && std::isnan(other));
}

std::string_view bytes_of(lethe_value value) {
  const char *bytes = nullptr;
  size_t size = 0;
  lethe_value_bytes(value, &bytes, &size);
  return {bytes, size};
}

bool equal_timestamps(lethe_value seen, lethe_value wanted) {
  int64_t seconds = 0, wanted_seconds = 0;
  uint32_t nanoseconds = 0, wanted_nanoseconds = 0;
  return lethe_value_timestamp(seen, &seconds, &nanoseconds) &&
         lethe_value_timestamp(wanted, &wanted_seconds, &wanted_nanoseconds) &&
         seconds == wanted_seconds && nanoseconds == wanted_nanoseconds;
}

bool equal_arrays(lethe_value seen, lethe_value wanted) {
  lethe_iterator one = lethe_iterate(seen), other = lethe_iterate(wanted);
  lethe_value element, wanted_element;
  while (lethe_next(&other, nullptr, &wanted_element))
    if (!lethe_next(&one, nullptr, &element) || !same(element, wanted_element))
      return false;
  return !lethe_next(&one, nullptr, &element);
}

bool has_pair(lethe_value map, lethe_value wanted_key, lethe_value wanted_value) {
  lethe_iterator pairs = lethe_iterate(map);
  lethe_value key, value;
  while (lethe_next(&pairs, &key, &value))
    if (same(key, wanted_key) && same(value, wanted_value))
      return true;
  return false;
}

bool equal_maps(lethe_value seen, lethe_value wanted) {
  if (lethe_value_count(seen) != lethe_value_count(wanted))
    return false;
  lethe_iterator pairs = lethe_iterate(wanted);
  lethe_value key, value;
  while (lethe_next(&pairs, &key, &value))
    if (!has_pair(seen, key, value))
      return false;
  return true;
}

std::string as_json(lethe_value value) {
  const std::unique_ptr<char, Free> text(lethe_value_to_json(value, 0, nullptr));
  return text ? std::string(text.get()).substr(0, 300) : "no value";
}

} // namespace

bool build(lethe_builder *builder, const json &written, lethe_reply **error) {
  if (written.is_array())
    return build_all(builder, written, error);
  if (written.size() == 1 && written.is_object()) {
    const auto form = written.begin();
    if (form.key() == "$map")
      return build_pairs(builder, form.value(), error);
    if (build_form(builder, form.key(), form.value()))
      return true;
  }
  if (written.is_object() && !(written.size() == 1 && written.begin().key().starts_with("$")))
    return build_object(builder, written, error);
  const std::string text = written.dump();
  return lethe_build_json(builder, text.data(), text.size(), error);
}

OwnBuilder built(const json &written) {
  OwnBuilder builder(lethe_builder_new());
  lethe_reply *error = nullptr;
  if (!build(builder.get(), written, &error))
    fail(lethe_reply_message(OwnReply(error).get()));
  return builder;
}

bool same(lethe_value seen, lethe_value wanted) {
  const lethe_type type = lethe_value_type(wanted);
  if (lethe_value_type(seen) != type)
    return false;
  switch (type) {
  case LETHE_NIL:
    return true;
  case LETHE_BOOLEAN:
    return equal(lethe_value_boolean, seen, wanted);
  case LETHE_INTEGER:
    return equal(lethe_value_int64, seen, wanted) || equal(lethe_value_uint64, seen, wanted);
  case LETHE_FLOAT:
    return equal_floats(seen, wanted);
  case LETHE_STRING:
  case LETHE_BINARY:
    return bytes_of(seen) == bytes_of(wanted);
  case LETHE_TIMESTAMP:
    return equal_timestamps(seen, wanted);
  case LETHE_ARRAY:
    return equal_arrays(seen, wanted);
  case LETHE_MAP:
    return equal_maps(seen, wanted);
  default:
    return false; // no case wants what is none of these
  }
}

void expect_same(lethe_value seen, const json &wanted, const std::string &what, Where where) {
  const OwnBuilder builder = built(wanted);
  if (!same(seen, lethe_builder_value(builder.get())))
    fail(what + " is " + as_json(seen) + ", not " + shown(wanted).substr(0, 300), where);
}

} // namespace lethe::test
