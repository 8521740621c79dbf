// SPDX-License-Identifier: Apache-2.0
// Runs the tasks that V8 posted.
#include "daemon/engine/platform.h"

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
