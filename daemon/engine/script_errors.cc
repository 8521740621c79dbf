// SPDX-License-Identifier: Apache-2.0
// Reading exceptions with care: everything in them may be a script's trap.
#include "daemon/engine/script_errors.h"
#include "daemon/engine/stacks.h"
#include "daemon/engine/value_writer.h"
#include "ipc/error_map.h"
#include "ipc/utf8.h"

#include <algorithm>

namespace lethe {
namespace {

constexpr size_t longest_source_line = 300;
constexpr size_t longest_text = 64 * 1024;
constexpr bool has_flag_v = V8_MAJOR_VERSION >= 11; // of regular expressions

std::string beginning(const std::string &text) {
  return std::string(utf8_beginning(text, longest_text));
}

// A property that is a string; else nothing.
std::string text_property(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                          v8::Local<v8::String> name) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::Local<v8::Value> value;
  if (!object->Get(context, name).ToLocal(&value) || !value->IsString())
    return {};
  return beginning(to_text(isolate, value.As<v8::String>()));
}

std::string text_of(v8::Local<v8::Context> context, v8::Local<v8::Value> value) {
  v8::Local<v8::String> text;
  if (!value->ToDetailString(context).ToLocal(&text))
    return "a value that has no text was thrown";
  return beginning(to_text(context->GetIsolate(), text));
}

// What V8 says of a regular expression's flag that later versions have does not tell what to do.
std::string with_advice(std::string message) {
  if (!has_flag_v &&
      (message.find("Invalid flags supplied to RegExp constructor") != message.npos ||
       message.find("Invalid regular expression flags") != message.npos))
    message.append(" (V8 ")
        .append(v8::V8::GetVersion())
        .append(" does not have the flag v: compile it away when you bundle the script)");
  return message;
}

// Of an instance of a script's class that is no error; else nothing.
std::string class_name(v8::Isolate *isolate, v8::Local<v8::Object> object) {
  const std::string name = beginning(to_text(isolate, object->GetConstructorName()));
  return name == "Object" ? std::string() : name;
}

// The innermost place in a stack: a built-in function, as JSON.parse, has none.
Place place_in_stack(std::string_view stack) {
  for (size_t end = stack.find("\n    at "); end != stack.npos;) {
    const size_t begin = end + 1;
    end = stack.find('\n', begin);
    if (const auto found = find_place(stack.substr(begin, end - begin)))
      return found->place;
  }
  return {};
}

Place place_of(v8::Local<v8::Context> context, v8::Local<v8::Message> message,
               std::string_view stack) {
  v8::Isolate *isolate = context->GetIsolate();
  Place place;
  if (!message.IsEmpty() && message->GetScriptResourceName()->IsString()) {
    place.script = to_text(isolate, message->GetScriptResourceName().As<v8::String>());
    place.line = message->GetLineNumber(context).FromMaybe(0);
    place.column = message->GetStartColumn(context).FromMaybe(-1) + 1;
  }
  return place.script.empty() || place.script.starts_with(prelude_prefix) ? place_in_stack(stack)
                                                                          : place;
}

void add_place(Error &error, const Place &place) {
  if (place.script.empty())
    return;
  error.keys.emplace_back("script", place.script);
  if (place.line < 1)
    return;
  error.keys.emplace_back("line", place.line);
  error.keys.emplace_back("column", place.column);
}

} // namespace

Place place_of_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                      v8::Local<v8::Message> message) {
  v8::Isolate *isolate = context->GetIsolate();
  const v8::TryCatch drop(isolate);
  if (!thrown->IsNativeError())
    return message.IsEmpty() ? Place() : place_of(context, message, {});
  if (message.IsEmpty())
    message = v8::Exception::CreateMessage(isolate, thrown);
  return place_of(context, message,
                  without_prelude(text_property(context, thrown.As<v8::Object>(),
                                                Names::of(isolate).stack.Get(isolate))));
}

Error describe_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                      v8::Local<v8::Message> message) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::TryCatch drop(isolate);
  const Names &names = Names::of(isolate);
  if (message.IsEmpty())
    message = v8::Exception::CreateMessage(isolate, thrown);
  Error error(ErrorCode::script_error, "");
  std::string stack;
  if (thrown->IsObject() && !thrown->IsFunction()) {
    const auto object = thrown.As<v8::Object>();
    error.message = with_advice(text_property(context, object, names.message.Get(isolate)));
    std::string name = text_property(context, object, names.name.Get(isolate));
    if (name.empty() && !thrown->IsNativeError() && !thrown->IsArray())
      name = class_name(isolate, object);
    stack = without_prelude(text_property(context, object, names.stack.Get(isolate)));
    if (!name.empty())
      error.keys.emplace_back("name", name);
    if (!stack.empty())
      error.keys.emplace_back("stack", stack);
    if (error.message.empty())
      error.message = name.empty() ? text_of(context, thrown) : name;
  } else {
    error.message = text_of(context, thrown);
  }
  add_place(error, place_of(context, message, stack));
  return error;
}

Error describe_compile_error(v8::Local<v8::Context> context, const v8::TryCatch &caught,
                             std::string_view script) {
  std::string text = text_of(context, caught.Exception());
  constexpr std::string_view of_ours = "Error: "; // an import that isn't there
  if (text.starts_with(of_ours))
    text.erase(0, of_ours.size());
  Error error(ErrorCode::compile_error, with_advice(std::move(text)));
  Place place = place_of(context, caught.Message(), {});
  if (place.script.empty() && !caught.Message().IsEmpty()) { // of JSON, V8 knows all but the name
    place.line = caught.Message()->GetLineNumber(context).FromMaybe(0);
    place.column = caught.Message()->GetStartColumn(context).FromMaybe(-1) + 1;
  }
  if (place.script.empty())
    place.script = script;
  add_place(error, place);
  add_source_line(context, caught.Message(), error);
  return error;
}

