// SPDX-License-Identifier: Apache-2.0
// Property names that we look up ourselves, made once for an isolate.
#pragma once

#include "daemon/engine/engine.h"
#include "daemon/engine/globals.h"

namespace lethe {

#define LETHE_PROPERTY_NAMES(row)                                                                  \
  row(toJSON) row(message) row(name) row(stack) row(cause) row(errors) row(length) row(then)       \
      row(getFileName) row(prepareStackTrace)

// One for an isolate, which knows it.
struct Names {
#define LETHE_NAME(word) v8::Global<v8::String> word;
  LETHE_PROPERTY_NAMES(LETHE_NAME)
#undef LETHE_NAME

  explicit Names(v8::Isolate *isolate) {
    set_slot(isolate, IsolateSlot::names, this);
#define LETHE_NAME(word) word.Reset(isolate, to_name(isolate, #word));
    LETHE_PROPERTY_NAMES(LETHE_NAME)
#undef LETHE_NAME
  }

  Names(const Names &) = delete;
  Names &operator=(const Names &) = delete;

  static const Names &of(v8::Isolate *isolate) {
    return *from_slot<const Names>(isolate, IsolateSlot::names);
  }
};

} // namespace lethe
