// SPDX-License-Identifier: Apache-2.0
// JSON text and MessagePack: every form goes there and back.
#include "client/include/lethe.hpp"

#include <criterion/criterion.h>

using lethe::Builder;

namespace {

std::string there_and_back(const std::string &text) {
  auto value = Builder::from_json(text);
  cr_assert(value, "%s: %s", text.c_str(), value.error().message().data());
  return value->value().json();
}

void stays(const std::string &text) {
  const std::string back = there_and_back(text);
  cr_assert_eq(back, text, "%s became %s", text.c_str(), back.c_str());
}

std::string refusal(const std::string &text) {
  auto value = Builder::from_json(text);
  cr_assert_not(value, "%s was taken", text.c_str());
  cr_assert_eq(value.error().code(), "invalid_value");
  return std::string(value.error().message());
}

} // namespace

Test(json, values_stay_what_they_are) {
  for (const char *text : {"null",
                           "true",
                           "false",
                           "0",
                           "-1",
                           "127",
                           "128",
                           "-33",
                           "65536",
                           "9007199254740991",
                           "-9007199254740991",
                           "1.5",
                           "-0.0",
                           "1e-07",
                           "\"\"",
                           "\"a\\\"b\\\\c\\n\\u0001\"",
                           "\"Grüße 🙂\"",
                           "[]",
                           "{}",
                           "[[],[[1]],{}]",
                           R"({"a":{"b":[1,"x",null]},"c":false})"})
    stays(text);
}

Test(json, forms_for_what_json_lacks_stay) {
  for (const char *text :
       {R"({"$bin":""})", R"({"$bin":"AQID"})", R"({"$bin":"AQIDBA=="})",
        R"({"$bigint":"9007199254740993"})", R"({"$bigint":"18446744073709551615"})",
        R"({"$bigint":"-9223372036854775808"})", R"({"$number":"NaN"})",
        R"({"$number":"Infinity"})", R"({"$number":"-Infinity"})", R"({"$map":[[1,"a"],[[2],{}]]})",
        R"({"$extension":[5,"AQID"]})", R"([{"a":{"$bin":"AQID"}},{"$number":"NaN"},3])"})
    stays(text);
}

Test(json, objects_that_only_look_like_forms_stay_objects) {
  for (const char *text : {R"({"$bin":5})", R"({"$bin":"AQID","x":1})", R"({"$other":"AQID"})",
                           R"({"$map":{}})", R"({"$date":null})"})
    stays(text);
}

Test(json, numbers_mean_what_they_mean_to_javascript) {
  cr_assert_eq(there_and_back("1.0"), "1");
  cr_assert_eq(there_and_back("1e3"), "1000");
  // Beyond 2^53 a number is a float, not a BigInt.
  auto value = Builder::from_json("9007199254740993");
  cr_assert_eq(value->value().type(), LETHE_FLOAT);
  cr_assert_eq(*value->value().number(), 9007199254740992.0);
}

Test(json, dates_become_timestamps_and_are_printed_as_text) {
  const auto printed = [](const std::string &date) {
    return there_and_back(R"({"$date":")" + date + "\"}");
  };
  cr_assert_eq(printed("2026-01-31T12:00:00Z"), R"("2026-01-31T12:00:00.000Z")");
  cr_assert_eq(printed("2026-01-31"), R"("2026-01-31T00:00:00.000Z")");
  cr_assert_eq(printed("2026-01-31T12:34:56.789+02:30"), R"("2026-01-31T10:04:56.789Z")");
  cr_assert_eq(printed("1969-12-31T23:59:59.999Z"), R"("1969-12-31T23:59:59.999Z")");
  cr_assert_eq(printed("-000001-01-01T00:00:00Z"), R"("-000001-01-01T00:00:00.000Z")");
  for (const char *far : {"+275760-09-13T00:00:00.000Z", "-271821-04-20T00:00:00.000Z",
                          "+032768-02-29T23:59:59.999Z", "-000400-12-31T00:00:00.000Z"})
    cr_assert_eq(printed(far), "\"" + std::string(far) + "\"");
  auto value = Builder::from_json(R"({"$date":"1970-01-02T00:00:00.5Z"})");
  cr_assert_eq(value->value().timestamp()->time_since_epoch(), std::chrono::milliseconds(86400500));
  for (const char *wrong : {"2026-02-30", "2026-1-1", "2026-01-01T", "yesterday",
                            "2026-01-01T25:00", "+275760-09-14", "+275759-02-29"})
    refusal(std::string(R"({"$date":")") + wrong + "\"}");
}

Test(json, containers_of_every_head_size) {
  for (const size_t count : {0u, 1u, 15u, 16u, 300u, 65535u, 65536u}) {
    std::string array = "[", object = "{";
    for (size_t i = 0; i < count; ++i) {
      array += (i > 0 ? "," : "") + std::to_string(i);
      object += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":" + std::to_string(i);
    }
    stays(array + "]");
    stays(object + "}");
    stays("[" + array + "]," + object + "}]");
  }
}

Test(json, what_is_not_json_is_refused_with_its_place) {
  cr_assert(refusal("{\"a\": 1,}").find("column 9") != std::string::npos);
  for (const char *text : {"", " ", "{", "[1", "1 2", "nul", "'x'", "{a: 1}", "\"\xff\"", "1e999",
                           R"({"$bin":"*"})", R"({"$bigint":"1.5"})", R"({"$bigint":""})",
                           R"({"$number":"1"})", R"({"$map":[[1]]})", R"({"$extension":[200,""]})"})
    refusal(text);
  refusal(std::string(2000, '[') + std::string(2000, ']'));
}

Test(json, a_failed_text_leaves_the_builder_as_it_was) {
  Builder builder;
  builder.array(2).integer(1);
  lethe_builder *const c_builder = lethe_builder_new();
  lethe_build_array(c_builder, 1);
  cr_assert_not(lethe_build_json(c_builder, "[1, [2, x", LETHE_TEXT, nullptr));
  cr_assert_eq(lethe_builder_value(c_builder).size, 0);
  cr_assert(lethe_build_json(c_builder, "[2]", LETHE_TEXT, nullptr));
  cr_assert_eq(lethe::Value(lethe_builder_value(c_builder)).json(), "[[2]]");
  lethe_builder_free(c_builder);
}

Test(json, indentation) {
  auto value = Builder::from_json(R"({"a":[1,{"b":2}],"c":[],"d":{}})");
  cr_assert_eq(value->value().json(2), "{\n"
                                       "  \"a\": [\n"
                                       "    1,\n"
                                       "    {\n"
                                       "      \"b\": 2\n"
                                       "    }\n"
                                       "  ],\n"
                                       "  \"c\": [],\n"
                                       "  \"d\": {}\n"
                                       "}");
}

Test(json, bytes_that_are_no_value_give_nothing) {
  for (const std::string_view bytes : {std::string_view(""), std::string_view("\x92\x01"),
                                       std::string_view("\xc1"), std::string_view("\x01\x02")})
    cr_assert_eq(lethe::Value(lethe_value{bytes.data(), bytes.size()}).json(), "");
}

Test(json, text_that_is_not_utf8_is_printed_with_replacement_characters) {
  cr_assert_eq(Builder()
                   .string("a\xff"
                           "b")
                   .value()
                   .json(),
               "\"a\xef\xbf\xbd"
               "b\"");
}
