// SPDX-License-Identifier: Apache-2.0
// V8's inspector on one context: messages of the Chrome DevTools Protocol in and out.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <v8-inspector.h>
#include <v8.h>

namespace lethe {

// One session at a time; a new one begins with the first message after leave(). Messages may be
// heard at any safe point of the script, also while it is paused.
class Inspector final : v8_inspector::V8InspectorClient, v8_inspector::V8Inspector::Channel {
public:
  using Send = std::function<void(std::string_view json)>;
  using Receive = std::function<void()>; // waits until something was heard

  // `send` and `receive` are called from within hear() and from within the script.
  Inspector(v8::Isolate *isolate, v8::Local<v8::Context> context, std::string_view name, Send send,
            Receive receive);
  ~Inspector() override;

  // One message, in UTF-8.
  void hear(std::string_view json);
  // The debugger is gone: no breakpoints any more, and a pause ends.
  void leave();

  // Has the debugger said that it is prepared (Runtime.runIfWaitingForDebugger), or left?
  bool may_run() const { return may_run_; }
  // At the script's next statement.
  void pause();
  // What the script wrote to its console.
  void console(std::string_view level, v8::Local<v8::String> text);

private:
  void runMessageLoopOnPause(int) override;
  void quitMessageLoopOnPause() override { paused_ = false; }
  void runIfWaitingForDebugger(int) override { may_run_ = true; }
  v8::Local<v8::Context> ensureDefaultContextInGroup(int) override;
  double currentTimeMS() override;

  void sendResponse(int call, std::unique_ptr<v8_inspector::StringBuffer> message) override;
  void sendNotification(std::unique_ptr<v8_inspector::StringBuffer> message) override;
  void flushProtocolNotifications() override {}

  v8::Isolate *isolate_;
  v8::Global<v8::Context> context_;
  Send send_;
  Receive receive_;
  std::unique_ptr<v8_inspector::V8Inspector> inspector_;
  std::unique_ptr<v8_inspector::V8InspectorSession> session_;
  int depth_ = 0; // of hear(), which a pause may nest
  bool left_ = false, may_run_ = false, paused_ = false;
};

} // namespace lethe
