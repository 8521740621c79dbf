// SPDX-License-Identifier: Apache-2.0
// The libraries' code and constants in huge pages.
#pragma once

#include <cstddef>

namespace lethe {

// Moves the code and the constants of this program and of the libraries, as far as they are in use,
// from their files' mappings into huge pages at the same addresses. A fork copies no page tables of
// files: each worker would find what it runs by some seventy page faults, and its end would undo as
// many. How many bytes are in huge pages now; 0 where the kernel has none to give: then nothing is
// moved.
size_t move_libraries_to_huge_pages();

} // namespace lethe
