// SPDX-License-Identifier: Apache-2.0
// Where in a value something is: "$.users[1].name".
#pragma once

#include "ipc/error.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

// What a path has for this key of an object: ".name", or "[\"two words\"]".
std::string step_into(std::string_view key);

// The path, from `root`, to the innermost item of a value that has the byte at `offset`. What is
// wrong with a map's key has the map's path.
std::string path_to(size_t offset, std::string_view value, std::string root);

// The error for the first str of a value that is not UTF-8, if there is one.
std::optional<Error> broken_text(std::string_view value, std::string root);
inline constexpr const char *broken_text_reason = "a str is not UTF-8: bytes are sent as bin";

} // namespace lethe
