// SPDX-License-Identifier: Apache-2.0
// The prelude's files, made part of the program by the build.
#include "snapshot/prelude.h"

namespace lethe {
namespace {

constexpr PreludeFile files[] = {
#include "gen/prelude.inc"
};

} // namespace

std::span<const PreludeFile> prelude_files() { return files; }

} // namespace lethe
