// SPDX-License-Identifier: Apache-2.0
// Any MessagePack value into V8 and out again: what comes out is what the table of values says, told
// without V8, and the same bytes once more in and out. What is no value of JavaScript's is refused
// with a word.
#include "daemon/engine/surface.h"
#include "daemon/engine/value_reader.h"
#include "daemon/engine/value_writer.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"
#include "ipc/utf8.h"
#include "tests/fuzz/bytes.h"
#include "tests/unit/worker/world.h"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace lethe;
using namespace lethe::fuzz;

namespace {

constexpr uint32_t depth = 16;

// --- through V8 ---

// Nothing: it was refused.
std::optional<std::string> round_trip(v8::Local<v8::Context> context, std::string_view bytes) {
  v8::Isolate *isolate = context->GetIsolate();
  const v8::HandleScope handles(isolate);
  const v8::TryCatch exceptions(isolate);
  ValueReader reader(context, bytes, depth);
  v8::Local<v8::Value> value;
  Buffer out;
  ValueWriter writer(context, out, {depth, size_t{1} << 20});
  const bool is_read = reader.read(value), is_written = is_read && writer.write(value);
  check(!exceptions.HasCaught());
  if (is_written)
    return std::string(out.view());
  check(!(is_read ? writer.error()->message : reader.error().message).empty());
  return std::nullopt;
}

// --- and without ---

// What a value's bytes are to be when it has been JavaScript's.
class Expected {
public:
  explicit Expected(std::string_view bytes) : reader_(bytes) { bytes_ = read(0); }

  const std::optional<std::string> &bytes() const { return bytes_; } // nothing: it is refused

private:
  static std::string packed(const auto &pack) {
    Buffer out;
    Packer packer(out);
    pack(packer, out);
    return std::string(out.view());
  }
  static std::string number(double number) {
    if (std::abs(number) <= static_cast<double>(max_safe_integer) && std::trunc(number) == number &&
        !(number == 0 && std::signbit(number)))
      return packed(
          [&](Packer &packer, auto &) { packer.pack_int64(static_cast<int64_t>(number)); });
    return packed([&](auto &, Buffer &out) {
      append_floating(out, std::isnan(number) ? std::nan("") : number);
    });
  }

  std::optional<std::string> read(uint32_t level) {
    Item item;
    check(reader_.next(item));
    switch (item.kind) {
    case Kind::nil:
      return std::string(packed_nil);
    case Kind::boolean:
      return std::string(item.boolean ? packed_true : packed_false);
    case Kind::integer:
      return packed([&](Packer &packer, auto &) { packer.pack_int64(item.integer); });
    case Kind::unsigned_integer:
      return packed([&](Packer &packer, auto &) { packer.pack_uint64(item.unsigned_integer); });
    case Kind::floating:
      return number(item.floating);
    case Kind::string:
      if (!is_utf8(item.bytes))
        return std::nullopt;
      return packed([&](Packer &packer, auto &) { pack_string(packer, item.bytes); });
    case Kind::binary:
      return packed([&](Packer &packer, auto &) {
        packer.pack_bin(static_cast<uint32_t>(item.bytes.size()));
        packer.pack_bin_body(item.bytes.data(), static_cast<uint32_t>(item.bytes.size()));
      });
    case Kind::extension:
      return date(item);
    case Kind::array:
      return array(item.count, level + 1);
    case Kind::map:
      return map(item.count, level + 1);
    }
    std::abort();
  }

  // To the whole millisecond, which is all that a Date has.
  static std::optional<std::string> date(const Item &item) {
    const auto number_at = [&item](size_t at, size_t bytes) {
      uint64_t number = 0;
      for (const char byte : item.bytes.substr(at, bytes))
        number = number << 8 | static_cast<unsigned char>(byte);
      return number;
    };
    int64_t seconds = 0;
    uint64_t nanoseconds = 0;
    if (item.extension_type != -1)
      return std::nullopt;
    if (item.bytes.size() == 4) {
      seconds = static_cast<int64_t>(number_at(0, 4));
    } else if (item.bytes.size() == 8) {
      nanoseconds = number_at(0, 8) >> 34;
      seconds = static_cast<int64_t>(number_at(0, 8) & ((uint64_t{1} << 34) - 1));
    } else if (item.bytes.size() == 12) {
      nanoseconds = number_at(0, 4);
      seconds = static_cast<int64_t>(number_at(4, 8));
    } else {
      return std::nullopt;
    }
    constexpr uint64_t most_nanoseconds = 999'999'999;
    if (nanoseconds > most_nanoseconds)
      return std::nullopt;
    constexpr double furthest_ms = 8.64e15;
    const uint64_t rest_ms = nanoseconds / 1'000'000;
    const double ms = static_cast<double>(seconds) * 1000 + static_cast<double>(rest_ms);
    if (std::abs(ms) > furthest_ms)
      return std::nullopt;
    const auto whole_ms = static_cast<int64_t>(ms);
    const int64_t whole_s = whole_ms / 1000 - (whole_ms % 1000 < 0 ? 1 : 0);
    const auto rest_ns = static_cast<uint64_t>(whole_ms - whole_s * 1000) * 1'000'000;
    const auto as_bytes = [](uint64_t number, int bytes) {
      std::string text;
      while (bytes-- > 0)
        text += static_cast<char>(number >> 8 * bytes);
      return text;
    };
    std::string body = as_bytes(rest_ns, 4) + as_bytes(static_cast<uint64_t>(whole_s), 8);
    if (whole_s >= 0 && whole_s <= UINT32_MAX && rest_ns == 0)
      body = as_bytes(static_cast<uint64_t>(whole_s), 4);
    else if (whole_s >= 0 && whole_s >> 34 == 0)
      body = as_bytes(rest_ns << 34 | static_cast<uint64_t>(whole_s), 8);
    return packed([&](Packer &packer, auto &) {
      packer.pack_ext(body.size(), -1);
      packer.pack_ext_body(body.data(), static_cast<uint32_t>(body.size()));
    });
  }

