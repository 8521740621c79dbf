// SPDX-License-Identifier: Apache-2.0
// JSON text to MessagePack and back, without an object tree between them. The forms for what JSON
// lacks are described in lethe.h.
#pragma once

#include "ipc/buffer.h"
#include "ipc/error.h"

#include <optional>
#include <string>
#include <string_view>

namespace lethe {

// What nests deeper is no value for this library; it also bounds recursion.
inline constexpr uint32_t max_value_depth = 1024;

// Appends the text's value to `output`; on an error output is as it was.
Result<Nothing> append_json(std::string_view text, Buffer &output);

// Nothing if `value` is not one MessagePack value. `indent`: spaces for each level, 0: one line.
std::optional<std::string> to_json(std::string_view value, unsigned indent);

} // namespace lethe
