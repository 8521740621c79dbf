// SPDX-License-Identifier: Apache-2.0
// Error maps: what is written is read again, and what others write can do no harm.
#include "ipc/error_map.h"

#include <criterion/criterion.h>

using namespace lethe;

Test(error_map, what_is_written_is_read_again) {
  Buffer map;
  write_error(map, Error(ErrorCode::too_large, "long").with("limit_bytes", -5).with("at", "$.a"));
  const Error read = error_from_map(map.view());
  cr_expect(read.code == ErrorCode::too_large);
  cr_expect_eq(read.message, "long");
  const decltype(read.keys) keys{{"limit_bytes", -5}, {"at", "$.a"}};
  cr_expect(read.keys == keys);
}

Test(error_map, every_code_is_known_by_its_name) {
#define LETHE_ROW(code, help) cr_expect(code_from_name(#code) == ErrorCode::code);
  LETHE_ERROR_CODES(LETHE_ROW)
#undef LETHE_ROW
  cr_expect(!code_from_name("Internal"));
}

Test(error_map, what_others_write_is_taken_as_far_as_it_goes) {
  const Error unknown = error_from_map("\x82\xa4"
                                       "code\xa1?\xa5"
                                       "value\x91\xc0");
  cr_expect(unknown.code == ErrorCode::internal);
  cr_expect_eq(unknown.message, "an error without a message");
  cr_expect(unknown.keys.empty(), "lists are left out");
  const Error cut = error_from_map("\x83\xa1"
                                   "a\x07\xa1"
                                   "b\xa9short");
  cr_expect_eq(cut.keys.size(), 1);
  cr_expect_eq(error_from_map("\x07").message, "an error without a message");
}
