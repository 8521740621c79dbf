// SPDX-License-Identifier: Apache-2.0
// Calls, evaluations, and what came of them.
#include "daemon/worker/scripts/runner.h"
#include "daemon/engine/entropy.h"
#include "daemon/engine/interrupts.h"
#include "daemon/engine/script_errors.h"
#include "daemon/engine/surface.h"
#include "daemon/engine/value_reader.h"
#include "daemon/natives/prelude_groups.h"
#include "daemon/natives/random_state.h"
#include "ipc/clock.h"

#include <algorithm>

namespace lethe {
namespace {

constexpr int most_rest_turns = 1000; // of what schedules itself again at once

constexpr size_t most_names_in_a_message = 20;

std::string quoted_list(std::string text, size_t &listed, std::string_view name) {
  if (++listed <= most_names_in_a_message)
    text.append(listed > 1 ? ", " : "").append(name);
  else if (listed == most_names_in_a_message + 1)
    text += ", …";
  return text;
}

// V8's texts and ours where a buffer or a WebAssembly memory was refused. A script's own errors may
// have them, too: they say something only of a run in which that has happened.
bool is_refused_memory(const Error &error) {
  constexpr std::string_view texts[] = {
      "Array buffer allocation failed", "could not allocate memory", "Cannot allocate Wasm memory",
      "Unable to grow instance memory", "there is no memory for a compression stream"};
  return std::ranges::any_of(
      texts, [&](std::string_view text) { return error.message.find(text) != std::string::npos; });
}

std::string stack_of(const Error &error) {
  for (const auto &[key, value] : error.keys)
    if (key == "stack")
      return std::get<std::string>(value);
  return {};
}

} // namespace

void Runner::prepare_eval() {
  new_eval_context();
  const v8::HandleScope handles(isolate_);
  const auto context = eval_context_.Get(isolate_);
  const v8::Context::Scope scope(context);
  // Much of what is tried out by hand prints something; and what it does to the built-ins before is
  // then no matter.
  touch_globals(context, "console");
}

void Runner::new_eval_context() {
  const v8::HandleScope handles(isolate_);
  const auto context = scripts_.make_context(isolate_);
  eval_context_.Reset(isolate_, context);
  eval_modules_ = std::make_unique<Modules>(context, scripts_);
  eval_modules_->end_loading();
  eval_random_state_ = random_state(context);
  eval_context_is_used_ = false;
}

std::optional<RunFailure> Runner::call(const ScriptCall &call, Buffer &output, Waiter &waiter) {
  Script *script = scripts_.find(call.script);
  if (!script)
    return no_script(call.script);
  const v8::HandleScope handles(isolate_);
  const auto context = script->context();
  const v8::Context::Scope scope(context);
  const v8::TryCatch caught(isolate_);
  Entropy::instance().fill(script->random_state(), random_state_bytes);
  const auto called = script->find_function(call.function);
  if (!called)
    return caught.HasCaught() ? failure(context, caught) : no_function(*script, call.function);
  ValueReader reader(context, call.arguments, limits_.max_depth);
  arguments_.clear();
  if (!reader.read_list(arguments_))
    return must_stop() ? stopped() : RunFailure{reader.error(), {}};
  v8::Local<v8::Function> answer;
  if (call.is_fetch)
    if (auto failed = prepare_fetch(context, caught, answer))
      return failed;
  if (before_call)
    before_call();
  v8::Local<v8::Value> value;
  if (!called->function
           ->Call(context, called->receiver, static_cast<int>(arguments_.size()), arguments_.data())
           .ToLocal(&value))
    return failure(context, caught);
  if (call.is_fetch && !answer->Call(context, v8::Undefined(isolate_), 1, &value).ToLocal(&value))
    return failure(context, caught);
  return finish(context, value, caught, output, waiter);
}

// Makes of the arguments those of a Workers-like fetch(), and the function that makes a map of what
// that one gives: see snapshot/prelude/groups/fetch_handler.js.
std::optional<RunFailure> Runner::prepare_fetch(v8::Local<v8::Context> context,
                                                const v8::TryCatch &caught,
                                                v8::Local<v8::Function> &answer) {
  v8::Local<v8::Object> handler;
  v8::Local<v8::Value> prepare, prepared;
  if (!prelude_group(context, "fetch_handler").ToLocal(&handler) ||
      !handler->Get(context, to_name(isolate_, "prepare")).ToLocal(&prepare) ||
      !prepare.As<v8::Function>()
           ->Call(context, v8::Undefined(isolate_), static_cast<int>(arguments_.size()),
                  arguments_.data())
           .ToLocal(&prepared))
    return failure(context, caught);
  const auto part = [&](uint32_t i) {
    return prepared.As<v8::Array>()->Get(context, i).ToLocalChecked();
  };
  if (part(0)->IsString())
    return RunFailure{Error(ErrorCode::invalid_value, to_text(isolate_, part(0).As<v8::String>()))
                          .with("path", to_text(isolate_, part(1).As<v8::String>())),
                      {}};
  answer = part(0).As<v8::Function>();
  arguments_ = {part(1), part(2), part(3)};
  return std::nullopt;
}

std::optional<RunFailure> Runner::eval(std::string_view text, std::string_view globals,
                                       Buffer &output, Waiter &waiter) {
  if (eval_context_is_used_) // under `reuse`
    new_eval_context();
  eval_context_is_used_ = true;
  const v8::HandleScope handles(isolate_);
  const auto context = eval_context_.Get(isolate_);
  const v8::Context::Scope scope(context);
  const v8::TryCatch caught(isolate_);
  Entropy::instance().fill(eval_random_state_, random_state_bytes);
  ValueReader reader(context, globals, limits_.max_depth);
  if (!reader.read_properties(context->Global()))
    return must_stop() ? stopped() : RunFailure{reader.error(), {}};
  if (text.size() > static_cast<size_t>(v8::String::kMaxLength))
    return RunFailure{Error(ErrorCode::too_large, "the source is too long for JavaScript")
                          .with("limit_bytes", int64_t{v8::String::kMaxLength}),
                      {}};
  v8::ScriptCompiler::Source source(
      to_string(isolate_, text),
      v8_compat::script_origin(isolate_, to_string(isolate_, "eval"), false));
  v8::Local<v8::Script> script;
  if (!v8::ScriptCompiler::Compile(context, &source).ToLocal(&script))
    return must_stop() ? stopped()
                       : RunFailure{describe_compile_error(context, caught, "eval"), {}};
  v8::Local<v8::Value> value;
  if (!script->Run(context).ToLocal(&value))
    return failure(context, caught);
  return finish(context, value, caught, output, waiter);
}

// A thenable is awaited as `await` does it, by a promise that is resolved with it; a promise stays.
v8::MaybeLocal<v8::Value> Runner::awaited(v8::Local<v8::Context> context,
                                          v8::Local<v8::Value> value) {
  if (!value->IsObject() || value->IsPromise())
    return value;
  v8::Local<v8::Value> then;
  v8::Local<v8::Promise::Resolver> resolver;
  if (!value.As<v8::Object>()->Get(context, Names::of(isolate_).then.Get(isolate_)).ToLocal(&then))
    return {};
  if (!then->IsFunction())
    return value;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver) ||
      resolver->Resolve(context, value).IsNothing())
    return {};
  return resolver->GetPromise();
}

