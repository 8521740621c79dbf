// SPDX-License-Identifier: Apache-2.0
// C++'s msgpack-cxx. usage: PROGRAM SOCKET
#include "connection.h"

#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <msgpack.hpp>
#include <string>
#include <vector>

using Value = msgpack::object;

static msgpack::zone zone;
template <typename Type> static Value of(const Type &value) { return Value(value, zone); }
static Value date(int64_t seconds, uint32_t nanoseconds) {
  return of(timespec{.tv_sec = seconds, .tv_nsec = nanoseconds});
}
static Value list(const Value &value) { return of(std::vector<Value>{value}); }
static Value nested() {
  Value value = of(std::vector<Value>{});
  for (int i = 1; i < 250; ++i)
    value = list(value);
  return value;
}
static Value map(const std::vector<std::pair<Value, Value>> &members) {
  msgpack::type::assoc_vector<Value, Value> map;
  map.assign(members.begin(), members.end());
  return of(map);
}
static Value of_text(const char *text) { return of(std::string(text)); }
static Value option(const char *name, const Value &value) { return map({{of_text(name), value}}); }
static const Value nothing = of(msgpack::type::nil_t{}), none = map({}),
                   no_arguments = of(std::vector<Value>{});
static const std::map<std::string, Value> values = {
    {"nil", nothing},
    {"booleans", of(std::vector<bool>{true, false})},
    {"integers", of(std::vector<int64_t>{0, 7, -7, 300, -70000, int64_t{1} << 40})},
    {"largest_safe", of((int64_t{1} << 53) - 1)},
    {"beyond_safe", of((int64_t{1} << 53) + 1)},
    {"largest_uint64", of(std::numeric_limits<uint64_t>::max())},
    {"smallest_int64", of(std::numeric_limits<int64_t>::min())},
    {"float", of(1.5)},
    {"whole_float", of(1e18)},
    {"minus_zero", of(-0.0)},
    {"infinity", of(std::numeric_limits<double>::infinity())},
    {"nan", of(std::nan(""))},
    {"text", of_text("grüße 😀")},
    {"long_text", of(long_text())},
    {"digits", of_text("42")},
    {"bytes", of(std::vector<unsigned char>{0, 0xff, 0x80})},
    {"date", date(1706696430, 250000000)},
    {"date_before_1970", date(-14182940, 500000000)},
    {"date_in_3000", date(32503680000, 0)},
    {"array", of(std::vector<Value>{of(1), of(std::vector<Value>{of_text("a"), nothing})})},
    {"empty_array", no_arguments},
    {"map", map({{of_text("name"), of_text("Ada")}, {of_text("tags"), option("admin", of(true))}})},
    {"empty_map", none},
    {"map_by_numbers", map({{of(1), of_text("one")}, {of(-2), of_text("minus two")}})},
    {"map_by_arrays", map({{of(std::vector<int>{1, 2}), of_text("a pair")}})},
    {"map_with_nil", map({{nothing, of_text("Session")}, {of_text("name"), of_text("Ada")}})},
    {"map_with_proto",
     map({{of_text("__proto__"), option("admin", of(true))}, {of_text("name"), of_text("Ada")}})},
    {"deep", nested()}};

static bool same(const Value &given, const Value &value) {
  if (given.type == msgpack::type::EXT && value.type == msgpack::type::EXT) {
    const timespec one = given.as<timespec>(), other = value.as<timespec>();
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
  }
  const bool nan = given.type == msgpack::type::FLOAT64 && value.type == msgpack::type::FLOAT64 &&
                   std::isnan(given.via.f64) && std::isnan(value.via.f64);
  return nan || given == value;
}
static std::string show(const Value &value) {
  std::ostringstream text;
  text << value;
  return text.str();
}
struct Refused {
  msgpack::object_handle message;
  Value error;
};
using Answer = std::function<std::pair<Value, Value>(const Value &arguments)>;

static Value call(const std::string &function, const Value &arguments,
                  const Value &options = nothing, std::vector<std::string> *console = nullptr,
                  const Answer &host = {}) {
  const Connection connection;
  const auto send = [&connection](const auto &...parts) {
    msgpack::sbuffer buffer;
    msgpack::pack(buffer, std::make_tuple(parts...));
    connection.send(buffer.data(), buffer.size());
  };
  send(0, 1, "call", std::make_tuple("interop", function, arguments, options));
  msgpack::unpacker unpacker;
  msgpack::object_handle handle;
  while (true) {
    unpacker.reserve_buffer(65536);
    unpacker.buffer_consumed(connection.receive(unpacker.buffer(), unpacker.buffer_capacity()));
    while (unpacker.next(handle)) {
      const Value *const message = handle->via.array.ptr;
      if (message[0] == of(0)) {
        const auto [problem, result] = host(message[3].via.array.ptr[2]);
        send(1, message[1], problem, result);
      } else if (message[0] == of(2)) {
        const auto parts = message[2].as<std::tuple<int, std::string, std::string>>();
        console->push_back(std::get<1>(parts) + " " + std::get<2>(parts));
      } else if (!message[2].is_nil()) {
        const Value error = message[2];
        throw Refused{std::move(handle), error};
      } else {
        return Value(message[3], zone); // a copy
      }
    }
  }
}
static std::string text(const Value &value) { return value.as<std::string>(); }
static std::string describe(const Refused &refused) {
  const auto error = refused.error.as<std::map<std::string, Value>>();
  std::string parts;
  for (const char *key : {"code", "name", "message"})
    if (error.count(key) != 0)
      parts += (parts.empty() ? "" : " ") + text(error.at(key));
  return parts;
}
static double sum(const Value &numbers) {
  const auto both = numbers.as<std::vector<double>>();
  return both[0] + both[1];
}

#include "cases.h"
