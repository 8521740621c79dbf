// SPDX-License-Identifier: Apache-2.0
// Any MessagePack value into V8 and out again: what comes out is one value, and the same once more
// in and out. A value that can't be one of JavaScript's is refused with a word.
#include "ipc/message_pack.h"
#include "tests/fuzz/bytes.h"
#include "tests/unit/worker/world.h"

using namespace lethe;
using namespace lethe::fuzz;

namespace {

constexpr uint32_t depth = 16; // as of the world's limits

// Nothing: an error, which is said as "code: message".
std::optional<std::string> round_trip(test::World &world, std::string_view value) {
  std::string globals = "\x81\xa1x";
  globals += value;
  std::string result = world.eval("x", globals);
  const bool is_error = result.size() > 1 && static_cast<unsigned char>(result[0]) < 0x80;
  if (!is_error)
    return result;
  check(result.find(": ") != std::string::npos);
  return std::nullopt;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static test::World world;
  const std::string value(reinterpret_cast<const char *>(data), size);
  if (!is_one_value(value, depth)) // the master lets nothing else through
    return 0;
  const auto first = round_trip(world, value);
  if (!first)
    return 0;
  check(is_one_value(*first, depth));
  const auto second = round_trip(world, *first);
  check(second && *second == *first);
  return 0;
}
