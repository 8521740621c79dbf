// SPDX-License-Identifier: Apache-2.0
// Runs one function or one piece of source: arguments in, result or error out.
#pragma once

#include "daemon/engine/memory_limits.h"
#include "daemon/engine/script_errors.h"
#include "daemon/engine/value_writer.h"
#include "daemon/natives/tasks.h"
#include "daemon/worker/scripts/scripts.h"
#include "ipc/buffer.h"
#include "ipc/clock.h"
#include "ipc/error.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <v8.h>
#include <vector>

namespace lethe {

struct RunFailure {
  Error error;
  RawKeys raw; // what else is to be told of what was thrown
};

// Views.
struct ScriptCall {
  std::string_view script, function;
  std::string_view arguments; // MessagePack: an array
  // The arguments are a request and an environment, as maps: the function gets them as
  // (Request, env, ctx), and the Response that it gives becomes a map.
  bool is_fetch = false;
};

class Runner {
public:
  // Waits, while a promise is pending, for what may settle it. This one is for where nobody answers
  // a script's calls: there is nothing but time to wait for.
  class Waiter {
  public:
    virtual ~Waiter() = default;
    // Until a call was answered, the monotonic clock comes to `until_ns`, or the run has to end.
    // False: there is no such time, and no call to be answered.
    virtual bool wait(std::optional<uint64_t> until_ns);
    // Calls that are not answered yet.
    virtual size_t calls() const { return 0; }
  };

  Runner(v8::Isolate *isolate, Scripts &scripts, MemoryLimits &memory, const ValueLimits &limits)
      : isolate_(isolate), scripts_(scripts), memory_(memory), limits_(limits), tasks_(isolate) {}

  // Is called right before the function of a call runs. For debuggers.
  std::function<void()> before_call;

  // Makes the context for the next eval. In the zygote, so that no request pays for it.
  void prepare_eval();

  // How the values of the next request are written.
  void use(const ValueLimits &limits) { limits_ = limits; }

  // Each appends the result to `output`, as MessagePack; nothing is to be sent of it after a
  // failure. `globals` is a map or nil. A script that has to be stopped is a
  // failure, too; Interrupts then says so, and this isolate must run nothing else.
  std::optional<RunFailure> call(const ScriptCall &call, Buffer &output, Waiter &waiter);
  std::optional<RunFailure> eval(std::string_view source, std::string_view globals, Buffer &output,
                                 Waiter &waiter);

  // Runs microtasks, timers and what else is due until the promise is settled; fails if it is
  // rejected or never will be settled, or if something else goes wrong meanwhile.
  std::optional<RunFailure> settle(v8::Local<v8::Context> context, v8::Local<v8::Promise> promise,
                                   Waiter &waiter);
  // Runs microtasks only.
  std::optional<RunFailure> settle(v8::Local<v8::Context> context);
  // Where the world goes on afterwards: runs what is due, and what that makes, until nothing is, or
  // becomes so within this time; the rest is forgotten. A library that has noted "I have scheduled
  // it" would else wait for ever. Nobody is told what goes wrong in it; it fails if it was stopped.
  std::optional<RunFailure> run_to_rest(uint64_t longest_ns);
  static constexpr uint64_t longest_rest_ns = 100 * ns_per_ms; // after a load, or a warm-up call
  // Where it does not: nothing that is pending outlives the request.
  void forget_tasks();
  Tasks &tasks() { return tasks_; }

  // What is pending after a step that failed.
  RunFailure failure(v8::Local<v8::Context> context, const v8::TryCatch &caught);
  RunFailure out_of_memory(std::string stack = {}) const;

private:
  void new_eval_context();
  std::optional<RunFailure> prepare_fetch(v8::Local<v8::Context> context,
                                          const v8::TryCatch &caught,
                                          v8::Local<v8::Function> &answer);
  v8::MaybeLocal<v8::Value> awaited(v8::Local<v8::Context> context, v8::Local<v8::Value> value);
  std::optional<RunFailure> finish(v8::Local<v8::Context> context, v8::Local<v8::Value> value,
                                   const v8::TryCatch &caught, Buffer &output, Waiter &waiter);
  RunFailure thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> exception,
                    v8::Local<v8::Message> message);
  std::optional<RunFailure> task_failure(v8::Local<v8::Context> context);
  bool run_task(Waiter &waiter);
  std::string waiting_for(const Waiter &waiter) const;
  RunFailure stopped() const;
  RunFailure no_function(const Script &script, std::string_view name) const;
  RunFailure no_script(std::string_view name) const;
  bool must_stop();

  v8::Isolate *isolate_;
  Scripts &scripts_;
  MemoryLimits &memory_;
  ValueLimits limits_;
  Tasks tasks_;
  v8::Global<v8::Context> eval_context_;
  std::unique_ptr<Modules> eval_modules_;
  void *eval_random_state_ = nullptr;
  bool eval_context_is_used_ = false;
  std::vector<v8::Local<v8::Value>> arguments_;
};

} // namespace lethe
