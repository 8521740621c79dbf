// SPDX-License-Identifier: Apache-2.0
// What the command prints: results to standard output, errors to standard error.
#pragma once

#include "client/include/lethe.hpp"

#include <functional>
#include <optional>
#include <string>

namespace lethe::command {

// The text of the script that an error names, if it can be had.
using SourceOf = std::function<std::optional<std::string>(const std::string &script)>;

// Prints a result as one line of JSON, or the error. Returns the exit status.
int report(const Reply &reply, bool json, const SourceOf &source_of = {});

// Prints an error: as JSON, or for people, with the script's line, a caret and the stack.
int report_error(const Reply &reply, bool json, const SourceOf &source_of = {});

// Nested maps and arrays as indented lines of name and value; arrays of maps as tables.
std::string as_outline(Value value, size_t indent = 0);

// Lines of columns, each as wide as its widest cell.
std::string as_table(const std::vector<std::vector<std::string>> &rows);

// Strings as they are, all else as JSON.
std::string as_text(Value value);

} // namespace lethe::command
