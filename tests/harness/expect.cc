// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/expect.h"

template class nlohmann::basic_json<>;
template nlohmann::json nlohmann::json::parse(const char *, const char *,
                                              nlohmann::json::parser_callback_t, bool, bool);
template nlohmann::json nlohmann::json::from_msgpack(const std::string &, bool, bool);

namespace lethe::test {

std::string shown(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 2000);
}

void expect_equal(const json &actual, const json &wanted, Where where) {
  if (actual != wanted)
    fail("got " + shown(actual) + ", wanted " + shown(wanted), where);
}

void expect_members(const json &actual, const json &wanted, Where where) {
  for (const auto &[key, value] : wanted.items())
    if (!actual.contains(key) || actual[key] != value)
      fail("got " + shown(actual) + ", wanted " + key + ": " + shown(value), where);
}

} // namespace lethe::test
