// SPDX-License-Identifier: Apache-2.0
// What a field of a message can be. A kind has a Value, which the message's struct holds; read(),
// which takes one from a body and is false if there is none that keeps to the kind's limits;
// write(); and shape(), for people: what it ought to have been. Texts and raw values are views:
// into the body when they were read, into the writer's memory when they are to be written.
#pragma once

#include "ipc/message_pack.h"
#include "ipc/packer.h"
#include "ipc/utf8.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lethe::message {

// Where fields are read from. `depth` bounds how deep a raw value may be; none: the sender has
// looked at that.
struct Source {
  Reader reader;
  Skimmer *depth;
};

inline constexpr uint32_t unlimited = UINT32_MAX; // but by the length of the frame

inline std::string bounded(std::string noun, uint32_t most, std::string_view unit) {
  if (most == unlimited)
    return noun;
  return noun.append(" of at most ").append(std::to_string(most)).append(unit);
}

template <int64_t least, int64_t most> struct Integer {
  static constexpr bool fits_int32 = least >= INT32_MIN && most <= INT32_MAX,
                        fits_uint32 = least >= 0 && most <= int64_t{UINT32_MAX};
  using Value =
      std::conditional_t<fits_int32, int32_t, std::conditional_t<fits_uint32, uint32_t, int64_t>>;
  static bool read(Source &from, Value &value) {
    const auto number = from.reader.integer();
    value = static_cast<Value>(number.value_or(0));
    return number && *number >= least && *number <= most;
  }
  static void write(Buffer &out, Value value) { Packer(out).pack_int64(value); }
  static std::string shape() {
    return "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  }
};

struct Flag {
  using Value = bool;
  static bool read(Source &from, bool &value) {
    Item item;
    const bool is_there = from.reader.next(item) && item.kind == Kind::boolean;
    value = item.boolean;
    return is_there;
  }
  static void write(Buffer &out, bool value) { out.append(value ? packed_true : packed_false); }
  static std::string shape() { return "true or false"; }
};

// An enumeration that counts from 0 to `last`.
template <auto last> struct Choice {
  using Value = decltype(last);
  using Number = Integer<0, static_cast<int64_t>(last)>;
  static bool read(Source &from, Value &value) {
    typename Number::Value number = 0;
    const bool is_there = Number::read(from, number);
    value = static_cast<Value>(number);
    return is_there;
  }
  static void write(Buffer &out, Value value) {
    Number::write(out, static_cast<typename Number::Value>(value));
  }
  static std::string shape() { return Number::shape(); }
};

// Flags in one number: those of `all`.
template <uint32_t all> struct Bits {
  using Value = uint32_t;
  using Number = Integer<0, UINT32_MAX>;
  static bool read(Source &from, uint32_t &value) {
    return Number::read(from, value) && (value & ~all) == 0;
  }
  static void write(Buffer &out, uint32_t value) { Number::write(out, value); }
  static std::string shape() { return "flags within " + std::to_string(all); }
};

// A string of any bytes, as a client gave it.
template <uint32_t most_bytes = unlimited> struct Bytes {
  using Value = std::string_view;
  static bool read(Source &from, std::string_view &value) {
    Item item;
    const bool is_there = from.reader.next(item) && item.kind == Kind::string;
    value = item.bytes;
    return is_there && value.size() <= most_bytes;
  }
  static void write(Buffer &out, std::string_view value) {
    Packer packer(out);
    pack_string(packer, value);
  }
  static std::string shape() { return bounded("a string", most_bytes, " bytes"); }
};

// A string that is UTF-8.
template <uint32_t most_bytes = unlimited> struct Text : Bytes<most_bytes> {
  static bool read(Source &from, std::string_view &value) {
    return Bytes<most_bytes>::read(from, value) && is_utf8(value);
  }
  static std::string shape() { return bounded("a string in UTF-8", most_bytes, " bytes"); }
};

// One MessagePack value, passed on as its bytes.
enum class RawShape : uint8_t { any, array, map };
template <RawShape wanted = RawShape::any> struct Raw {
  using Value = std::string_view;
  static bool read(Source &from, std::string_view &value) {
    const auto raw = from.depth ? from.reader.take_raw(*from.depth) : from.reader.take_raw();
    value = raw.value_or("");
    if constexpr (wanted == RawShape::any)
      return raw.has_value();
    Item head;
    return raw && Reader(*raw).next(head) &&
           head.kind == (wanted == RawShape::array ? Kind::array : Kind::map);
  }
  static void write(Buffer &out, std::string_view value) { out.append(value); }
  static std::string shape() {
    return std::string(wanted == RawShape::any     ? "a value"
                       : wanted == RawShape::array ? "an array"
                                                   : "a map")
        .append(" that is whole and not too deep");
  }
};

template <typename FieldKind> struct OrNil {
  using Value = std::optional<typename FieldKind::Value>;
  static bool read(Source &from, Value &value) {
    value.reset();
    if (from.reader.rest().starts_with(packed_nil))
      return from.reader.skip();
    return FieldKind::read(from, value.emplace());
  }
  static void write(Buffer &out, const Value &value) {
    if (value)
      FieldKind::write(out, *value);
    else
      out.append(packed_nil);
  }
  static std::string shape() { return FieldKind::shape() + ", or nil"; }
};

template <typename FieldKind, uint32_t most> struct List {
  using Value = std::vector<typename FieldKind::Value>;
  static bool read(Source &from, Value &value) {
    const auto count = from.reader.array();
    if (!count || *count > most)
      return false;
    value.clear();
    for (uint32_t i = 0; i < *count; ++i)
      if (!FieldKind::read(from, value.emplace_back()))
        return false;
    return true;
  }
  static void write(Buffer &out, const Value &value) {
    Packer(out).pack_array(static_cast<uint32_t>(value.size()));
    for (const auto &one : value)
      FieldKind::write(out, one);
  }
  static std::string shape() {
    return bounded("a list", most, " items, each ") + FieldKind::shape();
  }
};

// Nothing if that is not one such value and nothing more.
template <typename FieldKind>
std::optional<typename FieldKind::Value> unpack(std::string_view bytes) {
  Source from{Reader(bytes), nullptr};
  typename FieldKind::Value value{};
  if (!FieldKind::read(from, value) || !from.reader.at_end())
    return std::nullopt;
  return value;
}

// Pairs in the order in which they came; a key may come twice.
template <typename Key, typename FieldKind, uint32_t most> struct Map {
  using Value = std::vector<std::pair<typename Key::Value, typename FieldKind::Value>>;
  static bool read(Source &from, Value &value) {
    const auto count = from.reader.map();
    if (!count || *count > most)
      return false;
    value.clear();
    for (uint32_t i = 0; i < *count; ++i) {
      auto &pair = value.emplace_back();
      if (!Key::read(from, pair.first) || !FieldKind::read(from, pair.second))
        return false;
    }
    return true;
  }
  static void write(Buffer &out, const Value &value) {
    Packer(out).pack_map(static_cast<uint32_t>(value.size()));
    for (const auto &[key, one] : value) {
      Key::write(out, key);
      FieldKind::write(out, one);
    }
  }
  static std::string shape() {
    return bounded("a map", most, " pairs, each of ") + Key::shape() + " and " + FieldKind::shape();
  }
};

// A value of another kind that stays as its bytes until it is needed: see unpack().
template <typename FieldKind> struct Packed {
  using Value = std::string_view;
  static bool read(Source &from, std::string_view &value) {
    return Raw<>::read(from, value) && unpack<FieldKind>(value).has_value();
  }
  static void write(Buffer &out, std::string_view value) { out.append(value); }
  static std::string shape() { return FieldKind::shape(); }
};

// --- structs -------------------------------------------------------------------------------------

// A struct's field: what it is called, what it is, and where. FieldsOf<Struct>::list has them all,
// made of the struct's row.
template <auto place, typename FieldKind> struct Field {
  using Kind = FieldKind;
  static constexpr auto member = place;
  std::string_view name;
};
template <typename Struct> struct FieldsOf;
template <typename Struct>
inline constexpr size_t field_count = std::tuple_size_v<decltype(FieldsOf<Struct>::list)>;

// Calls `visit` for each field in turn, as long as it returns true.
template <typename Struct, typename Visit> bool all_fields(Visit visit) {
  return std::apply([&](const auto &...field) { return (visit(field) && ...); },
                    FieldsOf<Struct>::list);
}

// False: `flaw` says which field is not what it ought to be.
template <typename Struct> bool read_fields(Source &from, Struct &out, std::string &flaw) {
  return all_fields<Struct>([&]<typename Each>(const Each &field) {
    if (Each::Kind::read(from, out.*Each::member))
      return true;
    flaw.append(field.name).append(" is not ").append(Each::Kind::shape());
    return false;
  });
}

// The first `count` fields.
template <size_t count, typename Struct> void write_fields(Buffer &out, const Struct &from) {
  size_t written = 0;
  all_fields<Struct>([&]<typename Each>(const Each &) {
    if (written++ < count)
      Each::Kind::write(out, from.*Each::member);
    return written < count;
  });
}

// A record's last field that may be left out, or nil: it is then as made.
template <typename FieldKind> struct MayLack : FieldKind {
  static constexpr bool may_lack = true;
  static bool read(Source &from, typename FieldKind::Value &value) {
    return from.reader.rest().starts_with(packed_nil) ? from.reader.skip()
                                                      : FieldKind::read(from, value);
  }
};

// A struct within a list: an array of its fields.
template <typename Struct> struct Record {
  using Value = Struct;
  static bool read(Source &from, Struct &value) {
    const auto count = from.reader.array();
    uint32_t at = 0;
    return count && *count <= field_count<Struct> &&
           all_fields<Struct>([&]<typename Each>(const Each &) {
             if (at++ < *count)
               return Each::Kind::read(from, value.*Each::member);
             return requires { Each::Kind::may_lack; };
           });
  }
  static void write(Buffer &out, const Struct &value) {
    Packer(out).pack_array(uint32_t{field_count<Struct>});
    write_fields<field_count<Struct>>(out, value);
  }
  static std::string shape() {
    std::string text = "[";
    all_fields<Struct>([&]<typename Each>(const Each &field) {
      text.append(text.size() > 1 ? ", " : "").append(field.name).append(": ");
      text += Each::Kind::shape();
      return true;
    });
    return text + "]";
  }
};

// A struct as a map of its fields by their names; what is left out or nil is as made.
template <typename Struct> struct ByName {
  using Value = Struct;
  static bool read(Source &from, Struct &value) {
    const auto count = from.reader.map();
    for (uint32_t i = 0; count && i < *count; ++i) {
      const auto key = from.reader.string();
      bool is_known = false;
      const bool is_good = key && all_fields<Struct>([&]<typename Each>(const Each &field) {
                             if (field.name != *key)
                               return true;
                             is_known = true;
                             return from.reader.rest().starts_with(packed_nil)
                                        ? from.reader.skip()
                                        : Each::Kind::read(from, value.*Each::member);
                           });
      if (!is_good || !is_known)
        return false;
    }
    return count.has_value();
  }
  static void write(Buffer &out, const Struct &value) {
    Packer(out).pack_map(uint32_t{field_count<Struct>});
    all_fields<Struct>([&]<typename Each>(const Each &field) {
      Bytes<>::write(out, field.name);
      Each::Kind::write(out, value.*Each::member);
      return true;
    });
  }
  static std::string shape() {
    std::string text = "{";
    all_fields<Struct>([&]<typename Each>(const Each &field) {
      text.append(text.size() > 1 ? ", " : "").append(field.name).append(": ");
      text += Each::Kind::shape();
      return true;
    });
    return text + "}";
  }
};

// A struct with memory of its own behind its texts and raw values.
template <typename Struct> class Kept {
public:
  Kept() = default;
  explicit Kept(const Struct &views) {
    Record<Struct>::write(bytes_, views);
    views_ = unpack<Record<Struct>>(bytes_.view()).value();
  }

  Kept(const Kept &other) : Kept(*other) {}
  Kept &operator=(const Kept &other) { return *this = Kept(other); }
  Kept(Kept &&) noexcept = default;
  Kept &operator=(Kept &&) noexcept = default;

  const Struct &operator*() const { return views_; }
  const Struct *operator->() const { return &views_; }

private:
  Buffer bytes_; // which stay where they are when this is moved
  Struct views_{};
};

} // namespace lethe::message
