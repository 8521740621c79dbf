// SPDX-License-Identifier: Apache-2.0
// Requests: queue, choice of a worker, deadline, cancellation.
#include "daemon/master/dispatch/dispatcher.h"
#include "daemon/master/dispatch/client.h"
#include "daemon/master/operation/log.h"

#include <algorithm>

namespace lethe {
namespace {

// What it takes to wake an idle worker: where the wait behind short requests is shorter, they are
// sent ahead to one that is awake.
constexpr int64_t wake_up_us = 60;
constexpr size_t most_debugged = 4; // requests of a pool at a time, queued or in a worker
constexpr int64_t active_us =
    10'000'000; // how long after its last connection a user may come again

} // namespace

Dispatcher::Dispatcher(Environment &environment, DispatcherOwner &owner, size_t pool_index,
                       std::string pool, const PoolSettings &settings)
    : environment_(environment), owner_(owner), pool_index_(pool_index), pool_(std::move(pool)),
      skimmer_(environment.frame_depth(), Skimmer::Texts::utf8) {
  use_settings(settings);
}

void Dispatcher::use_settings(const PoolSettings &settings) {
  settings_ = &settings;
  isolation_ = settings.isolation;
  if (isolation_ == Isolation::rewind && !can_rewind_)
    isolation_ = Isolation::process;
  most_running_ = settings.worker_count();
}

Lane &Dispatcher::lane_of(const Request &request) {
  Lane &lane =
      request.client->lane(pool_index_ * Share::queues + queue_number(request), queue_of(request));
  if (!lane.share)
    lane.share = share_of(request.client->account());
  return lane;
}

// --- users ---

const std::shared_ptr<Share> &Dispatcher::share_of(const AccountPointer &account) {
  std::shared_ptr<Share> &share = shares_[account.get()];
  if (!share)
    share = std::make_shared<Share>(account);
  return share;
}

void Dispatcher::enter(Request &request) {
  Share &share = *lane_of(request).share;
  request.share = &share;
  if (share.in_progress++ == 0)
    share.come_back(level_us_);
  change(share, [&] { share.is_active = true; });
}

// Whatever is counted of it follows.
template <typename Change> void Dispatcher::change(Share &share, Change apply) {
  active_ -= share.is_active;
  unserved_ -= share.is_unserved();
  apply();
  active_ += share.is_active;
  unserved_ += share.is_unserved();
}

void Dispatcher::forget_quiet_shares() {
  const int64_t since_us = environment_.loop.now_us() - active_us;
  std::erase_if(shares_, [&](const auto &entry) {
    Share &share = *entry.second;
    const bool has_connections = entry.second.use_count() > 1;
    if (has_connections || share.in_progress > 0 || share.workers > 0 || share.last_us > since_us)
      return false;
    change(share, [&] { share.is_active = false; });
    return true;
  });
}

// Scripts can't be made to wait once they run. So that nobody has to wait for the longest of another
// user's, the last workers that are free are for those who have none.
bool Dispatcher::may_take_worker(const Share &share) const {
  const size_t free = most_running_ - std::min(most_running_, running_.size());
  if (share.workers == 0 || settings_->reserved_percent == 0)
    return free > 0;
  const size_t most = most_running_ * static_cast<size_t>(settings_->reserved_percent) / 100;
  return free > std::min({unserved_, std::max<size_t>(most, 1), most_running_ - 1});
}

void Dispatcher::let_go_of_share(WorkerProcess &worker) {
  if (Share *share = std::exchange(worker.share, nullptr))
    change(*share, [&] { --share->workers; });
}

// Of what comes now, as far as can be told from the past.
int64_t Dispatcher::wait_us(const Share &share) const {
  const size_t workers = std::max<size_t>(most_running_ / std::max<size_t>(active_, 1), 1);
  return share.run_us * static_cast<int64_t>(share.waiting) / static_cast<int64_t>(workers);
}

// The queue is full: of whoever has most there, the newest goes.
void Dispatcher::refuse_one(Request &request) {
  Share *most = request.share;
  for (const auto &[account, share] : shares_)
    if (std::pair(!share->account->is_admin, share->waiting) >
        std::pair(!most->account->is_admin, most->waiting))
      most = share.get();
  Request *newest = most == request.share ? &request : FairQueue::newest(*most);
  refuse(newest ? *newest : request,
         Error(ErrorCode::overloaded, "the queue of pool " + pool_ + " is full")
             .with("limit", "queue")
             .with("retry_after_ms", retry_after_ms()));
}

// Its user and its connection had a worker for so long.
void Dispatcher::ran(Request &request, int64_t took_us) {
  ++runs_;
  if (request.debugs) // beside the pool's workers
    took_us = 0;
  else
    request.share->ran(took_us);
  queue_of(request).charge(request, request.client ? &lane_of(request) : nullptr, took_us);
}

// --- requests ---

void Dispatcher::submit(Request &request) {
  invariant(request.client && request.dispatcher == this,
            "a request that comes in has a client, and is for this pool", {"msgid", request.msgid});
  ++in_progress_;
  ++environment_.counters.requests;
  if (mode_ == Mode::drained || environment_.stopping()) {
    answer_error(request, Error(ErrorCode::shutting_down, environment_.stopping()
                                                              ? "the daemon is stopping"
                                                              : "pool " + pool_ + " is drained"));
    return release(request);
  }
  for (const RunHistoryPointer &history : request.histories)
    if (refuse_if_quarantined(request, history))
      return;
  request.timer.start(request.deadline_us - request.received_us);
  enter(request);
  const int64_t expected_us = wait_us(*request.share); // behind those that are there already
  queue_of(request).push_back(lane_of(request), request);
  dispatch();
  // Whether the queue is full is asked after the dispatch: what could start at once does not wait,
  // even where the queue's limit is 0.
  if (!request.lane)
    return;
  if (request.debugs && debugged_.size() + debugging_.size() > most_debugged)
    refuse(request, Error(ErrorCode::overloaded, "pool " + pool_ + " is being debugged enough")
                        .with("limit", "debuggers")
                        .with("retry_after_ms", retry_after_ms()));
  else if (!request.debugs && mode_ == Mode::open &&
           expected_us > request.deadline_us - request.received_us)
    refuse(request,
           Error(ErrorCode::overloaded,
                 fmt::format("what waits in pool {} takes longer than the deadline allows", pool_))
               .with("limit", "deadline")
               .with("retry_after_ms",
                     (expected_us - request.deadline_us + request.received_us) / 1000 + 1));
  else if (!request.debugs && queued() > static_cast<size_t>(settings_->queue))
    refuse_one(request);
}

void Dispatcher::refuse(Request &request, const Error &error) {
  queue_of(request).remove(request);
  ++environment_.counters.overloaded;
  answer_error(request, error);
  release(request);
}

int64_t Dispatcher::retry_after_ms() const {
  return 1 +
         run_us_ * static_cast<int64_t>(queued()) / (1000 * static_cast<int64_t>(most_running_));
}

void Dispatcher::dispatch() {
  if (!debugged_.empty())
    owner_.fresh_worker_wanted();
  if (mode_ == Mode::paused)
    return;
  // These first: they can take only a worker that never ran anything, the others any one.
  while (Share *share = alone_.next([this](const Share &one) { return may_take_worker(one); })) {
    WorkerProcess *worker = fresh_.front(); // it has had the most time to get ready
    if (!worker) {
      owner_.fresh_worker_wanted();
      break;
    }
    send(*worker, alone_.take(*share));
  }
  WorkerProcess *worker = nullptr;
  const auto has_worker = [&](const Share &share) {
    WorkerProcess *chosen = choose_shared(share);
    worker = chosen ? chosen : worker;
    return chosen != nullptr;
  };
  while (Share *share = shared_.next(has_worker)) {
    Request &request = shared_.take(*share);
    send(most_suitable(*worker, request), request);
  }
}

// In place of an idle worker, the one that costs less than it by more than waking another one does.
WorkerProcess &Dispatcher::most_suitable(WorkerProcess &chosen, const Request &request) {
  const RunHistoryPointer &script = request.history();
  if (isolation_ != Isolation::rewind || !script || !chosen.is(WorkerProcess::State::idle))
    return chosen;
  chosen.note_pages();
  WorkerProcess *best = &chosen;
  int64_t least = chosen.cost_of(*script) - cost_of_waking;
  if (least <= 0)
    return chosen;
  const auto look_at = [&](WorkerProcess *worker) {
    if (const int64_t cost = worker->cost_of(*script); cost <= least) {
      best = worker;
      least = cost;
    }
  };
  if (WorkerProcess *fresh = fresh_.front(); fresh && fresh->page().ready.load())
    look_at(fresh);
  for (WorkerProcess *worker = idle_.front(); worker; worker = idle_.after(*worker))
    look_at(worker);
  return *best;
}

// Waking an idle worker costs about as much as a few short requests: as long as the wait behind
// those is shorter, they go to a worker that is awake. A request that turns out long does not hold
// up the others: see worker_is_slow.
//
// What a worker was sent ahead lies in its memory while it runs the request before: it is of one user.
WorkerProcess *Dispatcher::choose_shared(const Share &share) {
  WorkerProcess *idle = idle_.empty() ? fresh_.back() : idle_.back();
  if (!may_take_worker(share))
    idle = nullptr;
  WorkerProcess *shortest = nullptr;
  for (WorkerProcess *worker = running_.front(); worker; worker = running_.after(*worker))
    if (worker->share == &share && worker->takes_more() && !worker->sent().front()->once &&
        worker->generation() == generation_ && !(replacements_wanted_ > 0 && is_worn(*worker)) &&
        (!shortest || worker->sent().size() < shortest->sent().size()))
      shortest = worker;
  if (!idle || (shortest && shortest->wait_us() < wake_up_us))
    return shortest;
  // More scripts than processors can't run at the same time anyway: then short ones are rather sent
  // ahead.
  return running_.size() < environment_.processors || !shortest ? idle : shortest;
}

void Dispatcher::send(WorkerProcess &worker, Request &request) {
  invariant(request.client, "only what somebody waits for is run", {"msgid", request.msgid});
  if (request.deadline_us <= environment_.loop.now_us()) // its timer is about to say so
    return expire(request);
  if (refuse_if_quarantined(request, request.history())) // while it waited
    return;
  level_us_ = std::max(level_us_, request.share->had_us - request.charged_us);
  // It may have run before, or a step before it: answers to calls of that run are not for this one.
  request.client->forget_host_calls(request);
  request.stats_heard = false;
  request.console_lines = request.console_bytes = 0;
  worker.run(request);
  if (worker.is(WorkerProcess::State::idle)) {
    worker.share = request.share;
    change(*worker.share, [&] { ++worker.share->workers; });
    move(worker, WorkerProcess::State::running);
  }
}

// Takes back what the worker has not started.
void Dispatcher::revoke(WorkerProcess &worker) {
  if (!worker.revoke([this](Request &request) { take_back(request); })) {
    break_off(worker, "claims what can't be");
    leave(worker, "killed");
  } else if (worker.is(WorkerProcess::State::running) && worker.sent().empty()) {
    move(worker, WorkerProcess::State::idle);
    if (worker.generation() != generation_)
      retire(worker, "of an old generation");
    else if (worker.is_out_of_numbers())
      retire(worker, "used up");
  } else if (worker.is(WorkerProcess::State::debugging) && worker.sent().empty()) {
    retire(worker, "of no other use");
  }
}

// A request that was sent and surely not started: to another worker, before those that came later.
void Dispatcher::take_back(Request &request) {
  if (!request.client)
    return release(request);
  if (request.debugs) { // its worker died at once, and the next one might, too
    answer_error(request, Error(ErrorCode::worker_crashed, "the worker died before it began"));
    return release(request);
  }
  ++environment_.counters.revoked;
  queue_of(request).charge(request, &lane_of(request), 0);
  queue_of(request).push_front(lane_of(request), request);
}

void Dispatcher::deadline_passed(Request &request) {
  WorkerProcess *worker = request.worker;
  invariant(!request.in_stock && (worker || request.lane),
            "a request with a deadline waits, or a worker holds it", {"msgid", request.msgid});
  if (worker) // also what waits behind it is not to wait any longer
    revoke(*worker);
  if (request.lane) {
    queue_of(request).remove(request);
    expire(request);
  } else if (!request.client) { // cancelled, and still not given up by its worker
    kill(*worker);
  } else if (!std::exchange(request.interrupted, true)) {
    ++environment_.counters.interrupts;
    // If it is not the oldest one that the worker started, its answer is under way.
    if (worker->has_started_last(request))
      worker->interrupt();
    // An isolate that was interrupted must run nothing else.
    leave(*worker, "interrupted");
    request.timer.start(environment_.settings.grace_ms * 1000);
  } else {
    ++environment_.counters.deadlines_running;
    answer_error(request,
                 Error(ErrorCode::deadline_exceeded,
                       fmt::format("still running after {} ms, and it could not be interrupted",
                                   (request.deadline_us - request.received_us) / 1000))
                     .with("phase", "running")
                     .with("limit", "deadline"));
    kill(*worker);
  }
  dispatch();
}

// It was not started, and is in no queue any more.
void Dispatcher::expire(Request &request) {
  ++environment_.counters.deadlines_queued;
  answer_error(request, Error(ErrorCode::deadline_exceeded,
                              fmt::format("not started within {} ms: no worker was free",
                                          (request.deadline_us - request.received_us) / 1000))
                            .with("phase", "queued")
                            .with("limit", "deadline"));
  release(request);
}

// It is in no queue.
bool Dispatcher::refuse_if_quarantined(Request &request, const RunHistoryPointer &history) {
  const int64_t now_us = environment_.loop.now_us();
  if (!history || !history->is_quarantined(now_us))
    return false;
  ++environment_.counters.quarantined;
  answer_error(request, history->error(now_us));
  release(request);
  return true;
}

void Dispatcher::kill(WorkerProcess &worker) {
  ++environment_.counters.kills;
  worker.kill();
  leave(worker, "killed");
}

void Dispatcher::cancel(Request &request, bool tell) {
  invariant(request.client, "a client cancels what was not answered", {"msgid", request.msgid});
  if (tell) {
    ++environment_.counters.cancelled;
    answer_error(request, Error(ErrorCode::cancelled, "cancelled by its client"));
  } else {
    ++environment_.counters.clients_gone;
    request.client->forget(request);
  }
  request.timer.stop();
  if (request.lane) {
    queue_of(request).remove(request);
    return release(request);
  }
  invariant(request.worker, "a request that does not wait is held by a worker",
            {"msgid", request.msgid});
  WorkerProcess &worker = *request.worker;
  // The request may be gone after revoke(): what was not started is released.
  const uint32_t sequence = request.sequence;
  revoke(worker); // may have given the request back
  if (Request *oldest = worker.sent().front();
      oldest && oldest->sequence == sequence && worker.has_started_last(*oldest))
    kill(worker);
  else if (Request *newest = worker.sent().back(); newest && newest->sequence >= sequence)
    // It runs, and the answers before it are under way; or it is answered. Or all that is a lie.
    request.timer.start(environment_.settings.grace_ms * 1000);
  dispatch();
}

void Dispatcher::answer_error(Request &request, const Error &error) {
  request.timer.stop();
  if (!request.client)
    return;
  ++environment_.counters.errors;
  request.client->send_error(request, error);
}

void Dispatcher::release(Request &request) {
  if (request.client)
    request.client->forget(request);
  log_slow(request);
  if (Share *share = request.share) {
    queue_of(request).charge(request, nullptr, 0); // what did not run
    share->last_us = environment_.loop.now_us();
    --share->in_progress;
  }
  environment_.requests.give_back(request);
  invariant(in_progress_ > 0, "a request ends once", {"msgid", request.msgid});
  if (--in_progress_ == 0)
    owner_.all_is_done();
}

void Dispatcher::log_slow(const Request &request) const {
  const int64_t limit_ms = request.debugs ? 0 : environment_.settings.slow_ms;
  const int64_t taken_us = environment_.loop.now_us() - request.received_us;
  if (limit_ms > 0 && taken_us > limit_ms * 1000)
    log_info("slow: {}{}{} took {} ms, {} ms of it before its last start{}", request.name,
             request.trace.empty() ? "" : " trace ", request.trace, taken_us / 1000,
             request.dispatched_us > 0 ? (request.dispatched_us - request.received_us) / 1000
                                       : taken_us / 1000,
             request.compiled > 0 ? fmt::format("; V8 compiled {} times in it", request.compiled)
                                  : "");
}

void Dispatcher::set_mode(Mode mode) {
  mode_ = mode;
  dispatch();
  if (in_progress_ == 0)
    owner_.all_is_done();
}

void Dispatcher::abort_all(const Error &error) {
  for (FairQueue *queue : {&shared_, &alone_, &debugged_})
    while (Request *request = queue->pop()) {
      answer_error(*request, error);
      release(*request);
    }
  for (List<WorkerProcess> *list : {&running_, &debugging_})
    while (WorkerProcess *worker = list->front()) {
      for (Request *request = worker->sent().front(); request;
           request = worker->sent().after(*request))
        answer_error(*request, error);
      worker->kill();
      leave(*worker, "killed");
    }
}

} // namespace lethe
