// SPDX-License-Identifier: Apache-2.0
// What tests say about values. A failed expectation throws, so that daemons and folders are cleaned
// up on the way out; Criterion reports the exception as the test's failure.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

// In expect.cc, once: the compiler takes long for it.
extern template class nlohmann::basic_json<>;
extern template nlohmann::json nlohmann::json::parse(const char *, const char *,
                                                     nlohmann::json::parser_callback_t, bool, bool);
extern template nlohmann::json nlohmann::json::from_msgpack(const std::string &, bool, bool);

namespace lethe::test {

using nlohmann::json;
using namespace nlohmann::literals; // R"([1, {"a": 2}])"_json

// The place of a call, as std::source_location, which clang's tools do not know yet.
struct Where {
  const char *file;
  unsigned line;
  static constexpr Where here(const char *file = __builtin_FILE(),
                              unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(const std::string &text, Where where = Where::here()) {
  throw Failure(std::string(where.file) + ":" + std::to_string(where.line) + ": " + text);
}

inline void expect(bool truth, const std::string &text, Where where = Where::here()) {
  if (!truth)
    fail(text, where);
}

std::string shown(const json &value);

void expect_equal(const json &actual, const json &wanted, Where where = Where::here());

// The object has these members; what else it has does not matter.
void expect_members(const json &actual, const json &wanted, Where where = Where::here());

inline void expect_contains(const std::string &text, const std::string &part,
                            Where where = Where::here()) {
  if (text.find(part) == std::string::npos)
    fail("no \"" + part + "\" in: " + text.substr(0, 4000), where);
}

} // namespace lethe::test
