// SPDX-License-Identifier: Apache-2.0
// Walks through a script's world and notes all that JavaScript could find there.
//
// What V8 keeps for itself (code, what it has learned, hidden classes, capacities) is not noted, and
// things are noted as JavaScript sees them, so that what V8 makes when it is first used looks as if
// it had been there. What can't be looked into is noted as unknown: a portrait hides nothing.
#pragma once

#include "daemon/worker/scripts/portrait.h"

#include <cstdint>
#include <string>
#include <v8.h>
#include <vector>

namespace lethe {

// What is called or imported from outside.
struct PortraitRoot {
  std::string label;
  v8::Local<v8::Value> value;
  bool is_scope = false; // see Portrait::Node
};

// It changes the isolate: what is lazy is made, V8 collects garbage. So this is for a fork that does
// nothing else. `fresh_bytes` is memory that is filled anew before each call, and says nothing. An
// error says why there is none: the world is too large, or the time is over.
Result<Portrait> paint(v8::Local<v8::Context> context, const std::vector<PortraitRoot> &roots,
                       const void *fresh_bytes, uint64_t until_ns);

} // namespace lethe
