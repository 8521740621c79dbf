// SPDX-License-Identifier: Apache-2.0
// Random bytes from the kernel for each request. Fork, snapshot and rewind would otherwise repeat
// every random number.
#pragma once

#include <cstddef>

namespace lethe {

// One for the process, in memory that survives a rewind; to be made before the checkpoint. Fetched
// in blocks, so that a request does not cost a system call.
class Entropy {
public:
  static Entropy &instance();

  void fill(void *target, size_t bytes); // bytes: at most block_bytes
  // Forgets what was fetched: a forked process must not use its parent's bytes, as its siblings
  // have them, too.
  void discard() { used_ = block_bytes; }

  static constexpr size_t block_bytes = 256; // what getrandom gives in one piece, always

private:
  unsigned char block_[block_bytes];
  size_t used_ = block_bytes;
};

} // namespace lethe
