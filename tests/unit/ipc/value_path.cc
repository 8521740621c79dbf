// SPDX-License-Identifier: Apache-2.0
// Paths to what is wrong in a value.
#include "ipc/value_path.h"
#include "ipc/packer.h"

#include <criterion/criterion.h>
#include <string>

using namespace lethe;
using namespace std::string_view_literals;

namespace {

std::string path_of_broken_text(std::string_view value, const std::string &root = "$") {
  const auto error = broken_text(value, root);
  return error ? std::get<std::string>(error->keys.at(0).second) : "";
}

} // namespace

Test(value_path, of_a_text_that_is_not_utf8) {
  cr_assert_eq(path_of_broken_text("\xa1\xff"sv), "$");
  cr_assert_eq(path_of_broken_text("\x93\x01\xa1\x61\xa1\xff"sv), "$[2]");
  cr_assert_eq(path_of_broken_text("\x92\x90\x82\xa1\x61\x01\xa1\x62\x91\xa2\xc3\x28"sv, "params"),
               "params[1].b[0]");
  cr_assert_eq(path_of_broken_text("\x81\xa3\x61\x20\x62\xa1\xff"sv), "$[\"a b\"]");
  cr_assert_eq(path_of_broken_text("\x81\x07\xa1\xff"sv), "$[…]");
  cr_assert_eq(path_of_broken_text("\x91\x82\xa1\x61\x01\xa1\xff\x02"sv), "$[0]", "a key");
  cr_assert_eq(path_of_broken_text("\x91\x81\x91\xa1\xff\x02"sv), "$[0]", "in a key");
  cr_assert_eq(path_of_broken_text("\x92\xc4\x01\xff\xa2\xc3\xa4"sv), "", "bin may be anything");
}

Test(value_path, to_any_byte) {
  const std::string_view value = "\x92\x81\xa1\x61\x91\x05\x06"sv;
  const char *const paths[] = {"$", "$[0]", "$[0]", "$[0]", "$[0].a", "$[0].a[0]", "$[1]", "$"};
  for (size_t offset = 0; offset < std::size(paths); ++offset)
    cr_expect_eq(path_to(offset, value, "$"), paths[offset], "%zu: %s", offset,
                 path_to(offset, value, "$").c_str());
}

Test(value_path, a_long_key_is_cut) {
  Buffer out;
  Packer packer(out);
  packer.pack_map(1);
  pack_string(packer, "ä" + std::string(1000, 'k'));
  pack_string(packer, "\xff");
  cr_assert_eq(path_of_broken_text(out.view()), "$.ä" + std::string(98, 'k') + "…");
}
