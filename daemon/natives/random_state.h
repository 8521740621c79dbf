// SPDX-License-Identifier: Apache-2.0
// What Math.random and crypto of a context begin with.
#pragma once

#include <cstddef>
#include <v8.h>

namespace lethe {

// The state of the random generator of this context (16 bytes), made by the prelude: to be filled
// with entropy before each request. It stays where it is as long as the context lives.
void *random_state(v8::Local<v8::Context> context);
inline constexpr size_t random_state_bytes = 16;

} // namespace lethe
