// SPDX-License-Identifier: Apache-2.0
// What is on or off, or as what depends on it says.
#pragma once

#include "ipc/named.h"

#include <cstdint>

namespace lethe {

enum class Choice : uint8_t { automatic, on, off };

template <>
inline constexpr std::array names_of<Choice>{Name{"auto", Choice::automatic},
                                             Name{"on", Choice::on}, Name{"off", Choice::off}};

constexpr bool is_on(Choice choice, bool automatically) {
  return choice == Choice::automatic ? automatically : choice == Choice::on;
}

} // namespace lethe
