// SPDX-License-Identifier: Apache-2.0
// The usual mistakes.
#include "daemon/master/operation/flaw.h"
#include "ipc/message_pack.h"

#include <algorithm>
#include <fmt/format.h>

namespace lethe {
namespace {

std::string_view name_of(Kind kind) {
  switch (kind) {
  case Kind::nil:
    return "nil";
  case Kind::boolean:
    return "a boolean";
  case Kind::integer:
  case Kind::unsigned_integer:
    return "an integer";
  case Kind::floating:
    return "a float";
  case Kind::string:
    return "a str";
  case Kind::binary:
    return "a bin";
  case Kind::array:
    return "an array";
  case Kind::map:
    return "a map";
  case Kind::extension:
    return "an extension";
  }
  return "";
}

// What comes instead of MessagePack; each of their characters would be an integer.
std::string_view describe_text(std::string_view bytes) {
  constexpr std::string_view methods[] = {"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "PRI * "};
  if (std::ranges::any_of(methods, [bytes](auto method) { return bytes.starts_with(method); }))
    return "HTTP was sent";
  constexpr size_t enough = 4;
  const auto is_printable = [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r'; };
  if (bytes.size() < enough || !std::ranges::all_of(bytes.substr(0, enough), is_printable))
    return {};
  return bytes[0] == '{' || bytes[0] == '[' ? "JSON was sent" : "text was sent";
}

std::string describe_parts(uint32_t parts, Reader reader) {
  Item type, item;
  if (!reader.next(type) || type.kind != Kind::integer || type.integer < 0 || type.integer > 2)
    return fmt::format("its first part is {}, not 0, 1 or 2",
                       type.kind == Kind::integer ? std::to_string(type.integer)
                                                  : std::string(name_of(type.kind)));
  const uint32_t wanted = type.integer == 2 ? 3 : 4;
  if (parts != wanted)
    return fmt::format("it has {} parts, and one of type {} has {}", parts, type.integer, wanted);
  if (type.integer != 2) {
    reader.next(item);
    if (item.kind != Kind::integer)
      return fmt::format("its msgid is {}, not an integer", name_of(item.kind));
    if (item.integer < 0 || item.integer > UINT32_MAX)
      return fmt::format("its msgid is {}, not within 0 and 2^32 - 1", item.integer);
  }
  reader.next(item);
  if (item.kind != Kind::string && item.kind != Kind::binary)
    return fmt::format("its method is {}, not a str", name_of(item.kind));
  reader.next(item);
  return fmt::format("its params are {}, not an array", name_of(item.kind));
}

} // namespace

std::string_view advice_on_records(std::string_view value) {
  constexpr int8_t record_type = 'r';
  Reader reader(value);
  for (Item item; reader.next(item);)
    if (item.kind == Kind::extension && item.extension_type == record_type)
      return "msgpackr's records are read by nobody else: new Packr({useRecords: false})";
  return {};
}

std::string describe_flaw(std::string_view bytes, std::string_view before) {
  // The values of a record stand behind its extension, where other readers see the next message.
  for (const std::string_view message : {before, bytes})
    if (const std::string_view advice = advice_on_records(message); !advice.empty())
      return std::string(advice);
  Reader reader(bytes);
  Item item;
  if (!reader.next(item))
    return "it is not whole";
  if (item.kind == Kind::array)
    return describe_parts(item.count, reader);
  if (const std::string_view text = describe_text(bytes); !text.empty())
    return std::string(text);
  return fmt::format("it is {}, not the array [0, msgid, method, params]", name_of(item.kind));
}

} // namespace lethe