std::optional<RunFailure> Runner::finish(v8::Local<v8::Context> context, v8::Local<v8::Value> value,
                                         const v8::TryCatch &caught, Buffer &output,
                                         Waiter &waiter) {
  if (!awaited(context, value).ToLocal(&value))
    return failure(context, caught);
  auto failed =
      value->IsPromise() ? settle(context, value.As<v8::Promise>(), waiter) : settle(context);
  if (failed)
    return failed;
  if (value->IsPromise())
    value = value.As<v8::Promise>()->Result();
  ValueWriter writer(context, output, limits_);
  const bool written = writer.write(value);
  if (must_stop())
    return stopped();
  if (written)
    return std::nullopt;
  return writer.error() ? RunFailure{*writer.error(), {}} : failure(context, caught);
}

// --- promises ----------------------------------------------------------------------------------

bool Runner::Waiter::wait(std::optional<uint64_t> until_ns) {
  if (until_ns)
    Interrupts::instance().wait_readable(-1, until_ns);
  return until_ns.has_value();
}

std::optional<RunFailure> Runner::settle(v8::Local<v8::Context> context) {
  isolate_->PerformMicrotaskCheckpoint();
  return task_failure(context);
}

std::optional<RunFailure> Runner::settle(v8::Local<v8::Context> context,
                                         v8::Local<v8::Promise> promise, Waiter &waiter) {
  tasks_.handle(promise);
  for (;;) {
    isolate_->PerformMicrotaskCheckpoint();
    if (must_stop()) {
      RunFailure result = stopped();
      if (Interrupts::instance().stack().empty())
        result.error.message += waiting_for(waiter);
      return result;
    }
    if (auto failed = task_failure(context))
      return failed;
    if (promise->State() == v8::Promise::kFulfilled)
      return std::nullopt;
    if (promise->State() == v8::Promise::kRejected)
      return thrown(context, promise->Result(), {});
    if (!run_task(waiter))
      return RunFailure{Error(ErrorCode::script_error,
                              "the promise never settles: it is pending, and there is no timer, no "
                              "call of the client and nothing else that could settle it"),
                        {}};
  }
}

