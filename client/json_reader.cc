// SPDX-License-Identifier: Apache-2.0
// From JSON text to MessagePack: the parser's events are written as they come.
#include "client/base64.h"
#include "client/json.h"
#include "client/timestamp.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace lethe {
namespace {

using nlohmann::json;

constexpr size_t longest_head = 5; // of an array or map: its type and a count of 32 bits

// A container's count is known only at its end: its head is written in the longest form and then
// replaced by the shortest.
class Writer : public nlohmann::json_sax<json> {
public:
  explicit Writer(Buffer &output) : output_(output), packer_(output) {}

  std::string error; // of the first thing that went wrong

  bool null() override {
    packer_.pack_nil();
    return count();
  }
  bool boolean(bool value) override {
    value ? packer_.pack_true() : packer_.pack_false();
    return count();
  }
  bool number_integer(number_integer_t value) override {
    if (value < -max_safe_integer)
      append_floating(output_, static_cast<double>(value));
    else
      packer_.pack_int64(value);
    return count();
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(max_safe_integer))
      append_floating(output_, static_cast<double>(value));
    else
      packer_.pack_uint64(value);
    return count();
  }
  bool number_float(number_float_t value, const string_t &) override {
    if (value == std::trunc(value) && std::abs(value) <= static_cast<double>(max_safe_integer) &&
        !(value == 0 && std::signbit(value)))
      packer_.pack_int64(static_cast<int64_t>(value)); // 1.0 is 1 to JavaScript
    else
      append_floating(output_, value);
    return count();
  }
  bool string(string_t &value) override {
    pack_string(packer_, value);
    return count();
  }
  bool binary(binary_t &) override { return false; } // not in JSON text
  bool key(string_t &value) override {
    pack_string(packer_, value);
    return true;
  }
  bool start_object(size_t) override { return open(); }
  bool start_array(size_t) override { return open(); }
  bool end_array() override {
    close(0x90, 0xdc);
    return count();
  }
  bool end_object() override {
    const size_t begin = open_.back().begin;
    if (open_.back().count == 1 && !replace_form(begin))
      return false;
    if (!replaced_)
      close(0x80, 0xde);
    replaced_ = false;
    return count();
  }
  bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &why) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    const std::string_view text = why.what();
    const size_t end_of_tag = text.find("] ");
    error = text.substr(end_of_tag == std::string_view::npos ? 0 : end_of_tag + 2);
    return false;
  }

