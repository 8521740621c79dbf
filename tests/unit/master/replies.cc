// SPDX-License-Identifier: Apache-2.0
// Replies to clients.
#include "daemon/master/clients/replies.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"

#include <criterion/criterion.h>
#include <string_view>

using namespace lethe;
using namespace std::string_view_literals;

Test(replies, an_error_is_a_map_with_its_keys) {
  Buffer out;
  write_error_response(out, 7, Error(ErrorCode::too_large, "long").with("limit_bytes", int64_t{5}),
                       ErrorShape::map);
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
  cr_assert(write_raw_error_response(out, 1, error.view(), 2, ErrorShape::map));
  cr_assert(is_one_value(out.view(), 5));
  cr_assert_neq(out.view().find("\xa4step\x02"), std::string_view::npos);
  cr_assert(!write_raw_error_response(out, 1, "\x01", 2, ErrorShape::map), "no map");
}

Test(replies, an_error_in_other_shapes) {
  const std::string_view as_pair = "\x94\x01\x07\x92\x00\xacinternal: ä\xc0"sv;
  const std::string_view as_text = "\x94\x01\x07\xacinternal: ä\xc0"sv;
  const Error error(ErrorCode::internal, "ä");
  Buffer map, out;
  write_error(map, error);
  for (const auto &[shape, wanted] :
       {std::pair(ErrorShape::pair, as_pair), {ErrorShape::text, as_text}}) {
    out.clear();
    write_error_response(out, 7, error, shape);
    cr_expect_eq(out.view(), wanted);
    out.clear();
    cr_expect(write_raw_error_response(out, 7, map.view(), 2, shape));
    cr_expect_eq(out.view(), wanted);
  }
}

Test(replies, to_a_msgid_that_is_no_number) {
  Buffer out;
  write_error_response(out, "\xa1\x37", Error(ErrorCode::internal, "x"), ErrorShape::text);
  cr_assert_eq(out.view(), "\x94\x01\xa1\x37\xabinternal: x\xc0"sv);
}
