// SPDX-License-Identifier: Apache-2.0
// Results and errors as the command prints them.
#include "client/command/report.h"
#include "client/command/command_line.h"

#include <algorithm>
#include <array>
#include <iostream>

namespace lethe::command {
namespace {

int exit_status(std::string_view code) {
  constexpr std::pair<std::string_view, ExitStatus> statuses[] = {
      {"script_error", script_failed},      {"compile_error", script_failed},
      {"deadline_exceeded", limit_reached}, {"memory_limit", limit_reached},
      {"overloaded", limit_reached},        {"too_large", limit_reached},
      {"quarantined", limit_reached},       {"timed_out", limit_reached},
      {"unreachable", unreachable},         {"connection_lost", unreachable},
  };
  for (const auto &[name, status] : statuses)
    if (name == code)
      return status;
  return failed;
}

std::string text_of(Value map, const char *key) {
  return std::string(map[key].bytes().value_or(""));
}

std::optional<std::string> nth_line(const std::string &text, int64_t number) {
  size_t begin = 0;
  for (int64_t line = 1; line < number; ++line) {
    begin = text.find('\n', begin);
    if (begin == std::string::npos)
      return std::nullopt;
    ++begin;
  }
  return text.substr(begin, text.find_first_of("\r\n", begin) - begin);
}

// Cuts minified sources to what is around the column, which moves along.
constexpr size_t widest_line = 160;
void shorten(std::string &line, int64_t &column) {
  if (line.size() <= widest_line)
    return;
  const auto at = static_cast<size_t>(std::max<int64_t>(column, 1)) - 1;
  const size_t begin = at > widest_line / 2 ? std::min(at - widest_line / 2, line.size()) : 0;
  line = line.substr(begin, widest_line);
  column -= static_cast<int64_t>(begin);
}

//   6 |   throw new Error('on purpose');
//     |         ^
void print_source_line(Value error, const std::string &script, const SourceOf &source_of) {
  const auto number = error["line"].int64();
  if (!number)
    return;
  std::optional<std::string> line;
  if (error["source_line"])
    line = text_of(error, "source_line");
  else if (const auto source = source_of ? source_of(script) : std::nullopt)
    line = nth_line(*source, *number);
  if (!line)
    return;
  int64_t column = error["column"].int64().value_or(0);
  shorten(*line, column);
  const std::string label = "  " + std::to_string(*number);
  std::cerr << label << " | " << *line << '\n';
  if (column < 1)
    return;
  std::string below = line->substr(0, static_cast<size_t>(column) - 1);
  below.resize(static_cast<size_t>(column) - 1, ' ');
  std::replace_if(
      below.begin(), below.end(), [](char c) { return c != '\t'; }, ' ');
  std::cerr << std::string(label.size(), ' ') << " | " << below << "^\n";
}

// The frames only: the message was said before.
void print_stack(const std::string &stack, const std::string &margin) {
  for (size_t begin = stack.find("    at "); begin < stack.size();) {
    const size_t end = std::min(stack.find('\n', begin), stack.size());
    std::cerr << margin << stack.substr(begin, end - begin) << '\n';
    begin = end + 1;
  }
}

void print_nested(Value error, std::string_view how, size_t indent);

void print_inner(Value error, size_t indent) {
  if (error["cause"])
    print_nested(error["cause"], "caused by", indent);
  error["errors"].for_each([&](Value, Value each) { print_nested(each, "one error", indent); });
}

// An error within another: what caused it, or one of an AggregateError's.
void print_nested(Value error, std::string_view how, size_t indent) {
  const std::string margin(indent, ' ');
  std::cerr << margin << how << ": ";
  if (!error["message"]) {
    std::cerr << as_text(error) << '\n';
    return;
  }
  const std::string name = text_of(error, "name");
  std::cerr << (name.empty() ? "" : name + ": ") << text_of(error, "message") << '\n';
  print_stack(text_of(error, "stack"), margin);
  if (error["value"])
    std::cerr << margin << "  value: " << as_text(error["value"]) << '\n';
  print_inner(error, indent + 2);
}

bool is_container(Value value) {
  return (value.type() == LETHE_MAP || value.type() == LETHE_ARRAY) && value.count() > 0;
}

bool is_list_of_maps(Value value) {
  return value.type() == LETHE_ARRAY && value[size_t{0}].type() == LETHE_MAP;
}

// A table with the first map's keys as its head.
std::string list_of_maps(Value list, size_t indent) {
  std::vector<std::vector<std::string>> rows(1);
  list[size_t{0}].for_each([&](Value key, Value) { rows[0].push_back(as_text(key)); });
  list.for_each([&](Value, Value map) {
    auto &row = rows.emplace_back();
    for (const auto &key : rows[0])
      row.push_back(as_text(map[key.c_str()]));
  });
  for (auto &row : rows)
    row[0].insert(0, indent, ' ');
  return as_table(rows);
}

} // namespace

std::string as_text(Value value) {
  return value.type() == LETHE_STRING ? std::string(*value.bytes()) : value.json();
}

int report(const Reply &reply, bool json, const SourceOf &source_of) {
  if (!reply)
    return report_error(reply, json, source_of);
  std::cout << reply.value().json() << std::endl;
  return success;
}

int report_error(const Reply &reply, bool json, const SourceOf &source_of) {
  const int status = exit_status(reply.code());
  const Value error = reply.value();
  if (json) {
    std::cerr << error.json() << '\n';
    return status;
  }
  const std::string script = text_of(error, "script"), name = text_of(error, "name");
  if (error["line"]) {
    std::cerr << script << ':' << error["line"].json();
    if (error["column"])
      std::cerr << ':' << error["column"].json();
    std::cerr << ": ";
  }
  std::cerr << reply.code() << ": ";
  if (reply.code() == "script_error" && !name.empty() && !reply.message().starts_with(name))
    std::cerr << name << ": ";
  std::cerr << reply.message() << '\n';
  print_source_line(error, script, source_of);
  print_stack(text_of(error, "stack"), "");
  print_inner(error, 2);
  constexpr std::array<std::string_view, 10> shown = {"code",   "message", "name",   "stack",
                                                      "script", "line",    "column", "source_line",
                                                      "cause",  "errors"};
  error.for_each([&](Value key, Value value) {
    const std::string label = as_text(key);
    const bool again = std::find(shown.begin(), shown.end(), label) != shown.end();
    if (!again || (label == "name" && reply.code() == "not_found"))
      std::cerr << "  " << label << ": " << as_text(value) << '\n';
  });
  return status;
}

std::string as_table(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths;
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      widths.resize(std::max(widths.size(), i + 1));
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string text;
  for (const auto &row : rows) {
    for (size_t i = 0; i < row.size(); ++i)
      text +=
          i + 1 < row.size() ? row[i] + std::string(widths[i] - row[i].size() + 2, ' ') : row[i];
    text += '\n';
  }
  return text;
}

std::string as_outline(Value value, size_t indent) {
  const std::string margin(indent, ' ');
  std::vector<std::vector<std::string>> scalars;
  std::string containers;
  size_t index = 0;
  value.for_each([&](Value key, Value element) {
    const std::string label = key ? as_text(key) : std::to_string(index);
    ++index;
    if (is_list_of_maps(element))
      containers += margin + label + '\n' + list_of_maps(element, indent + 2);
    else if (is_container(element))
      containers += margin + label + '\n' + as_outline(element, indent + 2);
    else
      scalars.push_back({margin + label, as_text(element)});
  });
  return as_table(scalars) + containers;
}

} // namespace lethe::command
