// SPDX-License-Identifier: Apache-2.0
// The one place that knows MessagePack's first bytes.
#include "ipc/message_pack.h"
#include "ipc/utf8.h"

#include <bit>
#include <cstring>

namespace lethe {
namespace {

struct Head {
  enum class State : uint8_t { complete, truncated, malformed };
  State state = State::complete;
  Kind kind = Kind::nil;
  uint8_t bytes = 1;    // first byte, length and extension type; for numbers the number, too
  uint32_t payload = 0; // bytes that follow: string, binary, extension
  uint32_t count = 0;   // array: elements; map: pairs
};

template <typename T> T big_endian(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(T) == 2)
    value = static_cast<T>(__builtin_bswap16(value));
  else if constexpr (sizeof(T) == 4)
    value = static_cast<T>(__builtin_bswap32(value));
  else if constexpr (sizeof(T) == 8)
    value = static_cast<T>(__builtin_bswap64(value));
  return value;
}
static_assert(std::endian::native == std::endian::little, "big_endian() swaps");

uint32_t length_field(const char *from, size_t bytes) {
  if (bytes == 1)
    return static_cast<uint8_t>(*from);
  return bytes == 2 ? big_endian<uint16_t>(from) : big_endian<uint32_t>(from);
}

Head read_head(std::string_view bytes) {
  Head head;
  if (bytes.empty()) {
    head.state = Head::State::truncated;
    return head;
  }
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto sized = [&](Kind kind, size_t length_bytes, size_t extra) {
    head.kind = kind;
    head.bytes = static_cast<uint8_t>(1 + length_bytes + extra);
    if (bytes.size() < head.bytes) {
      head.state = Head::State::truncated;
      return head;
    }
    const uint32_t length = length_field(bytes.data() + 1, length_bytes);
    (kind == Kind::array || kind == Kind::map ? head.count : head.payload) = length;
    return head;
  };
  const auto number = [&](Kind kind, size_t size) {
    head.kind = kind;
    head.bytes = static_cast<uint8_t>(1 + size);
    if (bytes.size() < head.bytes)
      head.state = Head::State::truncated;
    return head;
  };
  if (first <= 0x7f || first >= 0xe0)
    return number(Kind::integer, 0);
  if (first <= 0x9f) {
    head.kind = first <= 0x8f ? Kind::map : Kind::array;
    head.count = first & 0x0f;
    return head;
  }
  if (first <= 0xbf) {
    head.kind = Kind::string;
    head.payload = first & 0x1f;
    return head;
  }
  switch (first) {
  case 0xc0:
    return head;
  case 0xc2:
  case 0xc3:
    return number(Kind::boolean, 0);
  case 0xc4:
  case 0xc5:
  case 0xc6:
    return sized(Kind::binary, size_t{1} << (first - 0xc4), 0);
  case 0xc7:
  case 0xc8:
  case 0xc9:
    return sized(Kind::extension, size_t{1} << (first - 0xc7), 1);
  case 0xca:
    return number(Kind::floating, 4);
  case 0xcb:
    return number(Kind::floating, 8);
  case 0xcc:
  case 0xcd:
  case 0xce:
  case 0xcf:
    return number(Kind::unsigned_integer, size_t{1} << (first - 0xcc));
  case 0xd0:
  case 0xd1:
  case 0xd2:
  case 0xd3:
    return number(Kind::integer, size_t{1} << (first - 0xd0));
  case 0xd4:
  case 0xd5:
  case 0xd6:
  case 0xd7:
  case 0xd8:
    number(Kind::extension, 1);
    head.payload = 1u << (first - 0xd4);
    return head;
  case 0xd9:
  case 0xda:
  case 0xdb:
    return sized(Kind::string, size_t{1} << (first - 0xd9), 0);
  case 0xdc:
  case 0xdd:
    return sized(Kind::array, first == 0xdc ? 2 : 4, 0);
  case 0xde:
  case 0xdf:
    return sized(Kind::map, first == 0xde ? 2 : 4, 0);
  default: // 0xc1: never used
    head.state = Head::State::malformed;
    return head;
  }
}

void read_number(const char *from, size_t size, Item &item) {
  const auto first = static_cast<uint8_t>(*from);
  const char *digits = from + 1;
  if (item.kind == Kind::boolean) {
    item.boolean = first == 0xc3;
  } else if (item.kind == Kind::floating) {
    item.floating = size == 4
                        ? static_cast<double>(std::bit_cast<float>(big_endian<uint32_t>(digits)))
                        : std::bit_cast<double>(big_endian<uint64_t>(digits));
  } else if (item.kind == Kind::unsigned_integer) {
    // MessagePack has several forms for the same number, an Item one.
    const uint64_t value = size == 8 ? big_endian<uint64_t>(digits) : length_field(digits, size);
    if (value <= INT64_MAX) {
      item.kind = Kind::integer;
      item.integer = static_cast<int64_t>(value);
    } else {
      item.unsigned_integer = value;
    }
  } else if (size == 0) {
    item.integer = static_cast<int8_t>(first);
  } else if (size == 1) {
    item.integer = static_cast<int8_t>(*digits);
  } else if (size == 2) {
    item.integer = static_cast<int16_t>(big_endian<uint16_t>(digits));
  } else if (size == 4) {
    item.integer = static_cast<int32_t>(big_endian<uint32_t>(digits));
  } else {
    item.integer = static_cast<int64_t>(big_endian<uint64_t>(digits));
  }
}

} // namespace

