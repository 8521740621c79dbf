// SPDX-License-Identifier: Apache-2.0
// Taking and trimming stacks.
#include "daemon/engine/stacks.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/names.h"
#include "ipc/invariant.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace lethe {
namespace {

constexpr int most_frames = 20;

} // namespace

std::string present_stack(v8::Isolate *isolate) {
  v8::HandleScope handles(isolate);
  const auto trace = v8::StackTrace::CurrentStackTrace(
      isolate, most_frames,
      static_cast<v8::StackTrace::StackTraceOptions>(
          v8::StackTrace::kDetailed | v8::StackTrace::kExposeFramesAcrossSecurityOrigins));
  std::string text;
  for (int i = 0; i < trace->GetFrameCount(); ++i) {
    const auto frame = trace->GetFrame(isolate, static_cast<uint32_t>(i));
    const auto script_name = frame->GetScriptName();
    const std::string script =
        script_name.IsEmpty() ? "<anonymous>" : to_text(isolate, script_name);
    if (script.starts_with(prelude_prefix))
      continue;
    const auto function_name = frame->GetFunctionName();
    const std::string function =
        function_name.IsEmpty() ? std::string() : to_text(isolate, function_name);
    const std::string place = script + ":" + std::to_string(frame->GetLineNumber()) + ":" +
                              std::to_string(frame->GetColumn());
    text += text.empty() ? "    at " : "\n    at ";
    if (function.empty())
      text += place;
    else
      text.append(function).append(" (").append(place).append(")");
  }
  return text;
}

std::optional<PlaceInLine> find_place(std::string_view line) {
  constexpr std::string_view lead = "    at ";
  if (!line.starts_with(lead))
    return std::nullopt;
  PlaceInLine found{{}, lead.size(), line.size()};
  if (const size_t eval = line.rfind("eval at "); eval != line.npos) {
    // "eval at f (script:1:2), <anonymous>:3:4": code that a script made tells where it did so.
    found.begin = line.find('(', eval);
    found.end = line.find(')', eval);
    if (found.begin++ == line.npos || found.end == line.npos || found.begin > found.end)
      return std::nullopt;
  } else if (const size_t open = line.rfind('('); open != line.npos && line.ends_with(')')) {
    found.begin = open + 1;
    found.end = line.size() - 1;
  }
  const std::string_view text = line.substr(found.begin, found.end - found.begin);
  const size_t column = text.rfind(':');
  const size_t row = column == text.npos || column == 0 ? text.npos : text.rfind(':', column - 1);
  if (row == text.npos)
    return std::nullopt;
  found.place.script = text.substr(0, row);
  std::from_chars(text.data() + row + 1, text.data() + column, found.place.line);
  std::from_chars(text.data() + column + 1, text.data() + text.size(), found.place.column);
  return found;
}

// --- stacks of errors --------------------------------------------------------------------------

namespace {

v8::Local<v8::Private> errors_key(v8::Isolate *isolate) {
  return v8::Private::ForApi(isolate, to_name(isolate, "lethe.errors"));
}

// setErrors([Error, Error.prototype.toString]): those of this context, as they were at first
void set_errors(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  v8::Isolate *isolate = arguments.GetIsolate();
  const auto context = isolate->GetCurrentContext();
  const bool stored =
      context->Global()->SetPrivate(context, errors_key(isolate), arguments[0]).FromMaybe(false);
  invariant(stored, "the prelude can store the errors");
}

bool is_of_prelude(v8::Local<v8::Context> context, v8::Local<v8::Object> site) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::Local<v8::Value> function, name;
  return site->Get(context, Names::of(isolate).getFileName.Get(isolate)).ToLocal(&function) &&
         function->IsFunction() &&
         function.As<v8::Function>()->Call(context, site, 0, nullptr).ToLocal(&name) &&
         name->IsString() && to_text(isolate, name.As<v8::String>()).starts_with(prelude_prefix);
}

std::vector<v8::Local<v8::Value>> without_prelude(v8::Local<v8::Context> context,
                                                  v8::Local<v8::Array> sites) {
  std::vector<v8::Local<v8::Value>> shown;
  for (uint32_t i = 0; i < sites->Length(); ++i) {
    v8::Local<v8::Value> site;
    if (sites->Get(context, i).ToLocal(&site) && site->IsObject() &&
        !is_of_prelude(context, site.As<v8::Object>()))
      shown.push_back(site);
  }
  return shown;
}

