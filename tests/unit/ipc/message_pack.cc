// SPDX-License-Identifier: Apache-2.0
// Reader and Skimmer: every first byte of the format, truncation at every byte, depth, and bytes
// that are no MessagePack.
#include "ipc/message_pack.h"

#include "ipc/buffer.h"
#include <criterion/criterion.h>
#include <msgpack.hpp>
#include <random>
#include <string>

using namespace lethe;
using namespace std::string_literals;

namespace {

// One value with a container, a scalar and a payload of each width.
std::string every_kind() {
  Buffer buffer;
  msgpack::packer<Buffer> packer(buffer);
  const std::string sizes[] = {"", std::string(31, 'a'), std::string(200, 'b'),
                               std::string(300, 'c'), std::string(70'000, 'd')};
  packer.pack_array(10);
  packer.pack_nil().pack_true().pack_double(1.5).pack_float(2.5F);
  packer.pack_array(10);
  for (const int64_t number :
       {0L, 127L, -32L, -33L, 200L, -200L, 40'000L, -40'000L, 5'000'000'000L, -5'000'000'000L})
    packer.pack(number);
  packer.pack_array(5);
  for (const std::string &text : sizes)
    packer.pack(text);
  packer.pack_array(5);
  for (const std::string &text : sizes) {
    packer.pack_bin(static_cast<uint32_t>(text.size()));
    packer.pack_bin_body(text.data(), static_cast<uint32_t>(text.size()));
  }
  packer.pack_map(2).pack(1).pack(2).pack("k").pack_map(0);
  packer.pack_array(20);
  for (int i = 0; i < 20; ++i)
    packer.pack_array(0);
  packer.pack_array(6);
  for (const uint32_t bytes : {1u, 2u, 4u, 8u, 16u, 300u}) {
    packer.pack_ext(bytes, 7);
    packer.pack_ext_body(std::string(bytes, 'e').data(), bytes);
  }
  return std::string(buffer.view());
}

std::string nested_arrays(size_t depth) { return std::string(depth, '\x91') + '\xc0'; }

} // namespace

Test(skimmer, finds_the_end_of_every_kind_of_value) {
  const std::string value = every_kind();
  Skimmer skimmer(10);
  cr_assert(skimmer.advance(value + "what follows") == Skimmer::State::complete);
  cr_assert_eq(skimmer.position(), value.size());
}

Test(skimmer, goes_on_where_the_last_piece_ended) {
  const std::string value = every_kind();
  Skimmer skimmer(10);
  for (size_t bytes = 0; bytes < value.size(); ++bytes)
    cr_assert(skimmer.advance(std::string_view(value).substr(0, bytes)) ==
                  Skimmer::State::incomplete,
              "at %zu", bytes);
  cr_assert(skimmer.advance(value) == Skimmer::State::complete);
  cr_assert_eq(skimmer.position(), value.size());
}

Test(skimmer, refuses_more_than_the_depth) {
  cr_assert(is_one_value(nested_arrays(16), 16));
  cr_assert_not(is_one_value(nested_arrays(17), 16));
  Skimmer skimmer(100);
  cr_assert(skimmer.advance(nested_arrays(10'000)) == Skimmer::State::too_deep);
}

Test(skimmer, refuses_the_byte_that_is_never_used) {
  Skimmer skimmer(10);
  cr_assert(skimmer.advance("\x92\x01\xc1"s) == Skimmer::State::malformed);
}

Test(skimmer, an_announced_length_costs_nothing_until_the_bytes_come) {
  Skimmer skimmer(10);
  cr_assert(skimmer.advance("\xdf\xff\xff\xff\xff"s) == Skimmer::State::incomplete);
  skimmer.reset();
  cr_assert(skimmer.advance("\xc6\xff\xff\xff\xffx"s) == Skimmer::State::incomplete);
  cr_assert(skimmer.position() > UINT32_MAX);
}

Test(reader, reads_back_what_msgpack_c_wrote) {
  const std::string value = every_kind();
  Reader reader(value);
  cr_assert_eq(reader.array().value(), 10u);
  Item item;
  cr_assert(reader.next(item) && item.kind == Kind::nil);
  cr_assert(reader.next(item) && item.kind == Kind::boolean && item.boolean);
  cr_assert(reader.next(item) && item.kind == Kind::floating && item.floating == 1.5);
  cr_assert(reader.next(item) && item.kind == Kind::floating && item.floating == 2.5);
  cr_assert_eq(reader.array().value(), 10u);
  for (const int64_t number :
       {0L, 127L, -32L, -33L, 200L, -200L, 40'000L, -40'000L, 5'000'000'000L, -5'000'000'000L})
    cr_assert_eq(reader.integer().value(), number);
  for (const Kind kind : {Kind::string, Kind::binary}) {
    cr_assert_eq(reader.array().value(), 5u);
    for (const size_t bytes : {0u, 31u, 200u, 300u, 70'000u})
      cr_assert(reader.next(item) && item.kind == kind && item.bytes.size() == bytes);
  }
  cr_assert_eq(reader.map().value(), 2u);
  cr_assert_eq(reader.integer().value(), 1);
  cr_assert_eq(reader.integer().value(), 2);
  cr_assert(reader.string().value() == "k");
  cr_assert(reader.take_raw().value() == "\x80");
  cr_assert_eq(reader.take_raw().value().size(), 23u); // 20 empty arrays and their head
  cr_assert_eq(reader.array().value(), 6u);
  for (const size_t bytes : {1u, 2u, 4u, 8u, 16u, 300u})
    cr_assert(reader.next(item) && item.kind == Kind::extension && item.extension_type == 7 &&
              item.bytes == std::string(bytes, 'e'));
  cr_assert(reader.at_end());
}

Test(reader, integers_beyond_int64_are_unsigned) {
  const std::string bytes =
      "\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xcf\x7f\xff\xff\xff\xff\xff\xff\xff";
  Reader reader(bytes);
  Item item;
  cr_assert(reader.next(item) && item.kind == Kind::unsigned_integer &&
            item.unsigned_integer == UINT64_MAX);
  cr_assert_eq(reader.integer().value(), INT64_MAX);
}

Test(reader, fails_for_good_at_a_truncated_value) {
  const std::string value = every_kind();
  for (size_t bytes = 0; bytes < value.size(); bytes += 1 + bytes / 50) {
    Reader reader(std::string_view(value).substr(0, bytes));
    cr_assert_not(reader.skip(), "at %zu", bytes);
    Item item;
    cr_assert(reader.failed() && !reader.next(item) && !reader.at_end());
  }
}

Test(reader, a_shortcut_of_another_kind_fails) {
  const std::string text = "\xa1x";
  cr_assert_not(Reader(text).integer());
  cr_assert_not(Reader(text).array());
  cr_assert_not(Reader(text).map());
  cr_assert_not(Reader("\x01").string());
}

Test(timestamp, has_three_forms) {
  const auto expect_read = [](std::string_view payload, int64_t seconds, uint32_t nanoseconds) {
    const auto timestamp = read_timestamp(payload);
    cr_assert(timestamp);
    cr_expect_eq(timestamp->seconds, seconds);
    cr_expect_eq(timestamp->nanoseconds, nanoseconds);
  };
  expect_read("\xff\xff\xff\xff"s, 4'294'967'295, 0);
  // The seconds take the two lowest bits of the first half.
  expect_read("\x00\x00\x00\x07\x00\x00\x00\x02"s, (int64_t{3} << 32) + 2, 1);
  expect_read("\xee\x6b\x27\xfc\x00\x00\x00\x00"s, 0, 999'999'999);
  expect_read("\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xfe"s, -2, 999'999'999);
}

Test(timestamp, of_another_length_or_with_a_second_of_nanoseconds_is_none) {
  for (const size_t size : {0, 1, 3, 5, 7, 9, 11, 13, 16})
    cr_expect_not(read_timestamp(std::string(size, '\0')), "%zu bytes", size);
  cr_expect_not(read_timestamp("\xee\x6b\x28\x00\x00\x00\x00\x00"s));
  cr_expect_not(read_timestamp("\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x00"s));
}

// Deterministic: the same bytes each time. make fuzz looks further.
Test(reader, random_bytes_never_read_past_the_end) {
  std::mt19937 random(20'261'122);
  for (int round = 0; round < 200'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char &byte : bytes)
      byte = static_cast<char>(random());
    Skimmer skimmer(8);
    const bool complete = skimmer.advance(bytes) == Skimmer::State::complete;
    Reader reader(bytes);
    const bool read = reader.skip();
    cr_assert(!complete || read, "the skimmer sees a value where the reader sees none");
    if (complete)
      cr_assert_eq(skimmer.position(), bytes.size() - reader.rest().size());
  }
}
