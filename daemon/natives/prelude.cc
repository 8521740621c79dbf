// SPDX-License-Identifier: Apache-2.0
// The prelude's files, made part of the program by the build.
#include "daemon/natives/prelude.h"

namespace lethe {
namespace {

// Not constexpr: the length of so long a literal exceeds what compilers compute.
const PreludeFile files[] = {
#include "gen/prelude.inc"
};

// A group runs when a script first uses it, in the world that the script has made: without this
// whatever stands under these names by then would get what the group hands to it.
#define INTRINSICS                                                                                 \
  "Object, Function, Array, Number, Boolean, String, Symbol, BigInt, Date, Promise, RegExp, "      \
  "Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, "               \
  "AggregateError, JSON, Math, Reflect, Proxy, Map, Set, WeakMap, WeakSet, ArrayBuffer, "          \
  "DataView, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, "      \
  "Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, parseInt, "             \
  "parseFloat, isNaN, isFinite, decodeURIComponent, encodeURIComponent"

// Strict: else a script's function that a group calls gets hold of the group's functions by
// `caller`.
#define GROUP(text)                                                                                \
  "(function (require, exports, module, native, intrinsics) {'use strict';const {" INTRINSICS      \
  "} = intrinsics;(function () {" text "\n})();})"
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
std::string_view prelude_intrinsics() { return INTRINSICS; }
std::span<const LazyGlobals> lazy_globals() { return globals; }
std::span<const LazyGlobals> node_globals() { return for_node; }

} // namespace lethe
