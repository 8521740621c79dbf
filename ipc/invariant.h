// SPDX-License-Identifier: Apache-2.0
// What must hold wherever the program is. Checked in production, too: a broken invariant ends the
// process where it is broken, rather than let it go on with wrong books.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace lethe {

struct NamedNumber {
  template <typename Number>
  NamedNumber(const char *its_name, Number number) // also of an enum
      : name(its_name), value(static_cast<int64_t>(number)) {}

  const char *name;
  int64_t value;
};

// One line on standard error, "FILE:LINE: broken invariant: SENTENCE (NAME VALUE, …)"; then aborts.
// Allocates nothing and calls nothing but write, so that a sandboxed worker can say it, too.
[[noreturn]] void broken_invariant(const char *file, int line, std::string_view sentence,
                                   std::initializer_list<NamedNumber> state = {});

} // namespace lethe

// `sentence` says what always holds, in the present tense; then, if it helps, the state:
//   invariant(claimed <= sent, "a worker starts only what it was sent", {"claimed", claimed}, …);
#define invariant(condition, sentence, ...)                                                        \
  ((condition) ? static_cast<void>(0)                                                              \
               : ::lethe::broken_invariant(__FILE__, __LINE__, sentence, {__VA_ARGS__}))
