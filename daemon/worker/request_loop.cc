// SPDX-License-Identifier: Apache-2.0
// Requests, replies, console lines and calls to the client.
#include "daemon/worker/request_loop.h"
#include "daemon/engine/code_events.h"
#include "daemon/engine/floating_point.h"
#include "daemon/engine/interrupts.h"
#include "daemon/engine/script_errors.h"
#include "daemon/engine/value_reader.h"
#include "daemon/worker/memory/fault_point.h"
#include "ipc/clock.h"
#include "ipc/invariant.h"
#include "ipc/packer.h"

#include <cfenv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lethe {
namespace {

constexpr uint64_t longest_rest_ns = 5 * ns_per_ms; // under `reuse`: the reply waits for it

void append_frame(Buffer &frames, const Frame &frame) {
  const FrameHeader header{static_cast<uint32_t>(frame.body.size()),
                           static_cast<uint16_t>(frame.type), 0, frame.sequence};
  frames.write(reinterpret_cast<const char *>(&header), sizeof header);
  frames.append(frame.body);
}

// For the rewind, which may take one script for another, but an expression for none.
uint32_t number_of(std::string_view script) {
  return script.empty() ? 0 : static_cast<uint32_t>(std::hash<std::string_view>{}(script)) | 1;
}

[[noreturn]] void end_worker(ExitStatus status) {
  // No destructors, no atexit: nothing that the zygote had in its buffers may be written twice.
  ::_exit(status);
}

[[noreturn]] void break_off(const std::string &flaw) {
  std::fprintf(stderr, "lethe-worker: the master broke the protocol: %s\n", flaw.c_str());
  end_worker(exit_protocol);
}

template <typename Message> Message read_or_break_off(const Frame &frame) {
  auto message = frame.read<Message>();
  if (!message)
    break_off(message.error().message);
  return *message;
}

// A client's error as text: a text, the bytes of one, or [number, text], as Neovim's clients have it.
v8::MaybeLocal<v8::String> text_of(v8::Local<v8::Context> context, v8::Local<v8::Value> answer) {
  if (answer->IsNullOrUndefined())
    return {};
  if (answer->IsArray()) {
    const auto array = answer.As<v8::Array>();
    v8::Local<v8::Value> number, text;
    if (array->Length() == 2 && array->Get(context, 0).ToLocal(&number) && number->IsNumber() &&
        array->Get(context, 1).ToLocal(&text) && text->IsString())
      return text.As<v8::String>();
  }
  if (answer->IsUint8Array()) {
    const auto bytes = answer.As<v8::Uint8Array>();
    std::string text(bytes->ByteLength(), '\0');
    bytes->CopyContents(text.data(), text.size());
    return to_string(context->GetIsolate(), text);
  }
  return answer->ToString(context);
}

std::string unreadable(const Error &error) {
  return "the client's answer: " + error.message + " (at " +
         std::get<std::string>(error.keys.front().second) + ")";
}

// Puts the message and the keys of the client's error into the Error that rejects a promise.
void tell(v8::Local<v8::Context> context, v8::Local<v8::Object> error,
          v8::Local<v8::Value> answer) {
  v8::Isolate *isolate = context->GetIsolate();
  const auto message_key = Names::of(isolate).message.Get(isolate);
  v8::Local<v8::Value> text = answer;
  v8::Local<v8::String> message;
  const bool is_map = answer->IsObject() && !answer->IsArray() && !answer->IsUint8Array();
  if (is_map && !answer.As<v8::Object>()->Get(context, message_key).ToLocal(&text))
    text = v8::Undefined(isolate);
  if (!text_of(context, text).ToLocal(&message))
    message = to_string(isolate, "the client answered with an error");
  error->DefineOwnProperty(context, message_key, message, v8::DontEnum).FromMaybe(false);
  v8::Local<v8::Array> keys;
  if (!is_map || !answer.As<v8::Object>()->GetOwnPropertyNames(context).ToLocal(&keys))
    return;
  for (uint32_t i = 0; i < keys->Length(); ++i) {
    v8::Local<v8::Value> key, value;
    if (keys->Get(context, i).ToLocal(&key) && key->IsString() && !key->StrictEquals(message_key) &&
        answer.As<v8::Object>()->Get(context, key).ToLocal(&value))
      error->CreateDataProperty(context, key.As<v8::String>(), value).FromMaybe(false);
  }
}

} // namespace

