// SPDX-License-Identifier: Apache-2.0
// malloc and its kin in a worker whose memory goes back, or ends, after each request.
#pragma once

#include <cstddef>

namespace lethe {

// Where a general heap has room is a matter of chance: a request's few hundred small blocks change a
// word or two in each of some forty pages, all of which a rewind has to copy back (and a forked
// process to copy first). From this call on small blocks are handed out one after the other from one
// region, which is theirs again once all that came later are free, too; larger ones, and all when the
// region is used up, are the general heap's. As long as that has given out nothing, what is older
// than the call is not given back: that would write into it, and the rewind does it better.
//
// Called by the only thread, once an image has been taken, and by each process that is then forked.
// Not for one that serves request after request without a rewind.
void begin_bump_allocation();

// What is new is the general heap's again; blocks of the region stay as they are.
void end_bump_allocation();

// Bytes of the region that are in use: for tests.
size_t bump_allocated_bytes();

} // namespace lethe
