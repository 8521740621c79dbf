// SPDX-License-Identifier: Apache-2.0
// Brings a pool's requests to its workers, holds their deadlines, and answers each exactly once.
#pragma once

#include "daemon/master/dispatch/environment.h"
#include "daemon/master/dispatch/fair_queue.h"
#include "daemon/master/dispatch/worker_process.h"
#include "ipc/message_pack.h"

#include <map>

namespace lethe {

class DispatcherOwner {
public:
  // The worker was counted out: another one is wanted.
  virtual void worker_left(WorkerProcess &worker) = 0;
  // The worker has ended and holds nothing: may be destroyed (through EventLoop::dispose).
  virtual void worker_gone(WorkerProcess &worker) = 0;
  // A request waits that only a worker which never ran anything, or one that debugs, may take; or a
  // worker waits for another one in its place.
  virtual void fresh_worker_wanted() = 0;
  // Nothing is queued, nothing runs.
  virtual void all_is_done() = 0;
  // In a pool that learns: V8 has compiled something in this request, which is about to be answered
  // with a result.
  virtual void compiled_in(const Request & /* request */) {}

protected:
  ~DispatcherOwner() = default;
};

// One for each pool; the pool supplies the workers. Uses neither files nor processes but the
// workers'.
//
//   submit ─► a lane ─► send: a worker's list ─► on(Done), on(Failed) ─► answered, release
//               ▲              │
//               └── take_back ◄┤ revoke: was not started
//                              └ settle: its worker died; an error, or once more if idempotent
//   deadline_passed, cancel, abort_all answer first; what a worker has started is released when it says
//   how that ended, or has ended itself.
class Dispatcher final : public WorkerOwner {
public:
  enum class Mode : uint8_t { open, paused, drained };

  Dispatcher(Environment &environment, DispatcherOwner &owner, size_t pool_index, std::string pool,
             const PoolSettings &settings);
  void use_settings(const PoolSettings &settings);

  // Requests. submit() takes a request whose body is written and whose client lists it.
  void submit(Request &request);
  // The client wants no answer any more (`tell`: it gets `cancelled`).
  void cancel(Request &request, bool tell);
  void deadline_passed(Request &request);
  // It waits, and there is no room for it any more.
  void refuse(Request &request, const Error &error);
  void answer_error(Request &request, const Error &error);
  void set_mode(Mode mode);
  Mode mode() const { return mode_; }
  // In force: where memory can't be rewound, `process` instead of `rewind`.
  Isolation isolation() const { return isolation_; }
  // Ends everything with `error`, running ones by killing their workers.
  void abort_all(const Error &error);

  // Workers.
  void add(WorkerProcess &worker);
  void add_debugging(WorkerProcess &worker);
  void go_on_debugging(); // clients have read what they were sent
  void worker_ended(WorkerProcess &worker, int wait_status);
  // From now on only workers of this generation take requests.
  void use_generation(uint32_t generation, bool can_rewind);
  void retire_idle(WorkerProcess &worker); // if it is idle
  // Once a second: ends workers that do not begin what they were given, or compute with nothing to
  // do; replaces those that are worn.
  void sweep();
  void dispatch();

  size_t queued() const { return shared_.size() + alone_.size() + debugged_.size(); }
  size_t queued_to_debug() const { return debugged_.size(); }
  size_t debugging() const { return debugging_.size(); }
  size_t queued_alone() const { return alone_.size(); }
  size_t idle() const { return idle_.size() + fresh_.size(); }
  size_t fresh() const { return fresh_.size(); }
  // How many workers beyond the pool's number are wanted now, each to take the place of a worn one.
  size_t replacements_wanted() const { return replacements_wanted_; }
  size_t running() const { return running_.size(); }
  size_t in_progress() const { return in_progress_; }
  uint64_t runs() const { return runs_; } // that have ended
  const std::string &pool() const override { return pool_; }

private:
  void worker_said(WorkerProcess &worker, const Frame &frame) override;
  void break_off(WorkerProcess &worker, std::string_view flaw) override;
  void worker_hung_up(WorkerProcess &worker) override;
  void verdict_is_due(WorkerProcess &worker) override;
  int64_t slow_after_us() const override;
  void worker_is_slow(WorkerProcess &worker) override;
  void worker_has_room(WorkerProcess &worker) override;
  void worker_is_deaf(WorkerProcess &worker) override;

