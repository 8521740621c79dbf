// SPDX-License-Identifier: Apache-2.0
// From MessagePack to JavaScript values, directly.
#pragma once

#include "ipc/error.h"
#include "ipc/message_pack.h"

#include <optional>
#include <string_view>
#include <v8.h>
#include <vector>

namespace lethe {

// Reads values of one message in `context`, whatever scripts did to its prototypes. On failure it
// stays failed, and error() says why and where: in all of the bytes, as one value.
class ValueReader {
public:
  ValueReader(v8::Local<v8::Context> context, std::string_view bytes, uint32_t max_depth)
      : isolate_(context->GetIsolate()), context_(context), bytes_(bytes), reader_(bytes),
        max_depth_(max_depth) {}

  // The next value.
  bool read(v8::Local<v8::Value> &value) { return read_value(value, 0); }
  // The next value, which must be an array: its elements, each of them as deep as a value may be.
  bool read_list(std::vector<v8::Local<v8::Value>> &elements);
  // The next value, which must be a map with string keys, or nil: set as properties of `target`, each
  // likewise.
  bool read_properties(v8::Local<v8::Object> target);

  Error error() const;

private:
  bool read_value(v8::Local<v8::Value> &value, uint32_t depth);
  bool read_array(uint32_t count, v8::Local<v8::Value> &value, uint32_t depth);
  bool read_map(uint32_t count, v8::Local<v8::Value> &value, uint32_t depth);
  bool read_key(v8::Local<v8::Value> &key, uint32_t depth);
  bool read_date(const Item &item, v8::Local<v8::Value> &value);
  v8::Local<v8::Value> bytes_value(std::string_view bytes);
  bool make_string(std::string_view text, v8::NewStringType type, v8::Local<v8::Value> &value);
  bool fail(const char *reason) {
    reason_ = reason;
    return false;
  }

  v8::Isolate *isolate_;
  v8::Local<v8::Context> context_;
  std::string_view bytes_;
  Reader reader_;
  uint32_t max_depth_;
  const char *reason_ = "the arguments are not MessagePack";
  std::vector<v8::Local<v8::Value>> stack_; // elements of the containers that are open
};

} // namespace lethe
