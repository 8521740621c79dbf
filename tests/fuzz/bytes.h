// SPDX-License-Identifier: Apache-2.0
// A target's input, and what it expects.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace lethe::fuzz {

// Where it is called from: clang 14 has no std::source_location with this library.
inline void check(bool holds, const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds)
    return;
  std::fprintf(stderr, "%s:%d does not hold\n", file, line);
  std::abort();
}

// The input, piece by piece; zeros when it is used up.
class Bytes {
public:
  Bytes(const uint8_t *data, size_t size) : rest_(reinterpret_cast<const char *>(data), size) {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() { return static_cast<uint8_t>(text(1)[0]); }
  uint32_t number() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
      value = value << 8 | byte();
    return value;
  }
  std::string text(size_t length) {
    std::string piece(rest_.substr(0, length));
    rest_.remove_prefix(piece.size());
    piece.resize(length);
    return piece;
  }
  std::string text() { return text(byte()); }
  std::string rest() { return text(rest_.size()); }

private:
  std::string_view rest_;
};

} // namespace lethe::fuzz
