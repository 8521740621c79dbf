// SPDX-License-Identifier: Apache-2.0
// Any bytes as the body of each message: it is refused with a word that names the message, or what
// is read is the same after it was written and read again.
#include "ipc/messages.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

using namespace lethe;

namespace {

constexpr uint32_t depth = 64;

template <typename Message> void try_body(std::string_view bytes) {
  Skimmer skimmer(depth);
  const auto read = read_message<Message>(bytes, &skimmer);
  if (!read) {
    if (!read.error().message.starts_with(Message::row.name))
      std::abort();
    return;
  }
  if (!read_message<Message>(bytes)) // without a limit on depth
    std::abort();
  Buffer written;
  write_message(written, *read);
  const auto again = read_message<Message>(written.view(), &skimmer);
  if (!again || *again != *read || written.size() > bytes.size())
    std::abort();
}

} // namespace

// The first byte chooses the message.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  // A copy of exactly this size, so that a read past the end is seen.
  const size_t length = size - 1;
  const std::unique_ptr<char[]> copy(new char[length]);
  std::copy_n(data + 1, length, copy.get());
  for_each_message([&]<typename Message>() {
    if (static_cast<uint8_t>(Message::row.type) == data[0])
      try_body<Message>({copy.get(), length});
  });
  return 0;
}
