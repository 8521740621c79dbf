// SPDX-License-Identifier: Apache-2.0
// A disk that fails: fsync of this program, as ipc/files.cc calls it.
#pragma once

#include <climits>

namespace lethe::test {

// So many calls of fsync succeed, each further one fails with EIO.
inline int good_syncs = INT_MAX;

} // namespace lethe::test
