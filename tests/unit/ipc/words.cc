// SPDX-License-Identifier: Apache-2.0
// Words of a source, and what is a name.
#include "ipc/words.h"

#include <criterion/criterion.h>
#include <string>

using lethe::is_identifier;

Test(words, names_are_what_javascript_takes_for_one) {
  for (const std::string_view name : {"a", "_", "$", "größe", "名前", "a1", "𝒳", "a\u200d"})
    cr_expect(is_identifier(name), "%s", std::string(name).c_str());
  for (const std::string_view text : {"", "1a", "a b", "a-b", "a.b", "a()", "a\n"})
    cr_expect(!is_identifier(text), "%s", std::string(text).c_str());
}

// V8 would run `delete x` as code, whatever stands between the two.
Test(words, white_space_beyond_ascii_ends_a_name) {
  for (const std::string_view space :
       {"\u00a0", "\u1680", "\u2003", "\u2028", "\u2029", "\u3000", "\ufeff"})
    cr_expect(!is_identifier("delete" + std::string(space) + "x"));
}
