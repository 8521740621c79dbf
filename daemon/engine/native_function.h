// SPDX-License-Identifier: Apache-2.0
// A function of ours that JavaScript can call: a row of a subject's table.
#pragma once

#include <v8.h>

namespace lethe {

// Checks its arguments as far as memory safety needs. What a specification says about them is the
// prelude's matter, whose JavaScript alone can call it.
struct NativeFunction {
  const char *name;
  v8::FunctionCallback callback;
};

} // namespace lethe
