// SPDX-License-Identifier: Apache-2.0
// What a worker does that was forked to debug: runs one function under the inspector, profiles it,
// or takes a snapshot of the heap.
#pragma once

#include "daemon/worker/scripts/generation.h"
#include "ipc/messages.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lethe {

class Inspector;

struct DebugJob {
  RunKind kind;
  std::string script, function; // of a heap snapshot, both may be empty
  int64_t number;               // as in message::Run
  std::string arguments;        // MessagePack
  bool is_fetch = false;
};

// The way to the debugger.
class DebugLink {
public:
  virtual ~DebugLink() = default;
  virtual void send_debug(std::string_view text) = 0;
  // Has hear() called for what has come; `waits`: for at least one message.
  virtual void receive_debug(bool waits) = 0;
};

class Debugger {
public:
  // Generation::load_again().
  using Load = std::function<std::optional<RunFailure>(std::string_view name,
                                                       const Generation::ContextMade &)>;

  Debugger(v8::Isolate *isolate, Scripts &scripts, Runner &runner, DebugLink &link,
           Runner::Waiter &waiter, size_t max_bytes, Load load);
  ~Debugger();

  // From now on a script that runs looks at its next safe point for what the debugger says on this
  // socket. Once, before the sandbox closes.
  static void watch(int socket);

  std::optional<RunFailure> run(const DebugJob &job, Buffer &result);
  // What the debugger says; nothing: it has left.
  void hear(std::optional<std::string_view> text);
  void console(std::string_view level, v8::Local<v8::String> text);

private:
  static void on_input_signal(int);
  static void at_safe_point(v8::Isolate *, void *);

  std::optional<RunFailure> inspect(const DebugJob &job, Buffer &result);
  std::optional<RunFailure> profile(const DebugJob &job, Buffer &result);
  std::optional<RunFailure> heap(const DebugJob &job, Buffer &result);
  std::optional<RunFailure> call(const DebugJob &job, Buffer &result);
  std::string ask_inspector(std::string_view message);
  void send(std::string_view json);
  void send_file(std::string_view text);

  v8::Isolate *isolate_;
  Scripts &scripts_;
  Runner &runner_;
  DebugLink &link_;
  Runner::Waiter &waiter_;
  size_t max_bytes_; // of a message
  Load load_;
  std::unique_ptr<Inspector> inspector_;
  bool listens_ = false;          // before, what is said to it waits
  std::string *answer_ = nullptr; // where ask_inspector() wants it
};

} // namespace lethe
