// SPDX-License-Identifier: Apache-2.0
// Texts that are cut, and the mark at a text's begin.
#include "ipc/utf8.h"

#include <criterion/criterion.h>
#include <string>

using namespace lethe;

Test(utf8, a_beginning_ends_with_a_whole_character) {
  const std::string text = "a\u00e9\u20ac\U0001D7D8\U0001D7D8z";
  for (size_t most = 0; most <= text.size() + 3; ++most) {
    const std::string_view beginning = utf8_beginning(text, most);
    cr_assert(text.starts_with(beginning) && beginning.size() <= most && is_utf8(beginning),
              "%zu bytes: %zu", most, beginning.size());
    if (beginning.size() == text.size())
      continue;
    const size_t next = utf8_character_bytes(std::string_view(text).substr(beginning.size()));
    cr_assert(beginning.size() + next > most, "%zu bytes: one more fits", most);
  }
}

Test(utf8, a_byte_order_mark_is_dropped_once) {
  cr_expect(without_byte_order_mark("\ufeff{}") == "{}");
  cr_expect(without_byte_order_mark("\ufeff\ufeff") == "\ufeff");
  cr_expect(without_byte_order_mark("{}\ufeff") == "{}\ufeff");
  cr_expect(without_byte_order_mark("\xef\xbb") == "\xef\xbb");
}
