// SPDX-License-Identifier: Apache-2.0
// Taking and trimming stacks.
#include "daemon/worker/stacks.h"
#include "daemon/worker/engine.h"

#include <algorithm>
#include <charconv>

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
  if (const size_t open = line.rfind('('); open != line.npos && line.ends_with(')')) {
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
