// SPDX-License-Identifier: Apache-2.0
// Fetching random bytes.
#include "daemon/engine/entropy.h"
#include "daemon/engine/memory/pages.h"
#include "ipc/invariant.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lethe {

Entropy &Entropy::instance() {
  static auto *const entropy = [] {
    void *memory = allocate_surviving(sizeof(Entropy));
    invariant(memory, "there is memory for random bytes", {"errno", errno});
    return new (memory) Entropy;
  }();
  return *entropy;
}

void Entropy::fill(void *target, size_t bytes) {
  invariant(bytes <= block_bytes, "random bytes are taken in less than blocks", {"bytes", bytes});
  if (block_bytes - used_ < bytes) {
    invariant(getrandom(block_, block_bytes, 0) == static_cast<ssize_t>(block_bytes),
              "the kernel gives random bytes", {"errno", errno});
    used_ = 0;
  }
  std::memcpy(target, block_ + used_, bytes);
  explicit_bzero(block_ + used_, bytes);
  used_ += bytes;
}

} // namespace lethe

// From glibc 2.41 on getrandom() computes random bytes from a key in this process's memory: a
// rewind would bring the key back, and it could be in the image that all workers start from. These
// two take its place for all libraries in this process, and always ask the kernel.
extern "C" {
#pragma GCC visibility push(default)

ssize_t getrandom(void *target, size_t bytes, unsigned int flags) {
  return ::syscall(SYS_getrandom, target, bytes, flags);
}

int getentropy(void *target, size_t bytes) {
  constexpr size_t most_bytes = 256;
  if (bytes > most_bytes) {
    errno = EIO;
    return -1;
  }
  // Up to that much comes whole, and no signal interrupts it.
  return getrandom(target, bytes, 0) == static_cast<ssize_t>(bytes) ? 0 : -1;
}

#pragma GCC visibility pop
}
