// SPDX-License-Identifier: Apache-2.0
// Names for what the page says.
#include "ipc/worker_page.h"

namespace lethe {

std::string_view rewind_failure_name(RewindFailure failure) {
  switch (failure) {
#define LETHE_ROW(name, help)                                                                      \
  case RewindFailure::name:                                                                        \
    return #name;
    LETHE_REWIND_FAILURES(LETHE_ROW)
#undef LETHE_ROW
  }
  return "";
}

} // namespace lethe
