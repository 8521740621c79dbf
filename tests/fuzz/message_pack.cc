// SPDX-License-Identifier: Apache-2.0
// Any bytes through Skimmer and Reader, in one piece and byte by byte: they agree about where a
// value ends, and neither reads past the end.
#include "ipc/message_pack.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

using namespace lethe;

namespace {

// Walks a value as a consumer does, item by item.
void walk(Reader &reader, uint32_t depth) {
  Item item;
  if (!reader.next(item) || depth == 0)
    return;
  const uint64_t children = item.kind == Kind::map     ? 2 * uint64_t{item.count}
                            : item.kind == Kind::array ? item.count
                                                       : 0;
  for (uint64_t i = 0; i < children && !reader.failed(); ++i)
    walk(reader, depth - 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr uint32_t depth = 64;
  // A copy of exactly this size, so that a read past the end is seen.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy(data, data + size, copy.get());
  const std::string_view bytes(copy.get(), size);

  Skimmer whole(depth), pieces(depth);
  const auto state = whole.advance(bytes);
  auto last = Skimmer::State::incomplete;
  for (size_t arrived = 1; arrived <= size && last == Skimmer::State::incomplete; ++arrived)
    last = pieces.advance(bytes.substr(0, arrived));
  if (size > 0 && (last != state ||
                   (state == Skimmer::State::complete && whole.position() != pieces.position())))
    std::abort();

  Reader skipping(bytes);
  const bool skipped = skipping.skip();
  if (state == Skimmer::State::complete &&
      (!skipped || size - skipping.rest().size() != whole.position()))
    std::abort();

  Reader walking(bytes);
  walk(walking, depth);
  if (state == Skimmer::State::complete && walking.rest().size() != size - whole.position())
    std::abort();
  return 0;
}
