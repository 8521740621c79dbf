// SPDX-License-Identifier: Apache-2.0
// Any bytes as a startup snapshot's file: it is refused with a message, or its parts are as long as
// its head says. Half of the time the checksum is right.
#include "snapshot/cache.h"
#include "tests/fuzz/bytes.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace lethe;
using namespace lethe::fuzz;

namespace {

// Where the head has them; see FileHeader in snapshot/cache.cc.
constexpr size_t about_at = 16, blob_at = 24, checksum_at = 64, head_bytes = 96;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int file = ::memfd_create("snapshot", 0);
  Bytes input(data, size);
  const uint8_t kind = input.byte();
  std::string bytes = input.rest();
  if (kind % 2 == 1 && bytes.size() >= head_bytes) {
    const char start[] = {'L', 'E', 'T', 'H', 'E', 'S', 'N', 'P', 2, 0, 0, 0, head_bytes, 0, 0, 0};
    std::memcpy(bytes.data(), start, sizeof start);
    const uint64_t rest = bytes.size() - head_bytes;
    const auto about = static_cast<uint64_t>(bytes[about_at] & 0x7f);
    if (kind % 4 == 1 && about <= rest) {
      const uint64_t blob = rest - about;
      std::memcpy(bytes.data() + about_at, &about, sizeof about);
      std::memcpy(bytes.data() + blob_at, &blob, sizeof blob);
    }
    const Digest digest = digest_of(std::string_view(bytes).substr(head_bytes));
    std::memcpy(bytes.data() + checksum_at, digest.data(), digest.size());
  }
  check(::ftruncate(file, 0) == 0 &&
        ::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  const auto snapshot = SnapshotFile::open("/proc/self/fd/" + std::to_string(file));
  if (!snapshot) {
    check(snapshot.error().message.starts_with("/proc/self/fd/"));
    return 0;
  }
  check(kind % 2 == 1); // nobody guesses a checksum
  const auto blob = static_cast<size_t>(snapshot->blob().raw_size);
  check(snapshot->about().size() + blob + head_bytes == bytes.size());
  check(std::string(snapshot->about()) + std::string(snapshot->blob().data, blob) ==
        bytes.substr(head_bytes));
  return 0;
}
