// SPDX-License-Identifier: Apache-2.0
// Reading exceptions with care: everything in them may be a script's trap.
#include "daemon/worker/script_errors.h"
#include "daemon/worker/stacks.h"
#include "daemon/worker/value_writer.h"

#include <algorithm>

namespace lethe {
namespace {

constexpr size_t longest_source_line = 300;
constexpr size_t longest_text = 64 * 1024;

// A property that is a string; else nothing.
std::string text_property(v8::Local<v8::Context> context, v8::Local<v8::Object> object,
                          v8::Local<v8::String> name) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::Local<v8::Value> value;
  if (!object->Get(context, name).ToLocal(&value) || !value->IsString())
    return {};
  return to_text(isolate, value.As<v8::String>()).substr(0, longest_text);
}

std::string text_of(v8::Local<v8::Context> context, v8::Local<v8::Value> value) {
  v8::Local<v8::String> text;
  if (!value->ToDetailString(context).ToLocal(&text))
    return "a value that has no text was thrown";
  return to_text(context->GetIsolate(), text).substr(0, longest_text);
}

// The place in a stack's first line.
Place place_in_stack(std::string_view stack) {
  const size_t begin = stack.find("\n    at ");
  if (begin == stack.npos)
    return {};
  const std::string_view rest = stack.substr(begin + 1);
  const auto found = find_place(rest.substr(0, rest.find('\n')));
  return found ? found->place : Place{};
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
    error.message = text_property(context, object, names.message.Get(isolate));
    const std::string name = text_property(context, object, names.name.Get(isolate));
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
  Error error(ErrorCode::compile_error, std::move(text));
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
    error.keys.emplace_back("source_line",
                            to_text(context->GetIsolate(), line).substr(0, longest_source_line));
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
  error.keys.emplace_back("source_line", std::string(source.substr(
                                             0, std::min(source.find('\n'), longest_source_line))));
}

std::string convert_thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                           const ValueLimits &limits) {
  v8::TryCatch drop(context->GetIsolate());
  Buffer buffer;
  ValueWriter writer(context, buffer, limits);
  const bool has_value = thrown->IsNativeError() ? writer.write_properties(thrown.As<v8::Object>())
                                                 : writer.write(thrown);
  return has_value ? std::string(buffer.view()) : std::string();
}

void write_error(Buffer &output, const Error &error, std::string_view raw_value) {
  msgpack::packer<Buffer> packer(output);
  const auto pack_text = [&](std::string_view text) {
    packer.pack_str(static_cast<uint32_t>(text.size()));
    packer.pack_str_body(text.data(), static_cast<uint32_t>(text.size()));
  };
  packer.pack_map(static_cast<uint32_t>(2 + error.keys.size() + (raw_value.empty() ? 0 : 1)));
  pack_text("code");
  pack_text(error_name(error.code));
  pack_text("message");
  pack_text(error.message);
  for (const auto &[key, value] : error.keys) {
    pack_text(key);
    if (const auto *number = std::get_if<int64_t>(&value))
      packer.pack_int64(*number);
    else
      pack_text(std::get<std::string>(value));
  }
  if (!raw_value.empty()) {
    pack_text("value");
    output.append(raw_value);
  }
}

} // namespace lethe
