// SPDX-License-Identifier: Apache-2.0
// Reading values: what is asked of the wrong type, or beyond the end, gives nothing.
#include "client/include/lethe.hpp"

#include <criterion/criterion.h>

using lethe::Builder;
using lethe::Value;

Test(value, each_type_is_read_as_it_was_built) {
  Builder b;
  cr_assert_eq(b.nil().value().type(), LETHE_NIL);
  cr_assert_eq(Builder().boolean(true).value().boolean(), true);
  cr_assert_eq(Builder().integer(INT64_MIN).value().int64(), INT64_MIN);
  cr_assert_eq(Builder().integer(5).value().uint64(), 5u);
  cr_assert_eq(Builder().integer(5).value().number(), 5.0);
  for (const double number : {0.25, -0.0, 1.0, 0x1p60}) {
    cr_assert_eq(Builder().number(number).value().type(), LETHE_FLOAT);
    cr_assert_eq(Builder().number(number).value().number(), number);
  }
  cr_assert_eq(*Builder().string("text").value().bytes(), "text");
  cr_assert_eq(Builder().binary("bin").value().type(), LETHE_BINARY);
  const std::chrono::sys_time<std::chrono::nanoseconds> before_epoch(std::chrono::nanoseconds(-1));
  cr_assert(Builder().timestamp(before_epoch).value().timestamp() == before_epoch);
}

Test(value, a_timestamp_that_does_not_fit_is_no_wrong_one) {
  using namespace std::chrono;
  const auto built = [](auto time) { return std::move(Builder().timestamp(time)); };
  const struct {
    int64_t milliseconds;
    bool fits;
  } rows[] = {
      {253'402'214'400'000, false},    // 9999-12-31
      {-11'676'096'000'000, false},    // 1600-01-01
      {8'640'000'000'000'000, false},  // the last Date
      {-8'640'000'000'000'000, false}, // the first one
      {9'223'372'035'999, true},       // 2262-04-11
      {-9'223'372'035'999, true},      // 1677-09-21
      {-1, true},
  };
  for (const auto &row : rows) {
    const sys_time<milliseconds> time{milliseconds(row.milliseconds)};
    const Builder builder = built(time);
    cr_expect(builder.value().date() == time, "%ld", row.milliseconds);
    const auto precise = builder.value().timestamp();
    cr_expect_eq(precise.has_value(), row.fits, "%ld", row.milliseconds);
    cr_expect(!precise || *precise == time, "%ld", row.milliseconds);
  }
  constexpr auto most = sys_time<nanoseconds>::max(), least = sys_time<nanoseconds>::min();
  cr_expect(built(most - 1s).value().timestamp() == most - 1s);
  cr_expect(built(least + 1s).value().timestamp() == least + 1s);
  cr_expect_not(built(sys_time<seconds>(seconds(INT64_MAX))).value().date());
  cr_expect(built(sys_time<nanoseconds>(-1ns)).value().date() == sys_time<milliseconds>(-1ms));
}

Test(value, the_wrong_type_gives_nothing) {
  const Builder text = std::move(Builder().string("5"));
  cr_assert_not(text.value().int64() || text.value().number() || text.value().boolean() ||
                text.value().timestamp() || text.value().count());
  cr_assert_not(Builder().integer(-1).value().uint64());
  cr_assert_not(Builder().number(1.5).value().int64());
  const Value none;
  cr_assert_not(none || none["x"] || none[size_t{0}] || none.int64());
}

Test(value, elements_are_found_by_key_and_index) {
  auto map = Builder::from_json(R"({"a": {"b": [10, 20, 30]}, "c": null})");
  const Value value = map->value();
  cr_assert_eq(value["a"]["b"][size_t{2}].int64(), 30);
  cr_assert_eq(value["c"].type(), LETHE_NIL);
  cr_assert_not(value["d"]["b"][size_t{0}]);
  cr_assert_not(value["a"]["b"][size_t{3}]);
  cr_assert_not(value[size_t{0}], "a map has no indices");
  int64_t sum = 0;
  value["a"]["b"].for_each([&](Value key, Value element) {
    cr_assert_not(key);
    sum += *element.int64();
  });
  cr_assert_eq(sum, 60);
}

Test(value, a_builder_gives_its_value_only_when_it_is_complete) {
  Builder builder;
  cr_assert_not(builder.value());
  builder.map(1).string("a");
  cr_assert_not(builder.value());
  builder.array(0);
  cr_assert_eq(builder.value().json(), R"({"a":[]})");
  builder.nil();
  cr_assert_not(builder.value(), "two values");
}

Test(value, cut_off_bytes_end_an_iteration) {
  const char bytes[] = "\x93\x01\xa5he"; // [1, "he…
  lethe_iterator iterator = lethe_iterate({bytes, sizeof bytes - 1});
  lethe_value element;
  cr_assert(lethe_next(&iterator, nullptr, &element));
  cr_assert_not(lethe_next(&iterator, nullptr, &element));
  cr_assert_not(lethe_next(&iterator, nullptr, &element));
}
