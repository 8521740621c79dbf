// SPDX-License-Identifier: Apache-2.0
// Fetching random bytes.
#include "daemon/worker/entropy.h"
#include "daemon/worker/pages.h"
#include "ipc/error.h"

#include <cstring>
#include <new>
#include <sys/random.h>

namespace lethe {

Entropy &Entropy::instance() {
  static auto *const entropy = new (allocate_surviving(sizeof(Entropy))) Entropy;
  return *entropy;
}

void Entropy::fill(void *target, size_t bytes) {
  if (block_bytes - used_ < bytes) {
    if (getrandom(block_, block_bytes, 0) != static_cast<ssize_t>(block_bytes))
      fatal("the kernel gives random bytes");
    used_ = 0;
  }
  std::memcpy(target, block_ + used_, bytes);
  explicit_bzero(block_ + used_, bytes);
  used_ += bytes;
}

} // namespace lethe
