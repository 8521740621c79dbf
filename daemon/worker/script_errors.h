// SPDX-License-Identifier: Apache-2.0
// What a script threw, as the error that its caller gets.
#pragma once

#include "ipc/buffer.h"
#include "ipc/error.h"

#include "daemon/worker/stacks.h"
#include <string>
#include <string_view>

#include <v8.h>

namespace lethe {

struct ValueLimits;

// A thrown value: message, name, stack and place. `message` may be empty (a rejected promise has
// none): the place is then taken from the value. Runs JavaScript only where the value has getters;
// what these throw is dropped.
Error describe_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                      v8::Local<v8::Message> message);

// Source that does not compile, or a module whose imports can't be had: `script`, where V8 names
// none.
Error describe_compile_error(v8::Local<v8::Context> context, const v8::TryCatch &caught,
                             std::string_view script);

// Adds the keys `script`, `line`, `column` and, if the source has it, `source_line`.
void add_place(Error &error, std::string_view source, const Place &place);

// Adds the key `script`, if there is none.
void name_script(Error &error, std::string_view script);

// Adds the key `source_line`, if the line is known.
void add_source_line(v8::Local<v8::Context> context, v8::Local<v8::Message> message, Error &error);

// The `value` key of the error: the thrown value if it is not an Error, else its own properties, as
// MessagePack; empty if there are none or they can't be converted.
std::string convert_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                           const ValueLimits &limits);

// Writes the error's map; `raw_value` becomes its key `value` unless it is empty.
void write_error(Buffer &output, const Error &error, std::string_view raw_value = {});

} // namespace lethe
