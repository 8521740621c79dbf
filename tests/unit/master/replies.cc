// SPDX-License-Identifier: Apache-2.0
// Replies to clients.
#include "daemon/master/clients/replies.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"

#include <criterion/criterion.h>
#include <string_view>

using namespace lethe;

Test(replies, an_error_is_a_map_with_its_keys) {
  Buffer out;
  write_error_response(out, 7, Error(ErrorCode::too_large, "long").with("limit_bytes", int64_t{5}));
  Reader reader(out.view());
  cr_assert_eq(*reader.array(), 4);
  cr_assert_eq(*reader.integer(), 1);
  cr_assert_eq(*reader.integer(), 7);
  cr_assert_eq(*reader.map(), 3);
  cr_assert_eq(*reader.string(), "code");
  cr_assert_eq(*reader.string(), "too_large");
  cr_assert(is_one_value(out.view(), 5));
}

Test(replies, a_chains_error_gets_its_step) {
  Buffer error, out;
  write_error(error, Error(ErrorCode::script_error, "thrown"));
  cr_assert(write_raw_error_response(out, 1, error.view(), 2));
  cr_assert(is_one_value(out.view(), 5));
  cr_assert_neq(out.view().find("\xa4step\x02"), std::string_view::npos);
  cr_assert(!write_raw_error_response(out, 1, "\x01", 2), "no map");
}
