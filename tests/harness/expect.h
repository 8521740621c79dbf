// SPDX-License-Identifier: Apache-2.0
// What tests say about values. A failed expectation throws, so that daemons and folders are cleaned
// up on the way out; Criterion reports the exception as the test's failure.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

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

inline std::string shown(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 2000);
}

inline void expect_equal(const json &actual, const json &wanted, Where where = Where::here()) {
  if (actual != wanted)
    fail("got " + shown(actual) + ", wanted " + shown(wanted), where);
}

// The object has these members; what else it has does not matter.
inline void expect_members(const json &actual, const json &wanted, Where where = Where::here()) {
  for (const auto &[key, value] : wanted.items())
    if (!actual.contains(key) || actual[key] != value)
      fail("got " + shown(actual) + ", wanted " + key + ": " + shown(value), where);
}

inline void expect_contains(const std::string &text, const std::string &part,
                            Where where = Where::here()) {
  if (text.find(part) == std::string::npos)
    fail("no \"" + part + "\" in: " + text.substr(0, 4000), where);
}

} // namespace lethe::test