  template <typename Message>
  void hear(WorkerProcess &worker, Request &request, const Frame &frame);
  void on(WorkerProcess &worker, Request &request, const message::Done &done);
  void on(WorkerProcess &worker, Request &request, const message::Failed &failed);
  void on(WorkerProcess &worker, Request &request, const message::Console &console);
  void on(WorkerProcess &worker, Request &request, const message::HostCall &call);
  void on(WorkerProcess &worker, Request &request, const message::DebugOutput &output);
  void on(WorkerProcess &worker, Request &request, const message::RunStats &stats);
  bool may_write(Request &request, std::string_view text) const;
  void after_run(WorkerProcess &worker, bool last);
  void kill(WorkerProcess &worker);

  // A request waits where those workers are asked for that may take it.
  static size_t queue_number(const Request &request) {
    return request.debugs ? 2 : request.once ? 1 : 0;
  }
  FairQueue &queue_of(const Request &request) { return queues_[queue_number(request)]; }
  Lane &lane_of(const Request &request);
  // Users.
  const std::shared_ptr<Share> &share_of(const AccountPointer &account);
  void enter(Request &request);
  void forget_quiet_shares();
  template <typename Change> void change(Share &share, Change apply);
  void let_go_of_share(WorkerProcess &worker);
  bool may_take_worker(const Share &share) const;
  int64_t wait_us(const Share &share) const;
  void refuse_one(Request &request);
  void ran(Request &request, int64_t took_us);
  void expire(Request &request);
  bool refuse_if_quarantined(Request &request, const RunHistoryPointer &history);
  WorkerProcess *choose_shared(const Share &share);
  WorkerProcess &most_suitable(WorkerProcess &chosen, const Request &request);
  void send(WorkerProcess &worker, Request &request);
  void revoke(WorkerProcess &worker);
  void take_back(Request &request);
  void start_next_step(Request &request, std::string_view result);
  List<WorkerProcess> *list_of(const WorkerProcess &worker); // nullptr: it is in none
  void move(WorkerProcess &worker, WorkerProcess::State next, std::string_view why = {});
  // Counts it out, once; to end it is the caller's matter.
  void leave(WorkerProcess &worker, std::string_view why);
  void count_out(WorkerProcess &worker, WorkerProcess::State next, std::string_view why);
  void retire(WorkerProcess &worker, std::string_view why); // one that holds nothing
  void count_failed_rewind(WorkerProcess &worker);
  void settle(WorkerProcess &worker); // nothing more comes from it: answers what it holds
  Error verdict(const WorkerProcess &worker, const Request &request) const;
  bool may_run_again(const WorkerProcess &worker, const Request &request) const;
  bool is_done_for(const Request &request) const;
  void end_stuck();
  void end_busy_idle();
  // Workers that served long or much.
  bool is_worn(const WorkerProcess &worker) const;
  void want_replacements(size_t count);
  bool has_replacement();
  bool replace(WorkerProcess &worker);
  void replace_worn();
  void release(Request &request);
  void log_slow(const Request &request) const;
  void note_compiled(Request &request, uint32_t times);
  int64_t retry_after_ms() const;

  Environment &environment_;
  DispatcherOwner &owner_;
  size_t pool_index_;
  std::string pool_;
  const PoolSettings *settings_;
  bool can_rewind_ = true;
  Isolation isolation_;
  size_t most_running_;
  Mode mode_ = Mode::open;
  uint32_t generation_ = 0;
  // Waiting: for any worker, for one that never ran anything and is discarded afterwards, for one
  // that debugs.
  FairQueue queues_[Share::queues]{FairQueue(0), FairQueue(1), FairQueue(2)};
  FairQueue &shared_ = queues_[0], &alone_ = queues_[1], &debugged_ = queues_[2];
  std::map<const Account *, std::shared_ptr<Share>> shares_; // of users
  size_t active_ = 0, unserved_ = 0;                         // of them
  int64_t level_us_ = 0;                                     // RunTime of who started last
  // Workers: idle ones, the most recently used last; idle ones that never ran anything; running;
  // debugging.
  List<WorkerProcess> idle_, fresh_, running_, debugging_;
  size_t replacements_wanted_ = 0;
  size_t in_progress_ = 0;
  uint64_t runs_ = 0;
  int64_t run_us_ = 1000; // moving average, for retry_after_ms
  Skimmer skimmer_;
};

} // namespace lethe
