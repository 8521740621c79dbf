// SPDX-License-Identifier: Apache-2.0
// What a script threw, as the error that its caller gets.
#pragma once

#include "daemon/engine/stacks.h"
#include "ipc/buffer.h"
#include "ipc/error.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <v8.h>
#include <vector>

namespace lethe {

struct ValueLimits;

// A thrown value: message, name, stack and place. `message` may be empty (a rejected promise has
// none): the place is then taken from the value. Runs JavaScript only where the value has getters;
// what these throw is dropped.
Error describe_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                      v8::Local<v8::Message> message);

// Where it was thrown; `message` may be empty. Nothing of a value that is no Error and has no message.
Place place_of_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
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

// Further keys of an error's map, with MessagePack as values.
using RawKeys = std::vector<std::pair<std::string, std::string>>;

// What else a thrown value has to tell: `value` is the thrown value if it is not an Error, else its
// own enumerable properties; `cause` what the Error was caused by, and `errors` the list of an
// AggregateError, each of these a map {name, message, stack, …} like the error itself if it is an
// Error. What can't be converted is left out. `see` gets the description of each such Error.
using SeeError = std::function<void(Error &)>;
RawKeys convert_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                       const ValueLimits &limits, const SeeError &see);

// Writes the error's map, with these keys, too.
void write_error(Buffer &output, const Error &error, const RawKeys &raw);

} // namespace lethe
