// SPDX-License-Identifier: Apache-2.0
// Timers in the order of their time, then of their making; and the native functions behind
// setTimeout and its kin.
#include "daemon/natives/tasks.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/script_errors.h"
#include "daemon/natives/native_arguments.h"
#include "ipc/clock.h"

#include <algorithm>
#include <memory>

namespace lethe {

Tasks::Tasks(v8::Isolate *isolate) : isolate_(isolate) {
  set_slot(isolate, IsolateSlot::tasks, this);
  isolate->SetPromiseRejectCallback(on_rejection);
}

void Tasks::clear() {
  if (!keys_.empty()) {
    timers_.clear();
    immediates_.clear();
    keys_.clear();
  }
  running_ = 0;
  rejections_.clear();
  exception_.Reset();
  exception_message_.Reset();
}

// --- timers ------------------------------------------------------------------------------------

int32_t Tasks::add(Arguments arguments, uint64_t delay_ns, uint64_t interval_ns,
                   bool is_immediate) {
  Task task;
  task.id = last_id_ = last_id_ == INT32_MAX ? 1 : last_id_ + 1;
  task.interval_ns = interval_ns;
  task.callback.Reset(isolate_, arguments[0].As<v8::Function>());
  const auto list = arguments[1].As<v8::Array>();
  const auto context = isolate_->GetCurrentContext();
  task.arguments.reserve(list->Length());
  for (uint32_t i = 0; i < list->Length(); ++i) {
    v8::Local<v8::Value> value;
    if (!list->Get(context, i).ToLocal(&value))
      return 0;
    task.arguments.emplace_back(isolate_, value);
  }
  const int32_t id = task.id;
  const Key key{is_immediate ? 0 : now_ns() + delay_ns, ++made_};
  keys_[id] = key;
  (is_immediate ? immediates_ : timers_).emplace(key, std::move(task));
  return id;
}

void Tasks::cancel(int32_t id) {
  if (id == running_)
    running_ = 0;
  const auto found = keys_.find(id);
  if (found == keys_.end())
    return;
  (found->second.first == 0 ? immediates_ : timers_).erase(found->second);
  keys_.erase(found);
}

void Tasks::begin_turn() {
  if (!timers_.empty())
    turn_ns_ = now_ns();
  turn_made_ = made_;
}

bool Tasks::run_one() {
  for (auto *tasks : {&timers_, &immediates_}) {
    const auto next = tasks->begin();
    if (next == tasks->end() || next->first.first > turn_ns_ || next->first.second > turn_made_)
      continue;
    const Key key = next->first;
    Task task = std::move(next->second);
    tasks->erase(next);
    keys_.erase(task.id);
    run(key, std::move(task));
    return true;
  }
  return false;
}

void Tasks::run(Key key, Task task) {
  const v8::HandleScope handles(isolate_);
  const auto callback = task.callback.Get(isolate_);
  v8::Local<v8::Context> context;
  if (!callback->GetCreationContext().ToLocal(&context))
    return;
  const v8::Context::Scope scope(context);
  const v8::TryCatch caught(isolate_);
  std::vector<v8::Local<v8::Value>> arguments;
  arguments.reserve(task.arguments.size());
  for (const auto &argument : task.arguments)
    arguments.push_back(argument.Get(isolate_));
  running_ = task.id;
  const bool ran =
      !callback
           ->Call(context, context->Global(), static_cast<int>(arguments.size()), arguments.data())
           .IsEmpty();
  if (!ran)
    fail(caught);
  // An interval goes on until it is cancelled, in its own callback too; it never gets ahead of
  // time.
  if (ran && task.interval_ns > 0 && running_ == task.id) {
    key = {std::max(key.first + task.interval_ns, now_ns()), ++made_};
    keys_[task.id] = key;
    timers_.emplace(key, std::move(task));
  }
  running_ = 0;
}

std::optional<uint64_t> Tasks::due_ns() const {
  if (!immediates_.empty())
    return 0;
  if (!timers_.empty())
    return timers_.begin()->first.first;
  return std::nullopt;
}

// --- what went wrong ---------------------------------------------------------------------------

namespace {

v8::Local<v8::Private> reporter_key(v8::Isolate *isolate) {
  return v8::Private::ForApi(isolate, to_name(isolate, "lethe.reporter"));
}

v8::Local<v8::Value> place_array(v8::Local<v8::Context> context, v8::Local<v8::Value> thrown,
                                 v8::Local<v8::Message> message) {
  v8::Isolate *isolate = context->GetIsolate();
  const Place place = place_of_thrown(context, thrown, message);
  v8::Local<v8::Value> parts[] = {to_string(isolate, place.script),
                                  v8::Number::New(isolate, static_cast<double>(place.line)),
                                  v8::Number::New(isolate, static_cast<double>(place.column))};
  return v8::Array::New(isolate, parts, std::size(parts));
}

} // namespace

void Tasks::on_rejection(v8::PromiseRejectMessage message) {
  const auto promise = message.GetPromise();
  v8::Isolate *isolate = promise->GetIsolate();
  Tasks &self = *of(isolate);
  if (message.GetEvent() == v8::kPromiseRejectWithNoHandler)
    self.rejections_.push_back({v8::Global<v8::Promise>(isolate, promise),
                                v8::Global<v8::Value>(isolate, message.GetValue())});
  else if (message.GetEvent() == v8::kPromiseHandlerAddedAfterReject)
    self.handle(promise);
}

void Tasks::handle(v8::Local<v8::Promise> promise) {
  promise->MarkAsHandled();
  std::erase_if(rejections_, [&](const Rejection &other) { return other.promise == promise; });
}

void Tasks::fail(const v8::TryCatch &caught) {
  if (!exception_.IsEmpty() || caught.HasTerminated() || !caught.HasCaught())
    return;
  if (report(caught.Exception(), v8::Undefined(isolate_), caught.Message()))
    return;
  exception_.Reset(isolate_, caught.Exception());
  exception_message_.Reset(isolate_, caught.Message());
}

std::optional<Tasks::Failure> Tasks::failure() {
  for (;;) {
    if (!exception_.IsEmpty())
      return Failure{exception_.Get(isolate_), exception_message_.Get(isolate_), false};
    if (rejections_.empty())
      return std::nullopt;
    const auto promise = rejections_.front().promise.Get(isolate_);
    const auto reason = rejections_.front().reason.Get(isolate_);
    rejections_.erase(rejections_.begin());
    if (!report(reason, promise, {}))
      return Failure{reason, {}, true};
    isolate_->PerformMicrotaskCheckpoint();
  }
}

// True if the script listens: it has been told.
bool Tasks::report(v8::Local<v8::Value> value, v8::Local<v8::Value> promise,
                   v8::Local<v8::Message> message) {
  const auto context = isolate_->GetCurrentContext();
  const v8::TryCatch caught(isolate_);
  v8::Local<v8::Value> reporter, reported,
      arguments[] = {value, promise, place_array(context, value, message)};
  return context->Global()->GetPrivate(context, reporter_key(isolate_)).ToLocal(&reporter) &&
         reporter->IsFunction() &&
         reporter.As<v8::Function>()
             ->Call(context, v8::Undefined(isolate_), 3, arguments)
             .ToLocal(&reported) &&
         reported->IsTrue();
}

// --- native functions --------------------------------------------------------------------------

struct TaskNatives {
  using Arguments = Tasks::Arguments;

