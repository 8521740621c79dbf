// SPDX-License-Identifier: Apache-2.0
// Runs the tasks that V8 posted, and tells it the time.
#include "daemon/engine/platform.h"

#include <ctime>
#include <sys/time.h>
#include <utility>

namespace lethe {

bool SingleThreadPlatform::run_tasks(v8::Isolate *isolate) {
  bool ran = false;
  while (!background_.empty()) {
    const std::unique_ptr<v8::Task> task = std::move(background_.front());
    background_.pop_front();
    task->Run();
    ran = true;
  }
  while (v8::platform::PumpMessageLoop(foreground_.get(), isolate))
    ran = true;
  return ran;
}

} // namespace lethe

// For all libraries in this process. Where the machine's clock can't be read without a system call,
// the C library's own makes another one than clock_gettime(), which the sandbox allows.
extern "C" {
#pragma GCC visibility push(default)

int gettimeofday(timeval *time, void *) noexcept {
  timespec now{};
  if (::clock_gettime(CLOCK_REALTIME, &now) != 0)
    return -1;
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

#pragma GCC visibility pop
}
