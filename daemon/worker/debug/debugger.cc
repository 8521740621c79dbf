// SPDX-License-Identifier: Apache-2.0
// Jobs of a debugging worker.
#include "daemon/worker/debug/debugger.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/globals.h"
#include "daemon/worker/debug/inspector.h"
#include "ipc/invariant.h"
#include "ipc/message_pack.h"
#include "ipc/packer.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>
#include <v8-profiler.h>

namespace lethe {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t part_bytes = 64 * 1024;         // of a file, in one message
constexpr int64_t most_ms_over_time = 1000;      // for the last call of a profile
constexpr const char *sampling_interval = "250"; // µs: fine enough for functions of a few µs

// A call that takes long is stopped when the time of the profile, and some more, is over: where it
// was until then is worth knowing.
class TimeLimit {
public:
  TimeLimit(v8::Isolate *isolate, int64_t limit_ms) {
    process_globals.profiled = isolate;
    process_globals.profile_is_over = false;
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    const itimerspec once{{}, {limit_ms / 1000, limit_ms % 1000 * 1'000'000}};
    const bool is_set = ::sigaction(SIGALRM, &action, nullptr) == 0 &&
                        ::timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0 &&
                        ::timer_settime(timer_, 0, &once, nullptr) == 0;
    invariant(is_set, "a process can have a timer", {"errno", errno});
  }
  TimeLimit(const TimeLimit &) = delete;
  ~TimeLimit() {
    ::timer_delete(timer_);
    process_globals.profile_is_over = false; // what was asked of V8 does nothing any more
    process_globals.profiled->CancelTerminateExecution();
  }
  bool passed() const { return process_globals.profile_is_over; }

private:
  static void on_signal(int) {
    process_globals.profile_is_over = true;
    process_globals.profiled->RequestInterrupt(
        [](v8::Isolate *isolate, void *) {
          if (process_globals.profile_is_over)
            isolate->TerminateExecution();
        },
        nullptr);
  }

  timer_t timer_{};
};

// The heap snapshot's text, in parts.
class PartStream final : public v8::OutputStream {
public:
  explicit PartStream(DebugLink &link) : link_(link) {}
  int GetChunkSize() override { return part_bytes; }
  void EndOfStream() override {}
  WriteResult WriteAsciiChunk(char *data, int size) override {
    const std::string_view text(data, static_cast<size_t>(size));
    bytes_ += text.size();
    link_.send_debug(text);
    return kContinue;
  }
  size_t bytes() const { return bytes_; }

private:
  DebugLink &link_;
  size_t bytes_ = 0;
};

} // namespace

Debugger::Debugger(v8::Isolate *isolate, Scripts &scripts, Runner &runner, DebugLink &link,
                   Runner::Waiter &waiter, size_t max_bytes, Load load)
    : isolate_(isolate), scripts_(scripts), runner_(runner), link_(link), waiter_(waiter),
      max_bytes_(max_bytes), load_(std::move(load)) {
  process_globals.debugger = this;
}

Debugger::~Debugger() = default;

void Debugger::watch(int socket) {
  struct sigaction action {};
  action.sa_handler = on_input_signal;
  action.sa_flags = SA_RESTART;
  const bool signals = ::sigaction(SIGIO, &action, nullptr) == 0 &&
                       ::fcntl(socket, F_SETOWN, ::getpid()) == 0 &&
                       ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_ASYNC) == 0;
  invariant(signals, "a socket can signal its input", {"errno", errno});
}

void Debugger::on_input_signal(int) {
  const int saved = errno;
  if (process_globals.debugger && !process_globals.has_debug_input.exchange(true))
    process_globals.debugger->isolate_->RequestInterrupt(at_safe_point, nullptr);
  errno = saved;
}

void Debugger::at_safe_point(v8::Isolate *, void *) {
  process_globals.has_debug_input.store(false);
  if (process_globals.debugger->listens_)
    process_globals.debugger->link_.receive_debug(false);
}

std::optional<RunFailure> Debugger::run(const DebugJob &job, Buffer &result) {
  switch (job.kind) {
  case RunKind::inspect:
    return inspect(job, result);
  case RunKind::profile:
    return profile(job, result);
  default:
    return heap(job, result);
  }
}

std::optional<RunFailure> Debugger::call(const DebugJob &job, Buffer &result) {
  return runner_.call({job.script, job.function, job.arguments, job.is_fetch}, result, waiter_);
}

