// SPDX-License-Identifier: Apache-2.0
// The clock of `performance`.
#include "daemon/engine/engine.h"
#include "daemon/natives/host.h"
#include "daemon/natives/natives.h"
#include "ipc/clock.h"

namespace lethe {
namespace {

constexpr double ns_in_ms = 1e6;

// While a script is loaded there is no request: time then begins with the process.
uint64_t origin_ns(v8::Isolate *isolate) {
  static const uint64_t process_began = now_ns();
  const Host *host = Host::of(isolate);
  return host ? host->started_ns() : process_began;
}

// monotonicNow(): milliseconds since the request began
void monotonic_now(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const ScriptClock &clock = platform().script_clock();
  const uint64_t origin = clock.shown_ns(origin_ns(arguments.GetIsolate()));
  arguments.GetReturnValue().Set(static_cast<double>(clock.read_ns() - origin) / ns_in_ms);
}

// timeOrigin(): when that was, in milliseconds since 1970
void time_origin(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const uint64_t passed = now_ns() - origin_ns(arguments.GetIsolate());
  const uint64_t time = platform().script_clock().shown_ns(now_ns(CLOCK_REALTIME) - passed);
  arguments.GetReturnValue().Set(static_cast<double>(time) / ns_in_ms);
}

// requestBegan(): when by the monotonic clock, in nanoseconds
void request_began(const v8::FunctionCallbackInfo<v8::Value> &arguments) {
  const uint64_t origin = origin_ns(arguments.GetIsolate());
  arguments.GetReturnValue().Set(static_cast<double>(platform().script_clock().shown_ns(origin)));
}

constexpr NativeFunction functions[] = {
    {"requestBegan", request_began}, {"monotonicNow", monotonic_now}, {"timeOrigin", time_origin}};

} // namespace

const std::span<const NativeFunction> performance_natives = functions;

} // namespace lethe
