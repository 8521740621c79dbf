// SPDX-License-Identifier: Apache-2.0
// What a script has put off: timers, immediates, microtasks of queueMicrotask; and what went wrong
// where nobody could catch it.
#pragma once

#include "daemon/engine/globals.h"
#include "daemon/natives/natives.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <v8.h>
#include <vector>

namespace lethe {

// One for an isolate; all that it has belongs to the present request, or to the script that is
// being loaded. Lies in the heap: a rewind puts it back. In lethe-snapshot there is none, and the
// native functions throw.
class Tasks {
public:
  // In the isolate's data, and as its listener for rejected promises.
  explicit Tasks(v8::Isolate *isolate);
  Tasks(const Tasks &) = delete;
  Tasks &operator=(const Tasks &) = delete;

  static Tasks *of(v8::Isolate *isolate) { return from_slot<Tasks>(isolate, IsolateSlot::tasks); }

  // Forgets everything.
  void clear();

  // From now on run_one() knows what is due at this moment: all timers whose time has come, and the
  // immediates. What these make is for the turn after this one.
  void begin_turn();
  // Runs the next of them, the earliest timer first; then no microtask has run yet. False: there is
  // none left in this turn.
  bool run_one();
  // When there will be something to do, by the monotonic clock; 0: at once.
  std::optional<uint64_t> due_ns() const;

  // An exception that ran out of a task, or a promise that was rejected while nobody listened. To
  // be asked for when no microtask is left: only then is it sure that nobody does. A script that
  // listens to such events is told instead, and its microtasks run.
  struct Failure {
    v8::Local<v8::Value> exception;
    v8::Local<v8::Message> message; // empty for a rejection
    bool is_rejection = false;
  };
  std::optional<Failure> failure();
  // Somebody of ours looks at this promise.
  void handle(v8::Local<v8::Promise> promise);
  // Keeps the first one, of which the script is not told.
  void fail(const v8::TryCatch &caught);

  size_t timers() const { return timers_.size(); }

  // A script sees the numbers of its timers. Where nobody has kept one, they begin again after this.
  int32_t last_id() const { return last_id_; }
  void begin_again_after(int32_t id) { last_id_ = id; }

private:
  using Arguments = const v8::FunctionCallbackInfo<v8::Value> &;
  friend struct TaskNatives;

  struct Task {
    int32_t id = 0;
    uint64_t interval_ns = 0; // 0: it is run once
    v8::Global<v8::Function> callback;
    std::vector<v8::Global<v8::Value>> arguments;
  };
  // When it is due (0: an immediate), and the order in which they were made.
  using Key = std::pair<uint64_t, uint64_t>;

  int32_t add(Arguments arguments, uint64_t delay_ns, uint64_t interval_ns, bool is_immediate);
  void cancel(int32_t id);
  void run(Key key, Task task);
  bool report(v8::Local<v8::Value> value, v8::Local<v8::Value> promise,
              v8::Local<v8::Message> message);
  static void on_rejection(v8::PromiseRejectMessage message);

  v8::Isolate *isolate_;
  std::map<Key, Task> timers_, immediates_;
  std::unordered_map<int32_t, Key> keys_; // by id
  int32_t last_id_ = 0;
  uint64_t made_ = 0;
  int32_t running_ = 0; // an interval; 0 if it was cancelled meanwhile
  uint64_t turn_ns_ = 0, turn_made_ = 0;
  struct Rejection {
    v8::Global<v8::Promise> promise;
    v8::Global<v8::Value> reason;
  };
  std::vector<Rejection> rejections_;
  v8::Global<v8::Value> exception_;
  v8::Global<v8::Message> exception_message_;
};

} // namespace lethe
