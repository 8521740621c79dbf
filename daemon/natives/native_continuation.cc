// SPDX-License-Identifier: Apache-2.0
// One value that V8 carries from what awaits to what goes on after it: what AsyncLocalStorage is made of.
#include "daemon/engine/v8_compat.h"
#include "daemon/natives/natives.h"

namespace lethe {
namespace {

using Arguments = const v8::FunctionCallbackInfo<v8::Value> &;

// continuation(): undefined where nobody has set one
void continuation(Arguments arguments) {
  arguments.GetReturnValue().Set(v8_compat::continuation(arguments.GetIsolate()));
}

// setContinuation(value): for what runs now, and all that awaits in it
void set_continuation(Arguments arguments) {
  v8_compat::set_continuation(arguments.GetIsolate(), arguments[0]);
}

constexpr NativeFunction functions[] = {{"continuation", continuation},
                                        {"setContinuation", set_continuation}};

} // namespace

const std::span<const NativeFunction> continuation_natives = functions;

} // namespace lethe