  std::optional<std::string> array(uint32_t count, uint32_t level) {
    std::string all = packed([&](Packer &packer, auto &) { packer.pack_array(count); });
    bool is_whole = level <= depth; // an empty one counts, too
    for (uint32_t i = 0; i < count; ++i) {
      const auto element = read(level);
      is_whole &= element.has_value();
      all += element.value_or("");
    }
    return is_whole ? std::optional(all) : std::nullopt;
  }

  // An index as a property's name: those come first, by number.
  static std::optional<uint32_t> index_of(std::string_view name) {
    constexpr uint64_t most = UINT32_MAX - 1;
    uint64_t index = 0;
    if (name.empty() || name.size() > 10 || (name[0] == '0' && name.size() > 1))
      return std::nullopt;
    for (const char digit : name) {
      if (digit < '0' || digit > '9')
        return std::nullopt;
      index = index * 10 + static_cast<uint64_t>(digit - '0');
    }
    return index <= most ? std::optional(static_cast<uint32_t>(index)) : std::nullopt;
  }

  std::optional<std::string> map(uint32_t count, uint32_t level) {
    struct Pair {
      Kind kind;
      std::string name, key, value;
    };
    std::vector<Pair> pairs;
    bool is_whole = level <= depth, is_object = true;
    for (uint32_t i = 0; i < count; ++i) {
      Reader ahead = reader_;
      Item item;
      ahead.next(item);
      auto key = read(level);
      const auto value = read(level);
      is_whole &= key && value;
      if (!is_whole)
        continue;
      is_object &= item.kind == Kind::string;
      if (item.kind == Kind::floating && item.floating == 0)
        key = std::string(1, '\0'); // keys know no -0
      // Two objects are never the same key; of what else is the same, the last value counts.
      const bool is_one_of_a_kind = item.kind == Kind::array || item.kind == Kind::map ||
                                    item.kind == Kind::binary || item.kind == Kind::extension;
      const auto same = is_one_of_a_kind ? pairs.end() : std::ranges::find(pairs, *key, &Pair::key);
      if (same != pairs.end())
        same->value = *value;
      else
        pairs.push_back({item.kind, std::string(item.bytes), *key, *value});
    }
    if (!is_whole)
      return std::nullopt;
    if (is_object)
      std::ranges::stable_sort(
          pairs, {}, [](const Pair &pair) { return index_of(pair.name).value_or(UINT32_MAX); });
    std::string all = packed(
        [&](Packer &packer, auto &) { packer.pack_map(static_cast<uint32_t>(pairs.size())); });
    for (const Pair &pair : pairs)
      all += pair.key + pair.value;
    return all;
  }

  Reader reader_;
  std::optional<std::string> bytes_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static test::World world;
  static const auto &kept = *[] {
    const v8::HandleScope handles(world.isolate());
    return new v8::Global<v8::Context>(world.isolate(), new_context(world.isolate()));
  }();
  const std::string_view bytes(reinterpret_cast<const char *>(data), size);
  if (!is_one_value(bytes, depth)) // the master lets nothing else through
    return 0;
  const v8::HandleScope handles(world.isolate());
  const auto context = kept.Get(world.isolate());
  const v8::Context::Scope scope(context);
  const auto first = round_trip(context, bytes);
  const Expected expected(bytes);
  check(first.has_value() == expected.bytes().has_value());
  if (!first)
    return 0;
  check(*first == *expected.bytes());
  check(is_one_value(*first, depth));
  const auto second = round_trip(context, *first);
  check(second && *second == *first);
  return 0;
}