void add_source_line(v8::Local<v8::Context> context, v8::Local<v8::Message> message, Error &error) {
  v8::Local<v8::String> line;
  if (!message.IsEmpty() && message->GetSourceLine(context).ToLocal(&line) && line->Length() > 0)
    error.keys.emplace_back(
        "source_line",
        std::string(utf8_beginning(to_text(context->GetIsolate(), line), longest_source_line)));
}

void name_script(Error &error, std::string_view script) {
  if (std::none_of(error.keys.begin(), error.keys.end(),
                   [](const auto &pair) { return pair.first == "script"; }))
    error.keys.emplace_back("script", std::string(script));
}

void add_place(Error &error, std::string_view source, const Place &place) {
  add_place(error, place);
  for (int64_t line = 1; line < place.line; ++line) {
    const size_t end = source.find('\n');
    if (end == source.npos)
      return;
    source.remove_prefix(end + 1);
  }
  error.keys.emplace_back(
      "source_line",
      std::string(utf8_beginning(source.substr(0, source.find('\n')), longest_source_line)));
}

namespace {

void append_keys(Buffer &output, const RawKeys &raw) {
  Packer packer(output);
  for (const auto &[key, bytes] : raw) {
    pack_string(packer, key);
    output.append(bytes);
  }
}

// Errors within an error. A script may have made a graph of them, even an endless one by getters.
class NestedErrors {
public:
  NestedErrors(v8::Local<v8::Context> context, const ValueLimits &limits, const SeeError &see)
      : context_(context), isolate_(context->GetIsolate()), limits_(limits), see_(see) {}

  RawKeys keys_of(v8::Local<v8::Value> thrown, int depth) {
    RawKeys keys;
    const auto add = [&keys](const char *key, std::string bytes) {
      if (!bytes.empty())
        keys.emplace_back(key, std::move(bytes));
    };
    if (!thrown->IsNativeError()) {
      add("value", converted(thrown));
      return keys;
    }
    const auto object = thrown.As<v8::Object>();
    Buffer own;
    if (ValueWriter writer(context_, own, limits_); writer.write_properties(object))
      add("value", std::string(own.view()));
    const Names &names = Names::of(isolate_);
    v8::Local<v8::Value> value;
    if (own_value(object, names.cause.Get(isolate_), value) && !value->IsUndefined())
      add("cause", described(value, depth));
    if (own_value(object, names.errors.Get(isolate_), value) && value->IsArray())
      add("errors", list_of(value.As<v8::Array>(), depth));
    return keys;
  }

private:
  static constexpr int most_depth = 8;
  static constexpr int most_errors = 100;

  bool own_value(v8::Local<v8::Object> object, v8::Local<v8::String> key,
                 v8::Local<v8::Value> &value) {
    return object->HasOwnProperty(context_, key).FromMaybe(false) &&
           object->Get(context_, key).ToLocal(&value);
  }

  // Of an object of which a part can't be sent: the others of its properties.
  std::string converted(v8::Local<v8::Value> value) {
    Buffer whole, part;
    if (ValueWriter(context_, whole, limits_).write(value))
      return std::string(whole.view());
    return value->IsObject() && !value->IsArray() &&
                   ValueWriter(context_, part, limits_).write_properties(value.As<v8::Object>())
               ? std::string(part.view())
               : std::string();
  }

  std::string list_of(v8::Local<v8::Array> errors, int depth) {
    std::vector<std::string> items;
    for (uint32_t i = 0; i < errors->Length() && count_ < most_errors; ++i) {
      v8::Local<v8::Value> error;
      if (!errors->Get(context_, i).ToLocal(&error))
        break;
      if (std::string item = described(error, depth); !item.empty())
        items.push_back(std::move(item));
    }
    Buffer list;
    Packer(list).pack_array(static_cast<uint32_t>(items.size()));
    for (const std::string &item : items)
      list.append(item);
    return std::string(list.view());
  }

  std::string described(v8::Local<v8::Value> value, int depth) {
    if (depth >= most_depth || ++count_ > most_errors)
      return {};
    if (!value->IsNativeError())
      return converted(value);
    Error error = describe_thrown(context_, value, {});
    see_(error);
    const RawKeys raw = keys_of(value, depth + 1);
    Buffer map;
    Packer packer(map);
    packer.pack_map(static_cast<uint32_t>(1 + error.keys.size() + raw.size()));
    pack_string(packer, "message");
    pack_string(packer, error.message);
    write_error_keys(map, error);
    append_keys(map, raw);
    return std::string(map.view());
  }

  v8::Local<v8::Context> context_;
  v8::Isolate *isolate_;
  const ValueLimits &limits_;
  const SeeError &see_;
  int count_ = 0;
};

} // namespace

RawKeys convert_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                       const ValueLimits &limits, const SeeError &see) {
  const v8::TryCatch drop(context->GetIsolate());
  return NestedErrors(context, limits, see).keys_of(thrown, 0);
}

void write_error(Buffer &output, const Error &error, const RawKeys &raw) {
  write_error(output, error, raw.size());
  append_keys(output, raw);
}

} // namespace lethe
