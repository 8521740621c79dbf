// SPDX-License-Identifier: Apache-2.0
// V8 13 reserves the tables of its function entries past the platform's page allocator. This leads
// them back to the arena.
#pragma once

#include "daemon/engine/memory/arena.h"

namespace lethe {

// From now on what V8 asks of the C library about address space comes from `arena`, which must
// live as long as V8: it would be marked MADV_DONTFORK, so that a worker dies of its first call,
// and change without a rewind's knowledge. Does nothing for a V8 that has no such tables.
void lead_mappings_to(Arena &arena);

} // namespace lethe
