// SPDX-License-Identifier: Apache-2.0
// What a client has said of itself by the method `hello`; as it stands here of one that has not.
#pragma once

#include "ipc/named.h"

#include <cstdint>
#include <string>

namespace lethe {

// How errors come: {code, message, …}; [0, "code: message"]; "code: message".
enum class ErrorShape : uint8_t { map, pair, text };
template <>
inline constexpr std::array names_of<ErrorShape>{
    Name{"map", ErrorShape::map}, Name{"pair", ErrorShape::pair}, Name{"text", ErrorShape::text}};

// How a script's numbers come: the whole ones as ints; all of them as float 64.
enum class NumberShape : uint8_t { exact, floating };
template <>
inline constexpr std::array names_of<NumberShape>{Name{"exact", NumberShape::exact},
                                                  Name{"float", NumberShape::floating}};

struct Hello {
  std::string client; // its name, for the log
  ErrorShape errors = ErrorShape::map;
  NumberShape numbers = NumberShape::exact;
  bool host_calls = true; // it answers them
};

} // namespace lethe
