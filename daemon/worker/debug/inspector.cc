// SPDX-License-Identifier: Apache-2.0
// The inspector's client and channel.
#include "daemon/worker/debug/inspector.h"
#include "daemon/engine/engine.h"

#include <algorithm>
#include <string>

namespace lethe {
namespace {

constexpr int context_group = 1;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char letter) { return static_cast<signed char>(letter) >= 0; });
}

v8_inspector::StringView view_of(std::string_view ascii) {
  return {reinterpret_cast<const uint8_t *>(ascii.data()), ascii.size()};
}

// V8 writes its messages in ASCII, with escapes.
std::string text_of(v8::Isolate *isolate, v8_inspector::StringView view) {
  if (view.is8Bit())
    return {reinterpret_cast<const char *>(view.characters8()), view.length()};
  const v8::HandleScope handles(isolate);
  v8::Local<v8::String> string;
  if (!v8::String::NewFromTwoByte(isolate, view.characters16(), v8::NewStringType::kNormal,
                                  static_cast<int>(view.length()))
           .ToLocal(&string))
    return {};
  return to_text(isolate, string);
}

} // namespace

Inspector::Inspector(v8::Isolate *isolate, v8::Local<v8::Context> context, std::string_view name,
                     Send send, Receive receive)
    : isolate_(isolate), context_(isolate, context), send_(std::move(send)),
      receive_(std::move(receive)), inspector_(v8_inspector::V8Inspector::create(isolate, this)) {
  const std::string shown(is_ascii(name) ? name : "script");
  const v8_inspector::V8ContextInfo info(context, context_group, view_of(shown));
  inspector_->contextCreated(info);
}

Inspector::~Inspector() {
  session_.reset();
  const v8::HandleScope handles(isolate_);
  inspector_->contextDestroyed(context_.Get(isolate_));
}

void Inspector::hear(std::string_view json) {
  const v8::HandleScope handles(isolate_);
  const v8::Context::Scope scope(context_.Get(isolate_));
  if (!session_) {
    left_ = false;
    session_ = v8_compat::connect(*inspector_, context_group, this);
  }
  ++depth_;
  if (is_ascii(json)) {
    session_->dispatchProtocolMessage(view_of(json));
  } else {
    const v8::String::Value wide(isolate_, to_string(isolate_, json));
    session_->dispatchProtocolMessage({*wide, static_cast<size_t>(wide.length())});
  }
  if (--depth_ == 0 && left_)
    session_.reset();
}

void Inspector::leave() {
  may_run_ = left_ = true;
  if (!session_)
    return;
  const v8::HandleScope handles(isolate_);
  const v8::Context::Scope scope(context_.Get(isolate_));
  session_->setSkipAllPauses(true);
  if (paused_)
    session_->resume();
  if (depth_ == 0) // else hear() does it, at its end
    session_.reset();
}

void Inspector::pause() {
  if (session_)
    session_->schedulePauseOnNextStatement(view_of("Break on start"), view_of("{}"));
}

void Inspector::console(std::string_view level, v8::Local<v8::String> text) {
  if (!session_)
    return;
  const auto context = context_.Get(isolate_);
  v8::Local<v8::String> quoted;
  if (!v8::JSON::Stringify(context, text).ToLocal(&quoted))
    return;
  const std::string_view type = level == "warn" ? "warning" : level;
  send_(R"({"method":"Runtime.consoleAPICalled","params":{"type":")" + std::string(type) +
        R"(","args":[{"type":"string","value":)" + to_text(isolate_, quoted) +
        R"(}],"executionContextId":)" +
        std::to_string(v8_inspector::V8ContextInfo::executionContextId(context)) +
        R"(,"timestamp":)" + std::to_string(currentTimeMS()) + "}}");
}

void Inspector::runMessageLoopOnPause(int) {
  paused_ = true;
  while (paused_)
    receive_();
}

v8::Local<v8::Context> Inspector::ensureDefaultContextInGroup(int) {
  return context_.Get(isolate_);
}

double Inspector::currentTimeMS() { return platform().CurrentClockTimeMillis(); }

void Inspector::sendResponse(int, std::unique_ptr<v8_inspector::StringBuffer> message) {
  send_(text_of(isolate_, message->string()));
}

void Inspector::sendNotification(std::unique_ptr<v8_inspector::StringBuffer> message) {
  send_(text_of(isolate_, message->string()));
}

} // namespace lethe