  static Tasks *tasks(Arguments arguments) {
    v8::Isolate *isolate = arguments.GetIsolate();
    Tasks *tasks = Tasks::of(isolate);
    if (!tasks)
      isolate->ThrowException(v8::Exception::Error(to_string(
          isolate, "preload scripts have no timers: what is pending does not get into the startup "
                   "snapshot")));
    return tasks;
  }

  // setTimer(function, [argument, …], milliseconds, repeats): its number
  static void set_timer(Arguments arguments) {
    if (!has_arguments<v8::Function, v8::Array, v8::Int32>(arguments))
      return;
    Tasks *self = tasks(arguments);
    if (!self)
      return;
    const auto delay_ns =
        static_cast<uint64_t>(std::max(arguments[2].As<v8::Int32>()->Value(), 0)) * ns_per_ms;
    // As in Node.js, so that an interval of 0 does not take a processor.
    const uint64_t interval_ns = arguments[3]->IsTrue() ? std::max(delay_ns, ns_per_ms) : 0;
    arguments.GetReturnValue().Set(
        self->add(arguments, std::max(delay_ns, interval_ns), interval_ns, false));
  }

  // setImmediateTask(function, [argument, …]): its number
  static void set_immediate(Arguments arguments) {
    if (!has_arguments<v8::Function, v8::Array>(arguments))
      return;
    if (Tasks *self = tasks(arguments))
      arguments.GetReturnValue().Set(self->add(arguments, 0, 0, true));
  }

  // clearTask(number)
  static void clear_task(Arguments arguments) {
    if (!has_arguments<v8::Int32>(arguments))
      return;
    if (Tasks *self = Tasks::of(arguments.GetIsolate()))
      self->cancel(arguments[0].As<v8::Int32>()->Value());
  }

  // queueTask(function): as a microtask. Its exceptions are found afterwards, as those of timers.
  static void queue_task(Arguments arguments) {
    if (!has_arguments<v8::Function>(arguments))
      return;
    v8::Isolate *isolate = arguments.GetIsolate();
    isolate->EnqueueMicrotask(
        v8::Function::New(isolate->GetCurrentContext(), run_microtask, arguments[0])
            .ToLocalChecked());
  }

  // setReporter(report(value, promise or undefined)): this context's, see report()
  static void set_reporter(Arguments arguments) {
    if (!has_arguments<v8::Function>(arguments))
      return;
    const auto context = arguments.GetIsolate()->GetCurrentContext();
    (void)context->Global()->SetPrivate(context, reporter_key(arguments.GetIsolate()),
                                        arguments[0]);
  }

  // placeOf(error): [script, line, column] of where it was thrown; "", 0, 0 if that is not known
  static void place_of(Arguments arguments) {
    arguments.GetReturnValue().Set(
        place_array(arguments.GetIsolate()->GetCurrentContext(), arguments[0], {}));
  }

  static void run_microtask(Arguments arguments) {
    v8::Isolate *isolate = arguments.GetIsolate();
    const v8::TryCatch caught(isolate);
    const auto context = isolate->GetCurrentContext();
    if (!arguments.Data()->IsFunction()) // not made by queue_task()
      return;
    if (arguments.Data()
            .As<v8::Function>()
            ->Call(context, v8::Undefined(isolate), 0, nullptr)
            .IsEmpty())
      if (Tasks *self = Tasks::of(isolate))
        self->fail(caught);
  }
};

namespace {

constexpr NativeFunction functions[] = {
    {"setTimer", TaskNatives::set_timer},        {"setImmediateTask", TaskNatives::set_immediate},
    {"clearTask", TaskNatives::clear_task},      {"queueTask", TaskNatives::queue_task},
    {"setReporter", TaskNatives::set_reporter},  {"placeOf", TaskNatives::place_of},
    {"runMicrotask", TaskNatives::run_microtask}};

} // namespace

const std::span<const NativeFunction> task_natives = functions;

} // namespace lethe