// One thing that was put off: each may settle the promise, and nothing runs after that.
bool Runner::run_task(Waiter &waiter) {
  if (tasks_.run_one() || platform().run_tasks(isolate_))
    return true;
  if (!waiter.wait(tasks_.due_ns()))
    return false;
  tasks_.begin_turn();
  return true;
}

std::optional<RunFailure> Runner::task_failure(v8::Local<v8::Context> context) {
  const auto failure = tasks_.failure();
  if (!failure)
    return std::nullopt;
  if (must_stop()) // while the script was told of it
    return stopped();
  RunFailure result = thrown(context, failure->exception, failure->message);
  if (failure->is_rejection && result.error.code == ErrorCode::script_error)
    result.error.message.insert(0, "unhandled promise rejection: ");
  return result;
}

std::optional<RunFailure> Runner::run_to_rest(uint64_t longest_ns) {
  const v8::HandleScope handles(isolate_);
  const uint64_t until_ns = now_ns() + longest_ns;
  Waiter nobody;
  isolate_->PerformMicrotaskCheckpoint();
  for (int turns = 0; turns < most_rest_turns && !must_stop() &&
                      tasks_.due_ns().value_or(UINT64_MAX) <= until_ns && run_task(nobody);
       ++turns)
    isolate_->PerformMicrotaskCheckpoint();
  tasks_.clear();
  return must_stop() ? std::optional(stopped()) : std::nullopt;
}

void Runner::forget_tasks() {
  isolate_->PerformMicrotaskCheckpoint(); // of getters, after the result
  tasks_.clear();
}

std::string Runner::waiting_for(const Waiter &waiter) const {
  const auto counted = [](size_t count, std::string_view noun) {
    return std::to_string(count).append(" ").append(noun).append(count == 1 ? "" : "s");
  };
  std::string text;
  if (waiter.calls() > 0)
    text = counted(waiter.calls(), "call") + " of the client";
  if (tasks_.timers() > 0)
    text += (text.empty() ? "" : " and ") + counted(tasks_.timers(), "timer");
  return text.empty() ? text : ", it was waiting for " + text;
}