void RequestLoop::run(const MakeDebugger *make_debugger) {
  page_.ready.store(true);
  BusyPoll busy_poll; // here, where no rewind takes it back
  Afterwards last;
  for (;;) {
    Frame frame;
    switch (channel_.next(frame, PeerState::idle)) {
    case Channel::Status::ok:
      last = {};
      // Else it comes too late, which is no mistake, or the master has taken it back: it runs elsewhere.
      if (frame.type == MessageType::run && page_.claim(frame.sequence)) {
        const auto request = read_or_break_off<message::Run>(frame);
        if (!is_ready_for(request.script, frame))
          break;
        if (make_debugger)
          debugger_ = &(*make_debugger)();
        last = serve(frame.sequence, request);
        after_reply(last.flags, last.script);
      }
      break;
    case Channel::Status::again:
      if (receive(busy_poll, last.busy_poll_ns) == Channel::Status::closed)
        end_worker(exit_clean);
      break;
    default:
      break_off(channel_.flaw());
    }
  }
}

// False: now it is, and the frame comes again.
bool RequestLoop::is_ready_for(std::string_view script, const Frame &frame) {
  if (!rewinder_ || rewinder_->is_ready_for(script))
    return true;
  if (!rewinder_->make_ready_for(script, frame, channel_))
    end_worker(exit_clean);
  return false;
}

Channel::Status RequestLoop::receive(BusyPoll &busy_poll, uint64_t limit_ns) {
  auto status = Channel::Status::again;
  busy_poll.wait(limit_ns, [&] {
    status = channel_.receive(Channel::Wait::no);
    return status != Channel::Status::again;
  });
  return status != Channel::Status::again ? status : channel_.receive();
}

