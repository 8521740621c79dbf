// SPDX-License-Identifier: Apache-2.0
// JavaScript stacks as users see them: frames of scripts, not of the prelude.
#pragma once

#include "daemon/engine/native_function.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <v8.h>

namespace lethe {

// The prelude's scripts are named so; no script of a user's is.
inline constexpr std::string_view prelude_prefix = "lethe:";

// A place in a source, from 1; line 0: not known.
struct Place {
  std::string script;
  int64_t line = 0, column = 0;
};

// The place that a stack's line ends with, "    at f (script:line:column)" or "    at
// script:line:column", and where in the line it stands.
struct PlaceInLine {
  Place place;
  size_t begin, end;
};
std::optional<PlaceInLine> find_place(std::string_view line);

// From now on no stack of an error has frames of the prelude: neither `stack` nor what
// Error.prepareStackTrace gets. Costs nothing before somebody asks for the stack.
void hide_prelude_frames(v8::Isolate *isolate);

// Where the script is at present, from the innermost frame: lines "    at f (script:line:column)".
std::string present_stack(v8::Isolate *isolate);

// An error's stack without the lines of the prelude.
std::string without_prelude(std::string_view stack);

// The stack with each place as `translate` says; it gives nothing for one that stays as it is.
using Translate = std::function<std::optional<Place>(const Place &)>;
std::string translate_places(std::string_view stack, const Translate &translate);

// What the prelude asks about stacks.
extern const std::span<const NativeFunction> stack_natives;

} // namespace lethe
