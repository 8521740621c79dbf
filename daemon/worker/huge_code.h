// SPDX-License-Identifier: Apache-2.0
// The engine's machine code in huge pages.
#pragma once

#include "daemon/worker/pages.h"

namespace lethe {

// Moves V8's code, as far as it fills whole huge pages, from its file's mapping into memory of such
// pages at the same addresses. A fork copies no page tables of a file: each new worker would find
// the code it runs by some fifty page faults. Huge pages come with the fork, at no cost. What was
// moved; empty where the kernel has no huge pages to give.
PageRange move_code_to_huge_pages();

} // namespace lethe
