// SPDX-License-Identifier: Apache-2.0
// What the prelude builds `host` on, and where console output goes.
#pragma once

#include "daemon/engine/globals.h"

#include <cstdint>
#include <string_view>
#include <v8.h>

namespace lethe {

// What the native functions do in this process. In lethe-snapshot there is none: console output
// goes to standard error, and there is no host to call.
class Host {
public:
  virtual ~Host() = default;

  virtual void console(std::string_view level, v8::Local<v8::String> text) = 0;
  // The promise of the answer; empty with a pending exception.
  virtual v8::MaybeLocal<v8::Promise> call(v8::Local<v8::Context> context,
                                           v8::Local<v8::String> name,
                                           v8::Local<v8::Array> arguments) = 0;

  // When the present request was received, by the monotonic clock.
  virtual uint64_t started_ns() const = 0;

  static Host *of(v8::Isolate *isolate) { return from_slot<Host>(isolate, IsolateSlot::host); }
  static void attach(v8::Isolate *isolate, Host *host) {
    set_slot(isolate, IsolateSlot::host, host);
  }
};

} // namespace lethe
