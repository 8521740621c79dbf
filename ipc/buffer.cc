// SPDX-License-Identifier: Apache-2.0
// Growth of Buffer.
#include "ipc/buffer.h"

#include <algorithm>

namespace lethe {

void Buffer::make_room(size_t bytes) {
  const size_t used = size();
  if (capacity_ - used >= bytes &&
      begin_ >= used) { // no overlap: half or more is free at the front
    std::memcpy(storage_.get(), storage_.get() + begin_, used);
  } else {
    const size_t larger = std::max({capacity_ * 2, used + bytes, size_t{4096}});
    std::unique_ptr<char[]> storage(new char[larger]);
    if (used > 0)
      std::memcpy(storage.get(), storage_.get() + begin_, used);
    storage_ = std::move(storage);
    capacity_ = larger;
  }
  begin_ = 0;
  end_ = used;
}

} // namespace lethe