// --- failures ----------------------------------------------------------------------------------

bool Runner::must_stop() {
  if (memory_.exceeded() && !Interrupts::instance().requested())
    Interrupts::instance().stop(StopCause::memory);
  return Interrupts::instance().requested();
}

RunFailure Runner::failure(v8::Local<v8::Context> context, const v8::TryCatch &caught) {
  if (must_stop()) {
    RunFailure result = stopped();
    // A refused buffer that nobody could go on without: the exception tells where.
    if (result.error.code == ErrorCode::memory_limit && caught.HasCaught() &&
        !caught.HasTerminated() && stack_of(result.error).empty())
      result = out_of_memory(stack_of(describe_thrown(context, caught.Exception(), {})));
    return result;
  }
  if (caught.HasTerminated() || !caught.HasCaught())
    return {Error(ErrorCode::internal, "the script ended without a result or an exception"), {}};
  return thrown(context, caught.Exception(), caught.Message());
}

RunFailure Runner::thrown(v8::Local<v8::Context> context, v8::Local<v8::Value> exception,
                          v8::Local<v8::Message> message) {
  RunFailure result{describe_thrown(context, exception, message), {}};
  if (memory_.was_refused() && exception->IsNativeError() && is_refused_memory(result.error))
    return out_of_memory(stack_of(result.error));
  scripts_.apply_source_maps(result.error);
  result.raw = convert_thrown(context, exception, limits_,
                              [this](Error &nested) { scripts_.apply_source_maps(nested); });
  // Getters of what was thrown may have run into a limit themselves.
  return must_stop() ? stopped() : result;
}

RunFailure Runner::out_of_memory(std::string stack) const {
  const auto limit_mb = static_cast<int64_t>(memory_.limit_bytes() >> 20);
  auto error = Error(ErrorCode::memory_limit, "the script needed more memory than its limit of " +
                                                  std::to_string(limit_mb) + " MB")
                   .with("limit_mb", limit_mb);
  if (!stack.empty())
    error.keys.emplace_back("stack", std::move(stack));
  scripts_.apply_source_maps(error);
  return {std::move(error), {}};
}

RunFailure Runner::stopped() const {
  const Interrupts &interrupts = Interrupts::instance();
  if (interrupts.cause() == StopCause::memory)
    return out_of_memory(interrupts.stack());
  const bool is_cpu = interrupts.cause() == StopCause::cpu;
  Error error(ErrorCode::deadline_exceeded,
              is_cpu ? "the script used up its CPU time" : "the script did not end in time");
  error.keys.emplace_back("phase", "running");
  error.keys.emplace_back("limit", is_cpu ? "cpu" : "deadline");
  if (!interrupts.stack().empty())
    error.keys.emplace_back("stack", interrupts.stack());
  scripts_.apply_source_maps(error);
  return {std::move(error), {}};
}

RunFailure Runner::no_script(std::string_view name) const {
  std::string list;
  size_t listed = 0;
  for (const std::string_view known : scripts_.names(most_names_in_a_message + 1))
    list = quoted_list(std::move(list), listed, known);
  return {Error(ErrorCode::not_found, "there is no script '" + std::string(name) + "' here; " +
                                          (listed == 0 ? "there are none" : "there are: " + list))
              .with("kind", "script")
              .with("name", std::string(name)),
          {}};
}

RunFailure Runner::no_function(const Script &script, std::string_view name) const {
  std::string list;
  size_t listed = 0;
  for (const std::string &known : script.functions())
    list = quoted_list(std::move(list), listed, known);
  return {Error(ErrorCode::not_found, "script '" + script.definition().name +
                                          "' has no function '" + std::string(name) + "'; " +
                                          (listed == 0 ? "it has none" : "it has: " + list))
              .with("kind", "function")
              .with("name", std::string(name)),
          {}};
}

} // namespace lethe
