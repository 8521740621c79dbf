// SPDX-License-Identifier: Apache-2.0
// Collections of V8's heap when we want them.
#pragma once

#include <v8.h>

namespace lethe {

// All that nothing refers to.
void collect_garbage(v8::Isolate *isolate);

// Of the young objects only: those that live on are old then, and the young generation is empty. A
// function that is made anew in each call (a callback) has its optimised code from the one before,
// which only this keeps: when no such function lives, V8 refers to the code weakly, and a
// collection of everything would take it away.
void collect_young_garbage(v8::Isolate *isolate);

// Bytes of young objects, those among them that nothing refers to.
size_t young_bytes(v8::Isolate *isolate);

} // namespace lethe
