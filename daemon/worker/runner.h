// SPDX-License-Identifier: Apache-2.0
// Runs one function or one piece of source: arguments in, result or error out.
#pragma once

#include "daemon/worker/memory_limits.h"
#include "daemon/worker/scripts.h"
#include "daemon/worker/value_writer.h"
#include "ipc/buffer.h"
#include "ipc/error.h"

#include <optional>
#include <string>
#include <string_view>
#include <v8.h>
#include <vector>

namespace lethe {

struct RunFailure {
  Error error;
  std::string raw_value; // what was thrown, if it can be shown
};

class Runner {
public:
  // Waits while a promise is pending until something may have settled it. False: it never will be.
  class Waiter {
  public:
    virtual ~Waiter() = default;
    virtual bool wait() = 0;
  };

  Runner(v8::Isolate *isolate, Scripts &scripts, MemoryLimits &memory, const ValueLimits &limits)
      : isolate_(isolate), scripts_(scripts), memory_(memory), limits_(limits) {}

  // Makes the context for the next eval. In the zygote, so that no request pays for it.
  void prepare_eval();

  // Each appends the result to `output`, as MessagePack; nothing is to be sent of it after a
  // failure. `arguments` is an array, `globals` a map or nil. A script that has to be stopped is a
  // failure, too; Interrupts then says so, and this isolate must run nothing else.
  std::optional<RunFailure> call(std::string_view script, std::string_view function,
                                 std::string_view arguments, Buffer &output, Waiter &waiter);
  std::optional<RunFailure> eval(std::string_view source, std::string_view globals, Buffer &output,
                                 Waiter &waiter);

  // What is pending after a step that failed.
  RunFailure failure(v8::Local<v8::Context> context, const v8::TryCatch &caught);
  RunFailure out_of_memory() const;

private:
  std::optional<RunFailure> finish(v8::Local<v8::Context> context, v8::Local<v8::Value> value,
                                   const v8::TryCatch &caught, Buffer &output, Waiter &waiter);
  RunFailure thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> exception,
                    v8::Local<v8::Message> message);
  RunFailure stopped() const;
  RunFailure no_function(const Script &script, std::string_view name) const;
  RunFailure no_script(std::string_view name) const;
  bool must_stop();

  v8::Isolate *isolate_;
  Scripts &scripts_;
  MemoryLimits &memory_;
  ValueLimits limits_;
  v8::Global<v8::Context> eval_context_;
  void *eval_random_state_ = nullptr;
  bool eval_context_is_used_ = false;
  std::vector<v8::Local<v8::Value>> arguments_;
};

} // namespace lethe