RequestLoop::Afterwards RequestLoop::serve(uint32_t sequence, const message::Run &request) {
  if (fault_point("sandbox"))
    ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (fault_point("sandbox.close"))
    ::close(channel_.descriptor());
  if (timer_t timer; fault_point("sandbox.timer"))
    ::timer_create(CLOCK_MONOTONIC, nullptr, &timer);
  invariant(calls_.empty() && early_.empty(), "a request begins when nothing is left of the last",
            {"calls", calls_.size()}, {"early_bytes", early_.size()});
  sequence_ = sequence;
  const bool wants_stats = (request.flags & run_wants_stats) != 0;
  reset_floating_point(); // native code may have left it otherwise
  started_ns_ = now_ns();
  const uint64_t cpu = wants_stats ? now_ns(CLOCK_PROCESS_CPUTIME_ID) : 0;

  const auto failed = execute(request);

  if (fault_point("worker.rounding"))
    std::fesetround(FE_TOWARDZERO);
  invariant(sequence_ == sequence, "the answer is to the request that was claimed",
            {"sequence", sequence_}, {"claimed", sequence});
  if (wants_stats)
    report_stats(now_ns() - started_ns_, now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
  const auto compiled =
      static_cast<uint32_t>(process_globals.code_events->counts().all() - compiled_before_);
  if (failed) {
    write_error(channel_.begin(sequence, message::Failed{.compiled = compiled}), failed->error,
                failed->raw);
    channel_.end();
  } else {
    channel_.add(sequence, message::Done{.compiled = compiled, .result = result_.view()});
  }
  flush();
  if (!early_.empty()) {
    channel_.put_back(early_.view());
    early_.clear();
  }
  return {request.flags, number_of(request.script),
          static_cast<uint64_t>(request.busy_poll_us) * 1000};
}

std::optional<RunFailure> RequestLoop::load_if_cold(std::string_view script) {
  return rewinder_ && rewinder_->is_cold(script) ? load_cold_(script) : std::nullopt;
}

std::optional<RunFailure> RequestLoop::execute(const message::Run &request) {
  result_.clear();
  console_left_ = {static_cast<size_t>(settings_.console_lines),
                   static_cast<size_t>(settings_.console_bytes)};
  console_is_cut_ = console_left_.lines == 0 || console_left_.bytes == 0;
  limits_.all_floats = (request.flags & run_wants_floats) != 0;
  runner_.use(limits_);
  memory_.begin(static_cast<size_t>(request.memory_mb) << 20);
  Interrupts &interrupts = Interrupts::instance();
  interrupts.arm(sequence_, static_cast<uint32_t>(std::min<int64_t>(request.cpu_ms, UINT32_MAX)));
  auto failed = load_if_cold(request.script);
  compiled_before_ = process_globals.code_events->counts().all();
  if (!failed)
    failed = run_script(request);
  if ((request.flags & (run_once | run_rewind)) == 0)
    (void)runner_.run_to_rest(longest_rest_ns); // who is stopped in it ends after the reply
  else
    runner_.forget_tasks();
  interrupts.disarm();
  calls_.clear();
  return failed;
}

std::optional<RunFailure> RequestLoop::run_script(const message::Run &request) {
  const bool is_fetch = (request.flags & run_is_fetch) != 0;
  if (request.kind == RunKind::call)
    return runner_.call({request.script, request.text, request.arguments, is_fetch}, result_,
                        *this);
  if (request.kind == RunKind::eval)
    return runner_.eval(request.text, request.arguments, result_, *this);
  if (debugger_) // with a copy: other messages come while it runs
    return debugger_->run({request.kind, std::string(request.script), std::string(request.text),
                           request.number, std::string(request.arguments), is_fetch},
                          result_);
  break_off("this worker was not forked to debug");
}

void RequestLoop::report_stats(uint64_t wall_ns, uint64_t cpu_ns) {
  v8::HeapStatistics heap;
  isolate_->GetHeapStatistics(&heap);
  const uint64_t rewind_ns = page_.last_rewind_ns.load(std::memory_order_relaxed);
  channel_.add(sequence_,
               message::RunStats{.run_us = static_cast<int64_t>(wall_ns / 1000),
                                 .cpu_us = static_cast<int64_t>(cpu_ns / 1000),
                                 .rewind_us = static_cast<int64_t>(rewind_ns / 1000),
                                 .heap_kb = static_cast<int64_t>(heap.used_heap_size() / 1024)});
}

// No frame above this one owns memory: when the heap is rewound, it would no longer be theirs.
void RequestLoop::after_reply(uint32_t flags, uint32_t script) {
  const bool was_stopped = Interrupts::instance().requested();
  if (working_set_ && !was_stopped)
    working_set_->tell();
  // A script that was stopped may have left anything half done; with a debugger there are threads.
  if ((flags & run_once) != 0 || was_stopped || debugger_)
    end_worker(exit_clean);
  if ((flags & run_rewind) != 0 && !(rewinder_ && rewinder_->rewind(channel_, script)))
    end_worker(exit_clean);
}

void RequestLoop::flush() {
  if (channel_.flush_all() != Channel::Status::ok)
    end_worker(exit_clean);
}

void RequestLoop::console(std::string_view level, v8::Local<v8::String> text) {
  if (debugger_)
    debugger_->console(level, text);
  if (console_is_cut_)
    return;
  const size_t length = v8_compat::utf8_length(isolate_, text);
  const auto limit = static_cast<size_t>(settings_.console_message_bytes);
  const bool is_long = limit > 0 && length > limit && limit <= console_left_.bytes;
  std::string shown(is_long ? limit : std::min(length, console_left_.bytes), '\0');
  shown.resize(v8_compat::write_utf8(isolate_, text, shown.data(), shown.size()));
  console_is_cut_ = !is_long && shown.size() < length;
  size_t lines = 1;
  for (size_t end = 0; lines <= console_left_.lines && (end = shown.find('\n', end)) != shown.npos;
       ++end)
    if (++lines > console_left_.lines)
      shown.resize(end);
  if (lines > console_left_.lines) {
    console_is_cut_ = true;
    lines = console_left_.lines;
  }
  invariant(lines <= console_left_.lines && shown.size() <= console_left_.bytes,
            "console output keeps to its limits", {"lines", lines}, {"bytes", shown.size()});
  console_left_.lines -= lines;
  console_left_.bytes -= shown.size();
  if (is_long && !console_is_cut_)
    shown += " ... " + std::to_string(length - shown.size()) + " more bytes";
  if (lines > 0 && !(console_is_cut_ && shown.empty()))
    send_console(level, shown);
  if (console_is_cut_)
    send_console("warn", "console: further output of this request is left out (more than " +
                             std::to_string(settings_.console_lines) + " lines or " +
                             std::to_string(settings_.console_bytes) + " bytes)");
}

void RequestLoop::send_console(std::string_view level, std::string_view text) {
  channel_.add(sequence_, message::Console{level, text});
}

v8::MaybeLocal<v8::Promise> RequestLoop::call(v8::Local<v8::Context> context,
                                              v8::Local<v8::String> name,
                                              v8::Local<v8::Array> arguments) {
  Buffer converted; // apart, as the conversion may run scripts that write to the console
  ValueWriter writer(context, converted, limits_);
  if (!writer.write(arguments)) {
    if (writer.error())
      isolate_->ThrowException(v8::Exception::TypeError(
          to_string(isolate_, "host.call: the arguments: " + writer.error()->message)));
    return {};
  }
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver))
    return {};
  const uint32_t id = ++last_call_;
  const std::string called = to_text(isolate_, name);
  channel_.add(sequence_, message::HostCall{id, called, converted.view()});
  PendingCall &pending = calls_[id];
  pending.context.Reset(isolate_, context);
  pending.resolver.Reset(isolate_, resolver);
  // Made now, as an answer that is an error comes when no frame of the script is there to tell.
  pending.error.Reset(isolate_, v8::Exception::Error(v8::String::Empty(isolate_)).As<v8::Object>());
  return resolver->GetPromise();
}