bool Reader::next(Item &item) {
  const Head head = read_head(rest_);
  if (failed_ || head.state != Head::State::complete || rest_.size() - head.bytes < head.payload)
    return fail();
  item.kind = head.kind;
  item.count = head.count;
  item.bytes = rest_.substr(head.bytes, head.payload);
  if (head.kind == Kind::extension)
    item.extension_type = static_cast<int8_t>(rest_[head.bytes - 1u]);
  else if (head.kind >= Kind::boolean && head.kind <= Kind::floating)
    read_number(rest_.data(), head.bytes - 1u, item);
  rest_.remove_prefix(head.bytes + size_t{head.payload});
  return true;
}

bool Reader::skip() {
  Item item;
  // A count instead of recursion: depth costs nothing, and a head that announces too much ends at
  // the end of the bytes.
  for (uint64_t missing = 1; missing > 0; --missing) {
    if (!next(item))
      return false;
    if (item.kind == Kind::array)
      missing += item.count;
    else if (item.kind == Kind::map)
      missing += 2 * uint64_t{item.count};
  }
  return true;
}

std::optional<std::string_view> Reader::take_raw() {
  const std::string_view before = rest_;
  if (!skip())
    return std::nullopt;
  return before.substr(0, before.size() - rest_.size());
}

std::optional<std::string_view> Reader::take_raw(Skimmer &skimmer) {
  skimmer.reset();
  if (failed_ || skimmer.advance(rest_) != Skimmer::State::complete) {
    fail();
    return std::nullopt;
  }
  const std::string_view raw = rest_.substr(0, skimmer.position());
  rest_.remove_prefix(raw.size());
  return raw;
}

template <typename Part> std::optional<Part> Reader::next_if(Part Item::*part, Kind a, Kind or_b) {
  Item item;
  if (next(item) && (item.kind == a || item.kind == or_b))
    return item.*part;
  fail();
  return std::nullopt;
}

std::optional<uint32_t> Reader::array() { return next_if(&Item::count, Kind::array, Kind::array); }
std::optional<uint32_t> Reader::map() { return next_if(&Item::count, Kind::map, Kind::map); }
std::optional<std::string_view> Reader::string() {
  return next_if(&Item::bytes, Kind::string, Kind::binary);
}
std::optional<std::string_view> Reader::text() {
  const auto bytes = string();
  if (bytes && is_utf8(*bytes))
    return bytes;
  fail();
  return std::nullopt;
}
std::optional<int64_t> Reader::integer() {
  return next_if(&Item::integer, Kind::integer, Kind::integer);
}

Skimmer::State Skimmer::advance(std::string_view bytes) {
  if (!started_) {
    started_ = true;
    open_.assign(1, 1);
  }
  while (!open_.empty()) {
    if (position_ >= bytes.size())
      return State::incomplete;
    const Head head = read_head(bytes.substr(position_));
    if (head.state == Head::State::malformed)
      return State::malformed;
    if (head.state == Head::State::truncated)
      return State::incomplete;
    if (head.kind == Kind::string && texts_ == Texts::utf8 &&
        !is_utf8(bytes.substr(position_).substr(head.bytes, head.payload)))
      return State::malformed;
    // A payload is passed over unseen, and may end beyond what has arrived.
    position_ += head.bytes + size_t{head.payload};
    --open_.back();
    const uint64_t children =
        head.kind == Kind::map ? 2 * uint64_t{head.count} : uint64_t{head.count};
    if (children > 0) {
      // An array or map without elements opens no level.
      if (open_.size() > max_depth_)
        return State::too_deep;
      open_.push_back(children);
    }
    while (!open_.empty() && open_.back() == 0)
      open_.pop_back();
  }
  return position_ <= bytes.size() ? State::complete : State::incomplete;
}

void Skimmer::reset() {
  position_ = 0;
  started_ = false;
  open_.clear();
}

std::optional<Timestamp> read_timestamp(std::string_view payload) {
  constexpr int seconds_bits = 34; // of the form of 8 bytes
  const char *bytes = payload.data();
  Timestamp timestamp;
  switch (payload.size()) {
  case 4:
    timestamp.seconds = big_endian<uint32_t>(bytes);
    break;
  case 8: {
    const auto both = big_endian<uint64_t>(bytes);
    timestamp.nanoseconds = static_cast<uint32_t>(both >> seconds_bits);
    timestamp.seconds = static_cast<int64_t>(both & ((uint64_t{1} << seconds_bits) - 1));
    break;
  }
  case 12:
    timestamp.nanoseconds = big_endian<uint32_t>(bytes);
    timestamp.seconds = static_cast<int64_t>(big_endian<uint64_t>(bytes + 4));
    break;
  default:
    return std::nullopt;
  }
  if (timestamp.nanoseconds >= nanoseconds_per_second)
    return std::nullopt;
  return timestamp;
}

bool is_one_value(std::string_view bytes, uint32_t max_depth) {
  Skimmer skimmer(max_depth);
  return skimmer.advance(bytes) == Skimmer::State::complete && skimmer.position() == bytes.size();
}

void append_floating(Buffer &output, double number) {
  const uint64_t bits = __builtin_bswap64(std::bit_cast<uint64_t>(number));
  output.write("\xcb", 1);
  output.write(reinterpret_cast<const char *>(&bits), sizeof bits);
}

} // namespace lethe