// `head` is what the error is as a text; then comes a line for each site.
v8::Local<v8::String> stack_text(v8::Local<v8::Context> context, v8::MaybeLocal<v8::Value> head,
                                 const std::vector<v8::Local<v8::Value>> &sites) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto concatenate = [isolate](v8::Local<v8::String> left, v8::Local<v8::String> right) {
    return v8::String::Concat(isolate, left, right);
  };
  const auto lead = to_string(isolate, "\n    at ");
  v8::Local<v8::Value> shown;
  auto text = to_string(isolate, "<error>"); // as V8 says if the error does not let itself be shown
  if (head.ToLocal(&shown) && shown->IsString())
    text = shown.As<v8::String>();
  for (const auto site : sites) {
    v8::Local<v8::String> line;
    if (site->ToString(context).ToLocal(&line) &&
        text->Length() + line->Length() < v8::String::kMaxLength / 2)
      text = concatenate(concatenate(text, lead), line);
  }
  return text;
}

// What V8 does without a callback, but for the prelude's frames.
v8::MaybeLocal<v8::Value> prepare_stack(v8::Local<v8::Context> context, v8::Local<v8::Value> error,
                                        v8::Local<v8::Array> sites) {
  v8::Isolate *isolate = context->GetIsolate();
  v8::Local<v8::Value> errors, constructor, to_string_function, prepare;
  if (!context->Global()->GetPrivate(context, errors_key(isolate)).ToLocal(&errors) ||
      !errors->IsArray() || !errors.As<v8::Array>()->Get(context, 0).ToLocal(&constructor) ||
      !errors.As<v8::Array>()->Get(context, 1).ToLocal(&to_string_function))
    return v8::Undefined(isolate);
  // Thrown again in any case: V8 ends the process if it is handed nothing without an exception that
  // is on its way.
  v8::TryCatch caught(isolate);
  auto shown = without_prelude(context, sites);
  if (!constructor.As<v8::Object>()
           ->Get(context, Names::of(isolate).prepareStackTrace.Get(isolate))
           .ToLocal(&prepare)) {
    caught.ReThrow();
    return {};
  }
  if (prepare->IsFunction()) {
    v8::Local<v8::Value> arguments[] = {error, v8::Array::New(isolate, shown.data(), shown.size())};
    v8::Local<v8::Value> stack;
    if (!prepare.As<v8::Function>()->Call(context, constructor, 2, arguments).ToLocal(&stack))
      caught.ReThrow();
    return stack;
  }
  const auto text = stack_text(
      context, to_string_function.As<v8::Function>()->Call(context, error, 0, nullptr), shown);
  if (!caught.HasTerminated())
    return text;
  caught.ReThrow();
  return {};
}

constexpr NativeFunction functions[] = {{"setErrors", set_errors}};

} // namespace

const std::span<const NativeFunction> stack_natives = functions;

void hide_prelude_frames(v8::Isolate *isolate) {
  isolate->SetPrepareStackTraceCallback(prepare_stack);
}

// --- stacks as text ----------------------------------------------------------------------------

namespace {

// The stack of those lines that `rewrite` leaves, joined again.
template <typename Rewrite> std::string rewrite_lines(std::string_view stack, Rewrite rewrite) {
  std::string kept;
  while (!stack.empty()) {
    const size_t end = std::min(stack.find('\n'), stack.size());
    const std::optional<std::string> line = rewrite(stack.substr(0, end));
    stack.remove_prefix(std::min(end + 1, stack.size()));
    if (line)
      kept += (kept.empty() ? "" : "\n") + *line;
  }
  return kept;
}

} // namespace

std::string without_prelude(std::string_view stack) {
  return rewrite_lines(stack, [](std::string_view line) -> std::optional<std::string> {
    const auto found = find_place(line);
    if (found && found->place.script.starts_with(prelude_prefix))
      return std::nullopt;
    return std::string(line);
  });
}

std::string translate_places(std::string_view stack, const Translate &translate) {
  return rewrite_lines(stack, [&](std::string_view line) -> std::optional<std::string> {
    std::string text(line);
    const auto found = find_place(line);
    if (const auto other = found ? translate(found->place) : std::nullopt)
      text.replace(found->begin, found->end - found->begin,
                   other->script + ":" + std::to_string(other->line) + ":" +
                       std::to_string(other->column));
    return text;
  });
}

} // namespace lethe
