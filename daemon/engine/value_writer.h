// SPDX-License-Identifier: Apache-2.0
// From JavaScript values to MessagePack, directly.
#pragma once

#include "daemon/engine/names.h"
#include "ipc/buffer.h"
#include "ipc/error.h"

#include <cstdint>
#include <msgpack/pack.hpp>
#include <optional>
#include <string>
#include <v8.h>

namespace lethe {

struct ValueLimits {
  uint32_t max_depth;
  size_t max_bytes;        // of one value
  bool all_floats = false; // of numbers: those that are whole, too
};

// Writes values as the table in the manual says. May run JavaScript (getters, toJSON, proxies). On
// failure what was written so far is worthless; either error() says why, or an exception or a
// termination is pending.
class ValueWriter {
public:
  ValueWriter(v8::Local<v8::Context> context, Buffer &output, const ValueLimits &limits)
      : isolate_(context->GetIsolate()), context_(context), names_(Names::of(isolate_)),
        output_(output), packer_(output), limits_(limits), begin_(output.size()) {}

  bool write(v8::Local<v8::Value> value) { return write_value(value, nullptr) && within_limits(); }
  // An object's own enumerable properties as a map, whatever kind of object it is, without those that
  // can't be sent. False and no error if none is left.
  bool write_properties(v8::Local<v8::Object> object);

  const std::optional<Error> &error() const { return error_; }

private:
  // Where we are, from the inside out: for the path of errors and to find cycles.
  struct Level {
    const Level *outer;
    v8::Local<v8::Object> object;
    uint32_t depth;
    uint32_t index = 0;            // of an array's or set's element
    v8::Local<v8::Value> key = {}; // of an object's or map's
    bool has_properties = false;   // those without a value are left out
  };
  enum class Unsendable : uint8_t { fails, is_left_out };

  bool write_value(v8::Local<v8::Value> value, const Level *outer);
  bool write_number(double number);
  bool write_big_int(v8::Local<v8::BigInt> number, const Level *outer);
  bool write_string(v8::Local<v8::String> string);
  bool write_object(v8::Local<v8::Object> object, const Level *outer);
  bool write_special(v8::Local<v8::Object> object, const Level *outer, bool &handled);
  bool write_array(v8::Local<v8::Object> array, uint32_t length, Level &level);
  bool write_array_of_proxy(v8::Local<v8::Object> proxy, Level &level);
  bool write_set(v8::Local<v8::Set> set, Level &level);
  bool write_map(v8::Local<v8::Map> map, Level &level);
  // How many pairs the map has; nothing: it failed.
  std::optional<uint32_t> write_own_properties(v8::Local<v8::Object> object, Level &level,
                                               Unsendable unsendable = Unsendable::fails);
  bool write_pair(v8::Local<v8::Object> object, v8::Local<v8::Value> key, Level &level,
                  Unsendable unsendable, uint32_t &pairs);
  bool write_property(v8::Local<v8::Object> object, v8::Local<v8::Value> key, Level &level);
  bool write_error(v8::Local<v8::Object> error, Level &level);
  bool write_date(double milliseconds, const Level *outer);
  bool write_bytes(const void *data, size_t size);
  bool write_view(v8::Local<v8::ArrayBufferView> view);
  bool apply_to_json(v8::Local<v8::Object> object, const Level &level, v8::Local<v8::Value> &value);

  bool enter(const Level &level);
  bool within_limits(size_t more_bytes = 0);
  bool fail(const Level *level, std::string reason);
  std::string path(const Level *level) const;

  v8::Isolate *isolate_;
  v8::Local<v8::Context> context_;
  const Names &names_;
  Buffer &output_;
  msgpack::packer<Buffer> packer_;
  ValueLimits limits_;
  size_t begin_;
  std::optional<Error> error_;
  bool is_left_out_ = false; // the property that was just met: its toJSON gave nothing
};

} // namespace lethe
