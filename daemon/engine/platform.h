// SPDX-License-Identifier: Apache-2.0
// V8's platform in a process that forks: everything runs on the one thread, and V8's pages come
// from an allocator of ours.
#pragma once

#include "daemon/engine/script_clock.h"
#include "daemon/engine/v8_compat.h"

#include <deque>
#include <libplatform/libplatform.h>
#include <memory>
#include <v8-platform.h>

namespace lethe {

// Tasks for the foreground are V8's single-threaded platform's. A task for a worker thread waits in
// a queue until run_tasks(): it cannot run at once, as its poster may hold a lock. Delayed ones are
// dropped: V8 uses them for housekeeping only.
class SingleThreadPlatform final : public v8::Platform {
public:
  // `pages` must outlive it.
  explicit SingleThreadPlatform(v8::PageAllocator &pages)
      : pages_(pages), foreground_(v8::platform::NewSingleThreadedDefaultPlatform()) {}

  // Runs what is due. True if there was something.
  bool run_tasks(v8::Isolate *isolate);
  // Of all that scripts read; V8's own business has exact time.
  ScriptClock &script_clock() { return script_clock_; }

  v8::PageAllocator *GetPageAllocator() override { return &pages_; }
  int NumberOfWorkerThreads() override { return 0; }
  double MonotonicallyIncreasingTime() override {
    return foreground_->MonotonicallyIncreasingTime();
  }
  // What Date and Intl have.
  double CurrentClockTimeMillis() override {
    return static_cast<double>(script_clock_.read_ns(CLOCK_REALTIME)) / double{ns_per_ms};
  }
  v8::TracingController *GetTracingController() override {
    return foreground_->GetTracingController();
  }

#if V8_MAJOR_VERSION >= 13
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(v8::Isolate *isolate,
                                                          v8::TaskPriority priority) override {
    return foreground_->GetForegroundTaskRunner(isolate, priority);
  }

protected:
  void PostTaskOnWorkerThreadImpl(v8::TaskPriority, std::unique_ptr<v8::Task> task,
                                  const v8::SourceLocation &) override {
    background_.push_back(std::move(task));
  }
  void PostDelayedTaskOnWorkerThreadImpl(v8::TaskPriority, std::unique_ptr<v8::Task>, double,
                                         const v8::SourceLocation &) override {}
  std::unique_ptr<v8::JobHandle> CreateJobImpl(v8::TaskPriority priority,
                                               std::unique_ptr<v8::JobTask> job,
                                               const v8::SourceLocation &) override {
    return v8::platform::NewDefaultJobHandle(this, priority, std::move(job), 0);
  }
#else
  std::shared_ptr<v8::TaskRunner> GetForegroundTaskRunner(v8::Isolate *isolate) override {
    return foreground_->GetForegroundTaskRunner(isolate);
  }
  void CallOnWorkerThread(std::unique_ptr<v8::Task> task) override {
    background_.push_back(std::move(task));
  }
  void CallDelayedOnWorkerThread(std::unique_ptr<v8::Task>, double) override {}
#if V8_MAJOR_VERSION >= 11
  std::unique_ptr<v8::JobHandle> CreateJob(v8::TaskPriority priority,
                                           std::unique_ptr<v8::JobTask> job) override {
#else
  std::unique_ptr<v8::JobHandle> PostJob(v8::TaskPriority priority,
                                         std::unique_ptr<v8::JobTask> job) override {
#endif
    return v8::platform::NewDefaultJobHandle(this, priority, std::move(job), 0);
  }
#endif

private:
  v8::PageAllocator &pages_;
  ScriptClock script_clock_;
  std::unique_ptr<v8::Platform> foreground_;
  std::deque<std::unique_ptr<v8::Task>> background_;
};

} // namespace lethe
