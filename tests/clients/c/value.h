// SPDX-License-Identifier: Apache-2.0
// Values in the notation of cases.json (README.md beside it), made and compared by the C library.
#pragma once

#include "client/include/lethe.h"
#include "tests/harness/expect.h"

#include <memory>
#include <string>

namespace lethe::test {

struct Free {
  void operator()(lethe_reply *reply) const { lethe_reply_free(reply); }
  void operator()(lethe_builder *builder) const { lethe_builder_free(builder); }
  void operator()(void *text) const { lethe_free(text); }
};
using OwnReply = std::unique_ptr<lethe_reply, Free>;
using OwnBuilder = std::unique_ptr<lethe_builder, Free>;

// Appends a value. False: the library can't make it, and *error says why, as of lethe_build_json().
bool build(lethe_builder *builder, const json &written, lethe_reply **error);
// One value in a builder of its own, which the library can make.
OwnBuilder built(const json &written);

// Equal and of the same types: 1 and 1.0 differ here, and so do 0.0 and -0.0. Maps of the same
// pairs in any order are equal.
bool same(lethe_value seen, lethe_value wanted);

void expect_same(lethe_value seen, const json &wanted, const std::string &what,
                 Where where = Where::here());

} // namespace lethe::test
