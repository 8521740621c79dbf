// SPDX-License-Identifier: Apache-2.0
// A worker: takes requests from its channel to the master, one after the other, and answers each.
#pragma once

#include "daemon/natives/host.h"
#include "daemon/worker/busy_poll.h"
#include "daemon/worker/debug/debugger.h"
#include "daemon/worker/memory/rewinder.h"
#include "daemon/worker/memory/working_set.h"
#include "daemon/worker/scripts/runner.h"
#include "ipc/channel.h"
#include "ipc/worker_page.h"
#include "ipc/zygote_settings.h"

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <v8.h>

namespace lethe {

// Lies in the heap: all that it has goes back to the state before the first request when the memory
// is rewound.
class RequestLoop final : public Host, public Runner::Waiter, public DebugLink {
public:
  RequestLoop(v8::Isolate *isolate, Channel channel, WorkerPage &page, Runner &runner,
              MemoryLimits &memory, const ValueLimits &limits, const ZygoteSettings &settings)
      : isolate_(isolate), channel_(std::move(channel)), page_(page), runner_(runner),
        memory_(memory), limits_(limits), settings_(settings) {
    Host::attach(isolate_, this);
  }

  // Loads a script that has no layer yet. The failure, if there is one.
  using LoadCold = std::function<std::optional<RunFailure>(std::string_view script)>;
  // For one whose memory goes back, from now on to this moment.
  void use(Rewinder &rewinder, LoadCold load_cold) {
    load_cold_ = std::move(load_cold);
    rewinder_ = &rewinder;
    if (!rewinder.adopt(page_))
      rewinder_ = nullptr; // it serves one request
  }
  // For a worker that serves one request.
  void use(const WorkingSet &working_set) { working_set_ = &working_set; }
  // Until the master closes the channel, or this process is not fit for another request.
  [[noreturn]] void run() { run(nullptr); }
  // The same in a worker that was forked to debug, and serves one request. The debugger is made when memory
  // is as that request's script needs it.
  using MakeDebugger = std::function<Debugger &()>;
  [[noreturn]] void debug(const MakeDebugger &make) { run(&make); }

  void console(std::string_view level, v8::Local<v8::String> text) override;
  v8::MaybeLocal<v8::Promise> call(v8::Local<v8::Context> context, v8::Local<v8::String> name,
                                   v8::Local<v8::Array> arguments) override;
  uint64_t started_ns() const override { return started_ns_; }
  bool wait(std::optional<uint64_t> until_ns) override;
  size_t calls() const override { return calls_.size(); }

private:
  struct PendingCall {
    v8::Global<v8::Context> context;
    v8::Global<v8::Promise::Resolver> resolver;
    v8::Global<v8::Object> error; // with the stack of the call
  };
  struct Afterwards {    // of a reply
    uint32_t flags = 0;  // of the request
    uint32_t script = 0; // a number for it, 0: none
    uint64_t busy_poll_ns = 0;
  };

  [[noreturn]] void run(const MakeDebugger *make_debugger);
  bool is_ready_for(std::string_view script, const Frame &frame);
  std::optional<RunFailure> load_if_cold(std::string_view script);
  Afterwards serve(uint32_t sequence, const message::Run &request);
  std::optional<RunFailure> run_script(const message::Run &request);
  std::optional<RunFailure> execute(const message::Run &request);
  void report_stats(uint64_t wall_ns, uint64_t cpu_ns);
  void after_reply(uint32_t flags, uint32_t script);
  Channel::Status receive(BusyPoll &busy_poll, uint64_t limit_ns);
  void send_console(std::string_view level, std::string_view text);
  void settle(const Frame &frame);
  void send_debug(std::string_view text) override;
  void hear_debug(const Frame &frame);
  void receive_debug(bool waits) override;
  void flush();

  v8::Isolate *isolate_;
  Channel channel_;
  WorkerPage &page_;
  Runner &runner_;
  MemoryLimits &memory_;
  ValueLimits limits_;
  const ZygoteSettings &settings_;

  Rewinder *rewinder_ = nullptr; // none: there is no image to go back to
  LoadCold load_cold_;
  uint64_t compiled_before_ = 0; // the request's own code
  const WorkingSet *working_set_ = nullptr;
  Debugger *debugger_ = nullptr;
  Buffer early_; // frames of requests that came while another one waited for its client
  // Of the present request.
  uint32_t sequence_ = 0;
  uint64_t started_ns_ = 0;
  Buffer result_;
  struct {
    size_t lines, bytes;
  } console_left_{};
  bool console_is_cut_ = false;
  uint32_t last_call_ = 0;
  std::unordered_map<uint32_t, PendingCall> calls_;
};

} // namespace lethe
