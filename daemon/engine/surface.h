// SPDX-License-Identifier: Apache-2.0
// How much of JavaScript a pool's scripts have: what they do without, nobody attacks. The startup
// snapshot is the same for all pools and has everything, so that a zygote takes it out of each
// context that it makes.
#pragma once

#include <v8.h>

namespace lethe {

struct Surface {
  bool jitless = false; // machine code is made of nothing; there is no WebAssembly then
  bool wasm = true;
  bool code_from_strings = true; // for scripts: eval() and functions that are made of text
  bool shared_memory = true;     // SharedArrayBuffer, wherever it may come from
};

// For V8, before it starts: see start_v8().
const char *surface_flags(const Surface &surface);

// From now on, of this process; before anything of a stranger's is there.
void limit_surface(v8::Isolate *isolate, const Surface &surface);

// A context from the startup snapshot with what there is to be of it. All that scripts run in are
// made here.
v8::Local<v8::Context> new_context(v8::Isolate *isolate);

} // namespace lethe
