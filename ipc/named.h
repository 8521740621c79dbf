// SPDX-License-Identifier: Apache-2.0
// Enumerations whose values people name: in settings, options and arguments of programs. Such a one
// has a table beside it, in the order in which the names are told.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

template <typename Enumeration> struct Name {
  std::string_view name;
  Enumeration value;
};
template <typename Enumeration> Name(std::string_view, Enumeration) -> Name<Enumeration>;

template <typename Enumeration> inline constexpr std::array<Name<Enumeration>, 0> names_of{};

template <typename Type>
concept Named = names_of<Type>
.size() > 0;

template <Named Enumeration> constexpr std::string_view name_of(Enumeration value) {
  for (const auto &row : names_of<Enumeration>)
    if (row.value == value)
      return row.name;
  return "";
}

// Nothing but the names is one.
template <Named Enumeration> constexpr std::optional<Enumeration> named(std::string_view name) {
  for (const auto &row : names_of<Enumeration>)
    if (row.name == name)
      return row.value;
  return std::nullopt;
}

// "a|b|c"
template <Named Enumeration> std::string all_names() {
  std::string text;
  for (const auto &row : names_of<Enumeration>)
    text.append(text.empty() ? "" : "|").append(row.name);
  return text;
}

} // namespace lethe
