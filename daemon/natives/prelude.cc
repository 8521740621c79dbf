// SPDX-License-Identifier: Apache-2.0
// The prelude's files, made part of the program by the build.
#include "daemon/natives/prelude.h"

namespace lethe {
namespace {

// Not constexpr: the length of so long a literal exceeds what compilers compute.
const PreludeFile files[] = {
#include "gen/prelude.inc"
};

// Strict: else a script's function that a group calls gets hold of the group's functions by
// `caller`.
#define GROUP(text)                                                                                \
  "(function (require, exports, module, native, intrinsics) {'use strict';" text "\n})"
const PreludeGroup groups[] = {
#include "gen/prelude_groups.inc"
};

constexpr LazyGlobals globals[] = {
#include "gen/prelude_globals.inc"
};

constexpr LazyGlobals for_node[] = {
#include "gen/prelude_node_globals.inc"
};

} // namespace

std::span<const PreludeFile> prelude_files() { return files; }
std::span<const PreludeGroup> prelude_groups() { return groups; }
std::span<const LazyGlobals> lazy_globals() { return globals; }
std::span<const LazyGlobals> node_globals() { return for_node; }

} // namespace lethe