private:
  struct Open {
    size_t begin; // where its head is
    uint32_t count;
  };

  bool count() {
    if (!open_.empty())
      ++open_.back().count;
    return true;
  }
  bool open() {
    if (open_.size() >= max_value_depth)
      return fail("nested deeper than " + std::to_string(max_value_depth) + " levels");
    open_.push_back({output_.size(), 0});
    output_.write("\0\0\0\0\0", longest_head);
    return true;
  }
  // `short_type`: with the count in its low four bits; `type`: of the form with 16 bits, one less
  // than that with 32.
  void close(uint8_t short_type, uint8_t type) {
    const auto [begin, elements] = open_.back();
    open_.pop_back();
    char head[longest_head];
    size_t head_bytes = 1;
    if (elements < 16) {
      head[0] = static_cast<char>(short_type | elements);
    } else {
      const int bits = elements <= UINT16_MAX ? 16 : 32;
      head[0] = static_cast<char>(bits == 16 ? type : type + 1);
      for (int shift = bits - 8; shift >= 0; shift -= 8)
        head[head_bytes++] = static_cast<char>(elements >> shift & 255);
    }
    char *at = output_.data() + begin;
    const size_t body_bytes = output_.size() - begin - longest_head;
    std::memmove(at + head_bytes, at + longest_head, body_bytes);
    std::memcpy(at, head, head_bytes);
    output_.truncate(begin + head_bytes + body_bytes);
  }
  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }

  // An object of one member may stand for a value that JSON lacks. False: it does, but is wrong.
  bool replace_form(size_t begin) {
    Reader reader(output_.view().substr(begin + longest_head));
    const std::string_view form = *reader.string();
    if (!form.starts_with('$'))
      return true;
    const std::string_view content = reader.rest();
    Item item;
    reader.next(item);
    const bool is_text = item.kind == Kind::string;
    if (form == "$bin" && is_text)
      return replace_binary(begin, item.bytes);
    if (form == "$bigint" && is_text)
      return replace_integer(begin, std::string(item.bytes));
    if (form == "$number" && is_text)
      return replace_number(begin, item.bytes);
    if (form == "$date" && is_text)
      return replace_date(begin, item.bytes);
    if (form == "$map" && item.kind == Kind::array)
      return replace_map(begin, item.count, std::string(content));
    if (form == "$extension" && item.kind == Kind::array)
      return replace_extension(begin, std::string(content));
    return true;
  }
  void drop(size_t begin) {
    output_.truncate(begin);
    open_.pop_back();
    replaced_ = true;
  }
  bool replace_binary(size_t begin, std::string_view text) {
    const auto bytes = decode_base64(text);
    if (!bytes)
      return fail("$bin: this is not base64");
    drop(begin);
    packer_.pack_bin(static_cast<uint32_t>(bytes->size()));
    packer_.pack_bin_body(bytes->data(), static_cast<uint32_t>(bytes->size()));
    return true;
  }
  bool replace_integer(size_t begin, const std::string &text) {
    const char *const first = text.data(), *const last = first + text.size();
    int64_t value = 0;
    uint64_t large = 0;
    if (const auto parsed = std::from_chars(first, last, value);
        parsed.ec == std::errc() && parsed.ptr == last) {
      drop(begin);
      packer_.pack_int64(value);
    } else if (const auto again = std::from_chars(first, last, large);
               again.ec == std::errc() && again.ptr == last) {
      drop(begin);
      packer_.pack_uint64(large);
    } else {
      return fail("$bigint: \"" + text + "\" is not an integer of 64 bits");
    }
    return true;
  }
  bool replace_number(size_t begin, std::string_view text) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double value = 0;
    if (text == "NaN")
      value = std::numeric_limits<double>::quiet_NaN();
    else if (text == "Infinity" || text == "-Infinity")
      value = text[0] == '-' ? -infinity : infinity;
    else
      return fail("$number: only NaN, Infinity and -Infinity need this form");
    drop(begin);
    append_floating(output_, value);
    return true;
  }
  bool replace_date(size_t begin, std::string_view text) {
    const auto date = parse_iso_date(text);
    if (!date)
      return fail("$date: \"" + std::string(text) + "\" is not an ISO 8601 date");
    drop(begin);
    const std::string payload = encode_timestamp(*date);
    packer_.pack_ext(payload.size(), timestamp_extension);
    packer_.pack_ext_body(payload.data(), static_cast<uint32_t>(payload.size()));
    return true;
  }
  bool replace_map(size_t begin, uint32_t pairs, const std::string &content) {
    Reader reader(content);
    reader.array();
    drop(begin);
    packer_.pack_map(pairs);
    for (uint32_t i = 0; i < pairs; ++i) {
      if (reader.array() != uint32_t{2})
        return fail("$map: expected [[key, value], …]");
      output_.append(*reader.take_raw());
      output_.append(*reader.take_raw());
    }
    return true;
  }
  bool replace_extension(size_t begin, const std::string &content) {
    Reader reader(content);
    const auto parts = reader.array();
    const auto type = reader.integer();
    const auto text = reader.string();
    const auto bytes = text ? decode_base64(*text) : std::nullopt;
    if (parts != uint32_t{2} || !bytes || *type < INT8_MIN || *type > INT8_MAX)
      return fail("$extension: expected [type, base64]");
    drop(begin);
    packer_.pack_ext(bytes->size(), static_cast<int8_t>(*type));
    packer_.pack_ext_body(bytes->data(), static_cast<uint32_t>(bytes->size()));
    return true;
  }

  Buffer &output_;
  Packer packer_;
  std::vector<Open> open_;
  bool replaced_ = false; // the object that ends was a form
};

} // namespace

Result<Nothing> append_json(std::string_view text, Buffer &output) {
  const size_t before = output.size();
  Writer writer(output);
  if (!json::sax_parse(text, &writer)) {
    output.truncate(before);
    return Error(ErrorCode::invalid_value, "this is not JSON: " + writer.error);
  }
  return Nothing{};
}

} // namespace lethe
