// SPDX-License-Identifier: Apache-2.0
#include "ipc/invariant.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace lethe {

void broken_invariant(const char *file, int line, std::string_view sentence,
                      std::initializer_list<NamedNumber> state) {
  char text[512];
  size_t length = 0;
  const auto append = [&](int wanted) { // what snprintf would have written
    length = std::min(length + static_cast<size_t>(std::max(wanted, 0)), sizeof text - 1);
  };
  append(std::snprintf(text, sizeof text, "%s:%d: broken invariant: %.*s", file, line,
                       static_cast<int>(sentence.size()), sentence.data()));
  const char *separator = " (";
  for (const NamedNumber &number : state) {
    append(std::snprintf(text + length, sizeof text - length, "%s%s %lld", separator, number.name,
                         static_cast<long long>(number.value)));
    separator = ", ";
  }
  append(std::snprintf(text + length, sizeof text - length, "%s\n", state.size() > 0 ? ")" : ""));
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, length);
  std::abort();
}

} // namespace lethe
