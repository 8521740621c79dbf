// SPDX-License-Identifier: Apache-2.0
// From MessagePack to JSON text.
#include "client/base64.h"
#include "client/json.h"
#include "client/timestamp.h"
#include "ipc/message_pack.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace lethe {
namespace {

using nlohmann::json;

// With quotes; what isn't UTF-8 becomes U+FFFD.
std::string json_string(std::string_view text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// The value was checked as a whole: reading can't fail and recursion is bounded.
class JsonWriter {
public:
  JsonWriter(std::string_view value, unsigned indent) : reader_(value), indent_(indent) {}

  std::string write() {
    write_value();
    return std::move(text_);
  }

private:
  void write_value() {
    const std::string_view from = reader_.rest();
    Item item;
    reader_.next(item);
    switch (item.kind) {
    case Kind::nil:
      text_ += "null";
      break;
    case Kind::boolean:
      text_ += item.boolean ? "true" : "false";
      break;
    case Kind::integer:
      if (item.integer > max_safe_integer || item.integer < -max_safe_integer)
        write_form("$bigint", std::to_string(item.integer));
      else
        text_ += std::to_string(item.integer);
      break;
    case Kind::unsigned_integer:
      write_form("$bigint", std::to_string(item.unsigned_integer));
      break;
    case Kind::floating:
      write_floating(item.floating);
      break;
    case Kind::string:
      text_ += json_string(item.bytes);
      break;
    case Kind::binary:
      write_form("$bin", encode_base64(item.bytes));
      break;
    case Kind::array:
      write_array(item.count);
      break;
    case Kind::map:
      write_map(item.count, from);
      break;
    case Kind::extension:
      write_extension(item);
      break;
    }
  }

  void write_floating(double value) {
    if (std::isnan(value))
      write_form("$number", "NaN");
    else if (std::isinf(value))
      write_form("$number", value > 0 ? "Infinity" : "-Infinity");
    else
      text_ += json(value).dump();
  }
  void write_form(std::string_view form, std::string_view content) {
    text_ += "{\"";
    text_ += form;
    text_ += indent_ > 0 ? "\": " : "\":";
    text_ += json_string(content);
    text_ += '}';
  }
  void write_extension(const Item &item) {
    const auto timestamp =
        item.extension_type == timestamp_extension ? read_timestamp(item.bytes) : std::nullopt;
    if (timestamp)
      text_ += json_string(format_iso_date(*timestamp));
    else
      text_ += "{\"$extension\":[" + std::to_string(item.extension_type) + "," +
               json_string(encode_base64(item.bytes)) + "]}";
  }

  void write_array(uint32_t count) {
    text_ += '[';
    ++level_;
    for (uint32_t i = 0; i < count; ++i) {
      begin_element(i);
      write_value();
    }
    --level_;
    end_elements(count, ']');
  }
  void write_map(uint32_t pairs, std::string_view from) {
    if (!has_string_keys(from))
      return write_pairs(pairs);
    text_ += '{';
    ++level_;
    for (uint32_t i = 0; i < pairs; ++i) {
      begin_element(i);
      write_value();
      text_ += indent_ > 0 ? ": " : ":";
      write_value();
    }
    --level_;
    end_elements(pairs, '}');
  }
  void write_pairs(uint32_t pairs) {
    text_ += "{\"$map\":[";
    for (uint32_t i = 0; i < pairs; ++i) {
      text_ += i > 0 ? ",[" : "[";
      write_value();
      text_ += ',';
      write_value();
      text_ += ']';
    }
    text_ += "]}";
  }
  static bool has_string_keys(std::string_view map) {
    Reader reader(map);
    Item key;
    for (uint32_t left = *reader.map(); left > 0; --left) {
      reader.next(key);
      if (key.kind != Kind::string)
        return false;
      reader.skip();
    }
    return true;
  }

  void begin_element(uint32_t index) {
    if (index > 0)
      text_ += ',';
    new_line();
  }
  void end_elements(uint32_t count, char bracket) {
    if (count > 0)
      new_line();
    text_ += bracket;
  }
  void new_line() {
    if (indent_ == 0)
      return;
    text_ += '\n';
    text_.append(size_t{level_} * indent_, ' ');
  }

  Reader reader_;
  unsigned indent_;
  unsigned level_ = 0;
  std::string text_;
};

} // namespace

std::optional<std::string> to_json(std::string_view value, unsigned indent) {
  if (!is_one_value(value, max_value_depth))
    return std::nullopt;
  return JsonWriter(value, indent).write();
}

} // namespace lethe
