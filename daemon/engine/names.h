// SPDX-License-Identifier: Apache-2.0
// Property names that we look up ourselves, made once for an isolate.
#pragma once

#include "daemon/engine/engine.h"

namespace lethe {

#define LETHE_PROPERTY_NAMES(row)                                                                  \
  row(toJSON) row(message) row(name) row(stack) row(cause) row(errors) row(getFileName)            \
      row(prepareStackTrace)

// Kept in the isolate's first data slot.
struct Names {
#define LETHE_NAME(word) v8::Global<v8::String> word;
  LETHE_PROPERTY_NAMES(LETHE_NAME)
#undef LETHE_NAME

  explicit Names(v8::Isolate *isolate) {
#define LETHE_NAME(word) word.Reset(isolate, to_name(isolate, #word));
    LETHE_PROPERTY_NAMES(LETHE_NAME)
#undef LETHE_NAME
  }

  static constexpr uint32_t slot = 0;
  static const Names &of(v8::Isolate *isolate) {
    return *static_cast<const Names *>(isolate->GetData(slot));
  }
};

} // namespace lethe
