// SPDX-License-Identifier: Apache-2.0
// What lethe_reply is: a result or an error, as the bytes in which it came.
#pragma once

#include "client/include/lethe.h"
#include "ipc/error.h"

#include <string>
#include <string_view>

struct lethe_reply {
  bool ok = false;
  std::string bytes;         // the result, or the error's map
  std::string code, message; // of an error, for C as NUL-terminated text

  static lethe_reply *result(std::string_view value);
  // An error from the daemon, of whatever type it may be.
  static lethe_reply *error(std::string_view value);
  // An error that this library found.
  static lethe_reply *error(std::string_view code, std::string_view message);
  static lethe_reply *error(const lethe::Error &error);
};