std::optional<RunFailure> Debugger::inspect(const DebugJob &job, Buffer &result) {
  if (!scripts_.find(job.script))
    return call(job, result); // it says what there is
  // V8 shows a debugger the scripts that were compiled in a context that the inspector knew before.
  auto failed = load_(job.script, [&](v8::Local<v8::Context> context) {
    inspector_ = std::make_unique<Inspector>(
        isolate_, context, job.script, [this](std::string_view json) { send(json); },
        [this] { link_.receive_debug(true); });
    listens_ = true;
    while (!inspector_->may_run())
      link_.receive_debug(true);
  });
  runner_.before_call = [this, pauses = job.number == 1] {
    if (pauses)
      inspector_->pause();
  };
  if (!failed)
    failed = call(job, result);
  runner_.before_call = nullptr;
  listens_ = false;
  inspector_.reset();
  return failed;
}

std::optional<RunFailure> Debugger::profile(const DebugJob &job, Buffer &result) {
  const Script *script = scripts_.find(job.script);
  if (!script)
    return call(job, result);
  const v8::HandleScope handles(isolate_);
  v8::CpuProfiler::UseDetailedSourcePositionsForProfiling(isolate_);
  inspector_ = std::make_unique<Inspector>(
      isolate_, script->context(), job.script, [this](std::string_view json) { send(json); },
      [] {});
  ask_inspector(R"({"id":1,"method":"Profiler.enable"})");
  ask_inspector(R"({"id":2,"method":"Profiler.setSamplingInterval","params":{"interval":)" +
                std::string(sampling_interval) + "}}");
  ask_inspector(R"({"id":3,"method":"Profiler.start"})");
  const auto begin = SteadyClock::now(), end = begin + std::chrono::milliseconds(job.number);
  auto now = begin;
  uint64_t runs = 0;
  bool stopped = false;
  {
    const TimeLimit limit(isolate_, job.number + most_ms_over_time);
    for (; now < end && !stopped; now = SteadyClock::now(), ++runs) {
      result.clear();
      auto failed = call(job, result);
      stopped = failed && limit.passed();
      if (failed && !stopped)
        return failed;
    }
  }
  // {"id":4,"result":{"profile":{…}}}
  const std::string answer = ask_inspector(R"({"id":4,"method":"Profiler.stop"})");
  const size_t object = answer.find(R"("profile":)") + 10;
  send_file(std::string_view(answer).substr(object, answer.size() - object - 2));
  inspector_.reset();
  result.clear();
  Packer packer(result);
  packer.pack_map(3);
  pack_string(packer, "runs");
  packer.pack_uint64(runs);
  pack_string(packer, "mean_us");
  packer.pack_double(std::chrono::duration<double, std::micro>(now - begin).count() /
                     static_cast<double>(runs));
  pack_string(packer, "stopped");
  stopped ? packer.pack_true() : packer.pack_false();
  return std::nullopt;
}

std::optional<RunFailure> Debugger::heap(const DebugJob &job, Buffer &result) {
  if (!job.function.empty())
    if (auto failed = call(job, result))
      return failed;
  const v8::HandleScope handles(isolate_);
  const v8::HeapSnapshot *snapshot = isolate_->GetHeapProfiler()->TakeHeapSnapshot();
  if (!snapshot)
    return RunFailure{Error(ErrorCode::internal, "V8 took no snapshot of the heap"), {}};
  PartStream stream(link_);
  snapshot->Serialize(&stream);
  result.clear();
  Packer packer(result);
  packer.pack_map(1);
  pack_string(packer, "bytes");
  packer.pack_uint64(stream.bytes());
  return std::nullopt;
}

std::string Debugger::ask_inspector(std::string_view message) {
  std::string answer;
  answer_ = &answer;
  inspector_->hear(message);
  answer_ = nullptr;
  return answer;
}

void Debugger::send(std::string_view json) {
  if (answer_)
    *answer_ = json;
  else if (json.size() <= max_bytes_)
    link_.send_debug(json);
  else if (json.starts_with(R"({"id":)")) // an answer: V8 puts its number first
    link_.send_debug(std::string(json.substr(0, json.find(','))) +
                     R"(,"error":{"code":-32000,"message":"longer than max_message_bytes"}})");
}

void Debugger::send_file(std::string_view text) {
  while (!text.empty()) {
    size_t bytes = std::min(part_bytes, text.size());
    while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
      --bytes; // a part is UTF-8, too
    link_.send_debug(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

void Debugger::hear(std::optional<std::string_view> text) {
  if (!listens_)
    return;
  if (text)
    inspector_->hear(*text);
  else
    inspector_->leave();
}

void Debugger::console(std::string_view level, v8::Local<v8::String> text) {
  if (inspector_)
    inspector_->console(level, text);
}

} // namespace lethe