// Other requests that arrive meanwhile wait.
bool RequestLoop::wait(std::optional<uint64_t> until_ns) {
  if (calls_.empty() && (!until_ns || *until_ns == 0))
    return until_ns.has_value();
  flush();
  for (;;) {
    Frame frame;
    switch (channel_.next(frame, debugger_ ? PeerState::debugging : PeerState::running)) {
    case Channel::Status::ok:
      if (frame.type == MessageType::run) {
        append_frame(early_, frame);
        break;
      }
      if (frame.type == MessageType::debug_input) {
        hear_debug(frame);
        return true; // it may have settled something
      }
      if (frame.sequence != sequence_)
        break; // an answer that an earlier request did not wait for
      settle(frame);
      return true;
    case Channel::Status::again:
      if (!Interrupts::instance().wait_readable(channel_.descriptor(), until_ns))
        return true;
      if (channel_.receive() == Channel::Status::closed)
        end_worker(exit_clean);
      break;
    default:
      break_off(channel_.flaw());
    }
  }
}

void RequestLoop::send_debug(std::string_view text) {
  channel_.add(sequence_, message::DebugOutput{text});
  flush();
}

void RequestLoop::hear_debug(const Frame &frame) {
  const auto input = read_or_break_off<message::DebugInput>(frame);
  // A copy: other messages come while it is heard.
  debugger_->hear(input.text ? std::optional(std::string(*input.text)) : std::nullopt);
}

// Frames of other kinds wait.
void RequestLoop::receive_debug(bool waits) {
  Buffer others;
  for (bool heard = false;;) {
    Frame frame;
    switch (channel_.next(frame, PeerState::debugging)) {
    case Channel::Status::ok:
      if (frame.type == MessageType::debug_input) {
        heard = true;
        hear_debug(frame);
      } else {
        append_frame(others, frame);
      }
      break;
    case Channel::Status::again: {
      pollfd poll_for{channel_.descriptor(), POLLIN, 0};
      const timespec now{};
      if (heard || (!waits && ::ppoll(&poll_for, 1, &now, nullptr) <= 0)) {
        channel_.put_back(others.view());
        return;
      }
      if (channel_.receive() == Channel::Status::closed)
        end_worker(exit_clean);
      break;
    }
    default:
      break_off(channel_.flaw());
    }
  }
}

void RequestLoop::settle(const Frame &frame) {
  const auto reply = read_or_break_off<message::HostReply>(frame);
  const auto found = calls_.find(reply.call_id);
  if (found == calls_.end())
    return;
  const v8::HandleScope handles(isolate_);
  const auto context = found->second.context.Get(isolate_);
  const auto resolver = found->second.resolver.Get(isolate_);
  const auto failure = found->second.error.Get(isolate_);
  calls_.erase(found);
  const v8::Context::Scope scope(context);
  const bool is_error = reply.error != packed_nil;
  ValueReader values(context, is_error ? reply.error : reply.result, limits_.max_depth);
  v8::Local<v8::Value> answer;
  const bool is_read = values.read(answer);
  if (!is_read)
    answer = to_string(isolate_, unreadable(values.error()));
  if (!is_read || is_error) {
    tell(context, failure, answer);
    resolver->Reject(context, failure).FromMaybe(false);
    return;
  }
  resolver->Resolve(context, answer).FromMaybe(false);
}

} // namespace lethe
