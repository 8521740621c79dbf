// SPDX-License-Identifier: Apache-2.0
// C++'s nlohmann::json. usage: PROGRAM SOCKET
#include "connection.h"

#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using Value = nlohmann::json;

static Value date(int64_t seconds, uint32_t nanoseconds) {
  std::vector<uint8_t> bytes(12);
  for (size_t i = 0; i < 4; ++i)
    bytes[i] = static_cast<uint8_t>(nanoseconds >> (24 - 8 * i));
  for (size_t i = 0; i < 8; ++i)
    bytes[4 + i] = static_cast<uint8_t>(seconds >> (56 - 8 * i));
  return Value::binary(bytes, 255);
}
static Value nested() {
  Value value = Value::array();
  for (int i = 1; i < 250; ++i)
    value = Value::array({value});
  return value;
}
static const std::map<std::string, Value> values = {
    {"nil", nullptr},
    {"booleans", {true, false}},
    {"integers", {0, 7, -7, 300, -70000, int64_t{1} << 40}},
    {"largest_safe", (int64_t{1} << 53) - 1},
    {"beyond_safe", (int64_t{1} << 53) + 1},
    {"largest_uint64", std::numeric_limits<uint64_t>::max()},
    {"smallest_int64", std::numeric_limits<int64_t>::min()},
    {"float", 1.5},
    {"whole_float", 1e18},
    {"minus_zero", -0.0},
    {"infinity", std::numeric_limits<double>::infinity()},
    {"nan", std::nan("")},
    {"text", "grüße 😀"},
    {"long_text", long_text()},
    {"digits", "42"},
    {"bytes", Value::binary({0, 0xff, 0x80})},
    {"date", date(1706696430, 250000000)},
    {"date_before_1970", date(-14182940, 500000000)},
    {"date_in_3000", date(32503680000, 0)},
    {"array", {1, {"a", nullptr}}},
    {"empty_array", Value::array()},
    {"map", {{"name", "Ada"}, {"tags", {{"admin", true}}}}},
    {"empty_map", Value::object()},
    {"map_with_proto", {{"__proto__", {{"admin", true}}}, {"name", "Ada"}}},
    {"deep", nested()}};

static bool same(const Value &given, const Value &value) {
  if (given.is_binary() && given.get_binary().has_subtype()) { // timestamps of 4, 8 and 12 bytes
    const auto &bytes = given.get_binary();
    uint64_t first = 0;
    for (size_t i = 0; i < bytes.size() && i < 8; ++i)
      first = first << 8 | bytes[i];
    if (bytes.size() == 4)
      return date(static_cast<int64_t>(first), 0) == value;
    if (bytes.size() == 8)
      return date(static_cast<int64_t>(first & ((uint64_t{1} << 34) - 1)),
                  static_cast<uint32_t>(first >> 34)) == value;
  }
  return given.is_number_integer() == value.is_number_integer() &&
         (given == value || (value.is_number_float() && std::isnan(value.get<double>()) &&
                             std::isnan(given.get<double>())));
}
static std::string show(const Value &value) {
  return std::string(value.type_name()) + " " + value.dump();
}
struct Refused {
  Value error;
};
using Answer = std::function<std::pair<Value, Value>(const Value &arguments)>;

static Value call(const std::string &function, const Value &arguments,
                  const Value &options = nullptr, std::vector<std::string> *console = nullptr,
                  const Answer &host = {}) {
  const Connection connection;
  const auto send = [&connection](const Value &message) {
    const std::vector<uint8_t> bytes = Value::to_msgpack(message);
    connection.send(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  };
  send({0, 1, "call", {"interop", function, arguments, options}});
  // A stream of bytes as they come, of which from_msgpack takes one message.
  struct Incoming : std::streambuf {
    explicit Incoming(const Connection &from) : from_(from) {}
    int_type underflow() override {
      const size_t size = from_.receive(data_, sizeof data_);
      setg(data_, data_, data_ + size);
      return traits_type::to_int_type(data_[0]);
    }
    const Connection &from_;
    char data_[65536];
  } incoming(connection);
  std::istream stream(&incoming);
  stream.exceptions(std::ios::badbit);
  while (true) {
    const Value message = Value::from_msgpack(stream, false);
    if (message[0] == 0) {
      const auto [problem, result] = host(message[3][2]);
      send({1, message[1], problem, result});
    } else if (message[0] == 2) {
      console->push_back(message[2][1].get<std::string>() + " " + message[2][2].get<std::string>());
    } else if (!message[2].is_null()) {
      throw Refused{message[2]};
    } else {
      return message[3];
    }
  }
}
static Value list(const Value &value) { return Value::array({value}); }
static std::string text(const Value &value) { return value.get<std::string>(); }
static std::string describe(const Refused &refused) {
  std::string parts;
  for (const char *key : {"code", "name", "message"})
    if (refused.error.contains(key))
      parts += (parts.empty() ? "" : " ") + text(refused.error[key]);
  return parts;
}
static double sum(const Value &numbers) {
  return numbers[0].get<double>() + numbers[1].get<double>();
}
static const Value none = Value::object(), no_arguments = Value::array();
static Value option(const char *name, const Value &value) { return {{name, value}}; }
static Value of_text(const char *text) { return text; }
template <typename Type> static Value of(Type value) { return value; }
static const Value nothing = nullptr;

#include "cases.h"
