// SPDX-License-Identifier: Apache-2.0
// Workers, as the dispatcher sees them: what they say, and what follows from their end.
#include "daemon/master/dispatch/client.h"
#include "daemon/master/dispatch/dispatcher.h"
#include "daemon/master/loop/process.h"
#include "daemon/master/operation/log.h"
#include "ipc/error_map.h"
#include "ipc/packer.h"
#include "ipc/wait_status.h"

#include <algorithm>
#include <csignal>
#include <sys/wait.h>

namespace lethe {
namespace {

constexpr int64_t begin_limit_us = 1'000'000; // for a worker to begin what it was given
constexpr int64_t idle_limit_us = 20'000;     // of CPU time, for a worker with nothing to do
// For the oldest request of a worker, before what waits behind it is taken back. With more scripts
// than processors it may have waited for its turn, as long as the kernel's slices are, and what is
// behind it would wait elsewhere, too.
constexpr int64_t slow_limit_us = 1000, slow_in_turns_limit_us = 4000;
// What a worker adds of its own to a console's lines: that something was left out.
constexpr int64_t most_remarks = 1, most_remark_bytes = 256;

} // namespace

void Dispatcher::add(WorkerProcess &worker) {
  move(worker, WorkerProcess::State::idle);
  dispatch();
}

void Dispatcher::sweep() {
  end_stuck();
  end_busy_idle();
  replace_worn();
  forget_quiet_shares();
  dispatch();
}

// Whatever a worker is busy with, a request that it was given would wait for its own deadline.
void Dispatcher::end_stuck() {
  const int64_t now_us = environment_.loop.now_us();
  for (WorkerProcess *worker = running_.front(), *next = nullptr; worker; worker = next) {
    next = running_.after(*worker);
    invariant(!worker->sent().empty(), "a worker that runs holds a request",
              {"worker", worker->id()});
    const Request &oldest = *worker->sent().front();
    const int64_t since_us = std::max(oldest.dispatched_us, worker->head_since_us);
    if (!worker->page().ready.load() || worker->has_started(oldest) ||
        now_us - since_us < begin_limit_us)
      continue;
    revoke(*worker);
    if (!worker->sent().empty()) // it has begun just now
      continue;
    log_error("pool {}: worker {} (pid {}) does not begin what it is given; it is killed", pool_,
              worker->id(), worker->pid());
    kill(*worker);
  }
}

// Native code that got into a worker may look for secrets, or for a way out, when nobody waits for
// its replies. What it says on its page of being ready counts only before its first request.
void Dispatcher::end_busy_idle() {
  for (List<WorkerProcess> *list : {&idle_, &fresh_})
    for (WorkerProcess *worker = list->front(), *next = nullptr; worker; worker = next) {
      next = list->after(*worker);
      if (worker->served == 0 && !worker->page().ready.load())
        continue;
      const int64_t used_us = worker->idle_cpu_us();
      if (used_us <= idle_limit_us)
        continue;
      ++environment_.counters.idle_cpu_kills;
      log_error("pool {}: worker {} (pid {}) has nothing to do, and has computed for {} ms; it is "
                "killed",
                pool_, worker->id(), worker->pid(), used_us / 1000);
      kill(*worker);
    }
}

// The worker takes the request that waits longest; without one it is not needed any more.
void Dispatcher::add_debugging(WorkerProcess &worker) {
  move(worker, WorkerProcess::State::debugging);
  Request *request = debugged_.pop();
  if (!request)
    return retire(worker, "not needed any more");
  request->timer.stop(); // it was the limit on the time until now
  worker.run(*request);
  request->client->send_debug_output(*request, std::nullopt);
}

void Dispatcher::go_on_debugging() {
  for (WorkerProcess *worker = debugging_.front(); worker; worker = debugging_.after(*worker))
    if (const Request *request = worker->sent().front();
        request && request->client && !request->client->awaits_room())
      worker->go_on();
}

List<WorkerProcess> *Dispatcher::list_of(const WorkerProcess &worker) {
  if (worker.is(WorkerProcess::State::running))
    return &running_;
  if (worker.is(WorkerProcess::State::idle))
    return worker.served == 0 ? &fresh_ : &idle_;
  return worker.is(WorkerProcess::State::debugging) ? &debugging_ : nullptr;
}

void Dispatcher::move(WorkerProcess &worker, WorkerProcess::State next, std::string_view why) {
  if (auto *before = list_of(worker))
    before->remove(worker);
  if (next != WorkerProcess::State::running)
    let_go_of_share(worker);
  worker.move_to(next, why);
  if (auto *after = list_of(worker))
    after->push_back(worker);
}

void Dispatcher::leave(WorkerProcess &worker, std::string_view why) {
  if (!worker.has_left())
    count_out(worker, WorkerProcess::State::leaving, why);
}

void Dispatcher::count_out(WorkerProcess &worker, WorkerProcess::State next, std::string_view why) {
  const bool was_counted = worker.is_counted();
  move(worker, next, why);
  if (was_counted)
    owner_.worker_left(worker);
}

void Dispatcher::retire_idle(WorkerProcess &worker) {
  if (worker.is(WorkerProcess::State::idle))
    retire(worker, "too large");
}

void Dispatcher::retire(WorkerProcess &worker, std::string_view why) {
  leave(worker, why);
  worker.dismiss();
}

void Dispatcher::use_generation(uint32_t generation, bool can_rewind) {
  generation_ = generation;
  can_rewind_ = can_rewind;
  use_settings(*settings_);
  for (List<WorkerProcess> *list : {&idle_, &fresh_})
    for (WorkerProcess *worker = list->front(), *next = nullptr; worker; worker = next) {
      next = list->after(*worker);
      if (worker->generation() != generation)
        retire(*worker, "of an old generation");
    }
  for (WorkerProcess *worker = running_.front(), *next = nullptr; worker; worker = next) {
    next = running_.after(*worker);
    if (worker->generation() != generation)
      revoke(*worker);
  }
  dispatch();
}

void Dispatcher::worker_said(WorkerProcess &worker, const Frame &frame) {
  Request *request = worker.sent().front();
  if (!request || request->sequence != frame.sequence)
    return break_off(worker, "it spoke of a request that it does not run");
  switch (frame.type) {
  case MessageType::done:
    return hear<message::Done>(worker, *request, frame);
  case MessageType::failed:
    return hear<message::Failed>(worker, *request, frame);
  case MessageType::console:
    return hear<message::Console>(worker, *request, frame);
  case MessageType::host_call:
    return hear<message::HostCall>(worker, *request, frame);
  case MessageType::debug_output:
    return hear<message::DebugOutput>(worker, *request, frame);
  case MessageType::run_stats:
    return hear<message::RunStats>(worker, *request, frame);
  default: // Channel lets nothing else of a worker through
    return;
  }
}

template <typename Message>
void Dispatcher::hear(WorkerProcess &worker, Request &request, const Frame &frame) {
  if (const auto message = frame.read<Message>(&skimmer_))
    on(worker, request, *message);
  else
    break_off(worker, message.error().message);
}

void Dispatcher::break_off(WorkerProcess &worker, std::string_view flaw) {
  worker.kill(WorkerProcess::Treatment::killed_for_breach);
  ++environment_.counters.protocol_breaks;
  log_error("pool {}: worker {} (pid {}) broke the protocol: {}; it is killed", pool_, worker.id(),
            worker.pid(), flaw);
}

void Dispatcher::note_compiled(Request &request, uint32_t times) {
  if (times == 0)
    return;
  environment_.counters.compiled += times;
  request.compiled += times;
  if (const auto &history = request.history())
    history->note_compiled(times);
}

// The client gets these bytes as they are. A sound worker writes one value within the limit; one
// that was broken into may not.
void Dispatcher::on(WorkerProcess &worker, Request &request, const message::Done &done) {
  bool last = true;
  note_compiled(request, done.compiled);
  ran(request, worker.done());
  if (done.compiled > 0 && settings_->learn && request.client)
    owner_.compiled_in(request);
  if (request.client) {
    if (const auto limit = environment_.settings.max_message_bytes;
        done.result.size() > static_cast<size_t>(limit)) {
      answer_error(
          request,
          Error(ErrorCode::too_large, "the result is too long").with("limit_bytes", limit));
    } else if (!request.later_steps.empty() && request.interrupted) {
      ++environment_.counters.deadlines_running;
      answer_error(request, Error(ErrorCode::deadline_exceeded,
                                  "the deadline passed before the last step of the chain")
                                .with("phase", "running")
                                .with("limit", "deadline")
                                .with("step", request.step + 1));
    } else if (!request.later_steps.empty()) {
      last = false;
    } else {
      ++environment_.counters.results;
      request.timer.stop();
      request.client->send_result(request, done.result);
    }
  }
  const bool discard = is_done_for(request);
  if (last)
    release(request);
  else
    start_next_step(request, done.result);
  after_run(worker, discard);
}

void Dispatcher::on(WorkerProcess &worker, Request &request, const message::Failed &failed) {
  if (!is_error_map(failed.error))
    return break_off(worker, "its error has no code or no message");
  note_compiled(request, failed.compiled);
  ran(request, worker.done());
  if (request.client) {
    ++environment_.counters.errors;
    if (request.interrupted)
      ++environment_.counters.deadlines_running;
    request.client->send_raw_error(request, failed.error);
  }
  const bool discard = is_done_for(request);
  release(request);
  after_run(worker, discard);
}

// May the worker that ran this request not run another one? (The pool's isolation may have changed
// since the request came.)
bool Dispatcher::is_done_for(const Request &request) const {
  return request.once || request.interrupted || request.isolation != isolation_;
}

void Dispatcher::start_next_step(Request &request, std::string_view result) {
  invariant(request.client && !request.worker && !request.later_steps.empty(),
            "a chain goes on between two workers, for its client", {"msgid", request.msgid},
            {"step", request.step});
  request.body.clear();
  request.body.append(request.later_steps.front());
  Packer(request.body).pack_array(1);
  request.body.append(result);
  request.later_steps.erase(request.later_steps.begin());
  request.count_bytes();
  ++request.step;
  queue_of(request).push_front(lane_of(request), request);
}

namespace {

// Each line for itself: a script's text can't look like a line of ours.
void log_console(const Request &request, std::string_view level, std::string_view text) {
  constexpr size_t most_lines = 1000; // a worker that was broken into may send more
  size_t lines = 0;
  do {
    const size_t end = ++lines < most_lines ? text.find('\n') : text.npos;
    log_info("console.{} {}{}{}: {}", level, request.name, request.trace.empty() ? "" : " trace ",
             request.trace, text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  } while (!text.empty());
}

} // namespace

// A worker keeps to the limits itself, unless it was broken into. (Or they have changed since it was
// forked: that is no reason to end it.)
bool Dispatcher::may_write(Request &request, std::string_view text) const {
  request.console_lines += 1 + std::count(text.begin(), text.end(), '\n');
  request.console_bytes += static_cast<int64_t>(text.size());
  return request.console_lines <= settings_->console_lines + most_remarks &&
         request.console_bytes <=
             settings_->console_bytes + request.console_lines * most_remark_bytes;
}

void Dispatcher::on(WorkerProcess &worker, Request &request, const message::Console &console) {
  constexpr std::string_view levels[] = {"log", "info", "warn", "error", "debug", "trace"};
  if (std::ranges::find(levels, console.level) == std::end(levels))
    return break_off(worker, "its console has a level that there is not");
  ++environment_.counters.console_lines;
  if (!request.client)
    return;
  if (!may_write(request, console.text)) {
    ++environment_.counters.console_dropped;
    return;
  }
  if (request.wants_console)
    request.client->send_console(request, console.level, console.text);
  else
    log_console(request, console.level, console.text);
}

void Dispatcher::on(WorkerProcess &, Request &request, const message::HostCall &call) {
  ++environment_.counters.host_calls;
  if (request.client)
    request.client->send_host_call(request, call);
}

void Dispatcher::on(WorkerProcess &worker, Request &request, const message::DebugOutput &output) {
  if (request.client && !request.client->send_debug_output(request, output.text))
    worker.hold();
}

void Dispatcher::on(WorkerProcess &worker, Request &request, const message::RunStats &stats) {
  if (!request.wants_stats || std::exchange(request.stats_heard, true))
    return break_off(worker, "it told figures that it was not asked for");
  if (request.client)
    request.client->send_stats(request, {.queue_us = request.dispatched_us - request.received_us,
                                         .run_us = stats.run_us,
                                         .cpu_us = stats.cpu_us,
                                         .rewind_us = stats.rewind_us,
                                         .heap_kb = stats.heap_kb,
                                         .generation = worker.generation(),
                                         .worker = worker.pid()});
}

void Dispatcher::after_run(WorkerProcess &worker, bool last) {
  if (!worker.is(WorkerProcess::State::debugging))
    run_us_ += (worker.run_us - run_us_) / 16;
  if (replacements_wanted_ == 0 && is_worn(worker))
    want_replacements(1);
  if (!worker.sent().empty() || worker.has_hung_up())
    return;
  if (worker.has_left()) {
    worker.kill(); // its request was interrupted
  } else if (last) {
    leave(worker, "done"); // it ends by itself after its reply
  } else {
    move(worker, WorkerProcess::State::idle);
    if (worker.generation() != generation_)
      retire(worker, "of an old generation");
    else if (worker.is_out_of_numbers())
      retire(worker, "used up");
    else if (is_worn(worker))
      replace(worker);
  }
  dispatch();
}

// Whoever got native code into a worker has it for so long, and sees no more requests than these.
bool Dispatcher::is_worn(const WorkerProcess &worker) const {
  if (worker.served == 0 || !worker.is_counted() || isolation_ == Isolation::process)
    return false;
  const uint64_t most_requests = settings_->most_requests();
  const int64_t most_age_s = settings_->most_age_s(isolation_);
  const int64_t age_us = environment_.loop.now_us() - worker.born_us;
  return (most_requests > 0 && worker.served >= most_requests) ||
         (most_age_s > 0 && age_us / 1'000'000 >= most_age_s);
}

// They were born together and grow old together. One after the other they wait, at work, until there
// is another one beside them: no request waits for a fork, and a small pool stays at strength. Of a
// large one some at a time, so that each second's share of them has its turn.
void Dispatcher::want_replacements(size_t count) {
  replacements_wanted_ = std::min(count, 1 + most_running_ / 32);
  if (replacements_wanted_ > 0)
    owner_.fresh_worker_wanted();
}

// Of those that are up there are more than the pool needs; what they have served matters not, as a
// request may have found the new one before.
bool Dispatcher::has_replacement() {
  size_t up = idle_.size();
  for (List<WorkerProcess> *list : {&fresh_, &running_})
    for (WorkerProcess *worker = list->front(); worker; worker = list->after(*worker))
      up += worker->page().ready.load();
  return up > most_running_;
}

// The worker is idle. False: it goes on for the time being.
bool Dispatcher::replace(WorkerProcess &worker) {
  if (!has_replacement())
    return false;
  ++environment_.counters.workers_recycled;
  replacements_wanted_ -= replacements_wanted_ > 0;
  retire(worker, "worn");
  return true;
}

void Dispatcher::replace_worn() {
  size_t waiting = 0;
  for (WorkerProcess *worker = idle_.front(), *next = nullptr; worker; worker = next) {
    next = idle_.after(*worker);
    waiting += is_worn(*worker) && !replace(*worker);
  }
  for (WorkerProcess *worker = running_.front(); worker; worker = running_.after(*worker))
    waiting += is_worn(*worker);
  want_replacements(waiting);
}

int64_t Dispatcher::slow_after_us() const {
  return running_.size() > environment_.processors ? slow_in_turns_limit_us : slow_limit_us;
}

void Dispatcher::worker_is_slow(WorkerProcess &worker) {
  revoke(worker);
  dispatch();
}

void Dispatcher::worker_has_room(WorkerProcess &worker) {
  if (Request *request = worker.sent().front(); request && request->client)
    request->client->worker_has_room(*request);
}

// Its client can't say anything else meanwhile.
void Dispatcher::worker_is_deaf(WorkerProcess &worker) {
  revoke(worker);
  if (Request *request = worker.sent().front(); request && request->client) {
    ++environment_.counters.overloaded;
    answer_error(*request, Error(ErrorCode::overloaded,
                                 "the script does not take the answers to its host calls")
                               .with("limit", "host_replies"));
  }
  kill(worker);
  dispatch();
}

void Dispatcher::worker_ended(WorkerProcess &worker, int wait_status) {
  worker.end_is_told(wait_status);
  if (worker.has_hung_up())
    settle(worker);
  else // its last words are still to be read; if its socket stays open, somebody else has it
    worker.await_end(verdict_wait_us);
}

// An end is told twice, in any order: by the channel, and with its status by whoever reaped the
// process. The status is waited for where the answer depends on it: not if nobody waits, if a
// deadline is the reason, or if the page tells it.
void Dispatcher::worker_hung_up(WorkerProcess &worker) {
  count_out(worker, WorkerProcess::State::hung_up, {});
  revoke(worker);
  if (worker.page().death_reason.load() == DeathReason::rewind_failed)
    count_failed_rewind(worker);
  const Request *held = worker.sent().front();
  const bool known = !held || !held->client || held->interrupted || worker.wait_status() ||
                     worker.page().death_reason.load() != DeathReason::none;
  if (known)
    settle(worker);
  else
    worker.await_end(hang_up_wait_us);
  dispatch();
}

// First the worker is given the time to end, then its parent the time to tell how.
void Dispatcher::verdict_is_due(WorkerProcess &worker) {
  if (!worker.is(WorkerProcess::State::hung_up))
    return settle(worker);
  worker.await_end(verdict_wait_us);
  if (worker.was_killed() || worker.is_ending())
    worker.move_to(WorkerProcess::State::dying);
  else
    worker.kill_after_hanging_up();
}

// A worker that could not be rewound has given all its replies right, and is replaced: no crash.
void Dispatcher::count_failed_rewind(WorkerProcess &worker) {
  Counters &counters = environment_.counters;
  switch (static_cast<RewindFailure>(worker.page().death_detail.load())) {
  case RewindFailure::too_much_touched:
    ++counters.rewinds_failed_too_much_touched;
    break;
  case RewindFailure::mapping_changed:
    ++counters.rewinds_failed_mapping_changed;
    break;
  case RewindFailure::verify_failed:
    ++counters.rewinds_failed_verify_failed;
    log_error("pool {}: worker {} (pid {}) found its memory changed after a rewind; it is "
              "replaced. This is a "
              "defect: set isolation = \"process\" until it is mended",
              pool_, worker.id(), worker.pid());
    break;
  default:
    ++counters.rewinds_failed_system_call_failed;
  }
}

void Dispatcher::settle(WorkerProcess &worker) {
  // Killed while it was about to end by itself, it keeps the status of that.
  if (worker.is(WorkerProcess::State::lived_on) &&
      worker.wait_status().value_or(SIGKILL) == SIGKILL)
    break_off(worker, "hung up and lived on");
  invariant(worker.has_hung_up(), "a worker is settled when it says no more",
            {"worker", worker.id()});
  while (Request *request = worker.sent().front()) {
    ran(*request, worker.done());
    if (request->client && may_run_again(worker, *request)) {
      request->retried = true;
      request->client->forget_host_calls(*request);
      ++environment_.counters.retried;
      // The request has waited already: it goes before those that came later.
      queue_of(*request).push_front(lane_of(*request), *request);
      continue;
    }
    if (request->client && !worker.was_killed())
      ++environment_.counters.crashes;
    answer_error(*request, verdict(worker, *request));
    release(*request);
  }
  worker.move_to(WorkerProcess::State::gone);
  owner_.worker_gone(worker);
  dispatch();
}

// The worker was killed from outside (by the kernel for want of memory, by an operator), so it is
// no fault of the script.
bool Dispatcher::may_run_again(const WorkerProcess &worker, const Request &request) const {
  return request.idempotent && !request.retried && !request.interrupted && !worker.was_killed() &&
         worker.page().death_reason.load() == DeathReason::none && worker.wait_status() &&
         WIFSIGNALED(*worker.wait_status()) && WTERMSIG(*worker.wait_status()) == SIGKILL;
}

Error Dispatcher::verdict(const WorkerProcess &worker, const Request &request) const {
  // What the worker wrote before it ended is the most exact; then what we did to it.
  switch (worker.page().death_reason.load()) {
  case DeathReason::memory_limit:
    return Error(ErrorCode::memory_limit,
                 fmt::format("the script needed more than {} MB", request.memory_mb))
        .with("limit_mb", request.memory_mb);
  case DeathReason::cpu_limit:
    return Error(ErrorCode::deadline_exceeded, "the script used up its CPU time")
        .with("phase", "running")
        .with("limit", "cpu");
  case DeathReason::sandbox_violation:
    return Error(ErrorCode::sandbox_violation, "the worker tried a system call that is forbidden")
        .with("syscall", int64_t{worker.page().death_detail.load()});
  default:
    break;
  }
  // The kernel ended it at once, as where it made a call in another ABI: which one is not known.
  if (worker.wait_status() && is_sandbox_violation(*worker.wait_status()))
    return Error(ErrorCode::sandbox_violation, "the worker tried a system call that is forbidden");
  if (request.interrupted)
    return Error(ErrorCode::deadline_exceeded, "the deadline passed while the script ran")
        .with("phase", "running")
        .with("limit", "deadline");
  if (worker.treatment() == WorkerProcess::Treatment::killed_for_breach)
    return Error(ErrorCode::internal, "the worker broke the protocol and was killed");
  if (!worker.wait_status())
    return Error(ErrorCode::worker_crashed, "the worker died; how is not known");
  const int status = *worker.wait_status();
  Error error(ErrorCode::worker_crashed, "the worker died: " + describe_wait_status(status));
  return WIFSIGNALED(status) ? std::move(error).with("signal", int64_t{WTERMSIG(status)})
                             : std::move(error).with("status", int64_t{WEXITSTATUS(status)});
}

} // namespace lethe
