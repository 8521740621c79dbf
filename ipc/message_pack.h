// SPDX-License-Identifier: Apache-2.0
// Reading MessagePack in place: one item at a time (Reader), or only where a value ends (Skimmer).
// Writing is msgpack::packer's (msgpack-c) with a Buffer as its stream. msgpack-c's readers are not
// used: they either build an object tree or start again from the first byte when a message is
// incomplete; the master must do neither. Format:
// https://github.com/msgpack/msgpack/blob/master/spec.md
#pragma once

#include "ipc/buffer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lethe {

enum class Kind : uint8_t {
  nil,
  boolean,
  integer,          // fits int64
  unsigned_integer, // beyond int64
  floating,
  string,
  binary,
  array,
  map,
  extension,
};

// Values of one byte, as they stand in a message.
inline constexpr std::string_view packed_nil = "\xc0", packed_false = "\xc2", packed_true = "\xc3";

// Integers up to it, either side of zero, are numbers in JavaScript; beyond it they are BigInts.
inline constexpr int64_t max_safe_integer = (int64_t{1} << 53) - 1;

// One item: a scalar with its payload, or the head of an array or map, whose `count` elements (2 *
// pairs for a map) follow.
struct Item {
  Kind kind = Kind::nil;
  int8_t extension_type = 0;
  bool boolean = false;
  uint32_t count = 0; // array: elements; map: pairs
  int64_t integer = 0;
  uint64_t unsigned_integer = 0;
  double floating = 0;
  std::string_view bytes; // string, binary, extension: the payload, in the reader's memory
};

// Of dates: https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type
inline constexpr int8_t timestamp_extension = -1;
inline constexpr uint32_t nanoseconds_per_second = 1'000'000'000;

struct Timestamp {
  int64_t seconds = 0; // since 1970-01-01T00:00:00Z
  uint32_t nanoseconds = 0;
};

// What the payload of such an extension says; nothing if it has none of the three forms (of 4, 8
// and 12 bytes), or the nanoseconds of a second or more.
std::optional<Timestamp> read_timestamp(std::string_view payload);

class Skimmer;

// Reads items from a piece of memory, which must outlive it. Never reads past the end; a false
// return leaves it failed for good.
class Reader {
public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool next(Item &item); // false: the end, truncated, or not MessagePack
  bool skip();           // one value with all that it holds, at any depth
  // One value's bytes as they stand; nothing if it is not complete.
  std::optional<std::string_view> take_raw();
  // The same, and nothing if it is deeper than the skimmer allows.
  std::optional<std::string_view> take_raw(Skimmer &skimmer);

  // Typed shortcuts: nothing (and the reader failed) when the next item is of another kind.
  std::optional<uint32_t> array();
  std::optional<uint32_t> map();
  std::optional<std::string_view> string(); // str or bin
  std::optional<std::string_view> text();   // the same, if it is UTF-8
  std::optional<int64_t> integer();

  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty() && !failed_; }
  bool failed() const { return failed_; }

private:
  template <typename Part> std::optional<Part> next_if(Part Item::*part, Kind a, Kind or_b);
  bool fail() {
    failed_ = true;
    return false;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// Finds where one value ends in a stream that arrives in pieces. Work is proportional to the bytes
// seen, memory to the depth.
class Skimmer {
public:
  enum class State : uint8_t { incomplete, complete, too_deep, malformed };

  // utf8: a string that is none is malformed. For values that are there as a whole.
  enum class Texts : uint8_t { any, utf8 };

  explicit Skimmer(uint32_t max_depth, Texts texts = Texts::any)
      : max_depth_(max_depth), texts_(texts) {}

  // `bytes` is the value's beginning up to what has arrived; each call passes at least what the
  // last one did.
  State advance(std::string_view bytes);
  // complete: the value's length. Else how far the walk has come (which may be beyond what has
  // arrived).
  size_t position() const { return position_; }
  void reset();

private:
  uint32_t max_depth_;
  Texts texts_;
  size_t position_ = 0;
  std::vector<uint64_t> open_; // values still missing at each open level
  bool started_ = false;
};

// Is `bytes` exactly one well-formed value of at most this depth?
bool is_one_value(std::string_view bytes, uint32_t max_depth);

// Writes a float 64, whatever the number. packer::pack_double() writes an integer where it can: -0
// would arrive as 0, and 2^60 as a BigInt.
void append_floating(Buffer &output, double number);

} // namespace lethe
