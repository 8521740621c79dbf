// SPDX-License-Identifier: Apache-2.0
// Names of error codes, messages of the system's errors, and the end of a process that can't go on.
#include "ipc/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace lethe {

std::string_view error_name(ErrorCode code) {
  switch (code) {
#define LETHE_ROW(name, help)                                                                      \
  case ErrorCode::name:                                                                            \
    return #name;
    LETHE_ERROR_CODES(LETHE_ROW)
#undef LETHE_ROW
  }
  return "internal";
}

std::optional<ErrorCode> code_from_name(std::string_view name) {
#define LETHE_ROW(code, help)                                                                      \
  if (name == #code)                                                                               \
    return ErrorCode::code;
  LETHE_ERROR_CODES(LETHE_ROW)
#undef LETHE_ROW
  return std::nullopt;
}

std::string_view error_help(ErrorCode code) {
  switch (code) {
#define LETHE_ROW(name, help)                                                                      \
  case ErrorCode::name:                                                                            \
    return help;
    LETHE_ERROR_CODES(LETHE_ROW)
#undef LETHE_ROW
  }
  return "";
}

std::string system_message(std::string_view what) {
  return std::string(what) + ": " + std::generic_category().message(errno);
}

void fatal(std::string_view invariant) {
  std::fprintf(stderr, "lethe: broken invariant: %.*s\n", static_cast<int>(invariant.size()),
               invariant.data());
  std::abort();
}

} // namespace lethe
