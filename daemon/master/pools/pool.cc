// SPDX-License-Identifier: Apache-2.0
// Workers of a pool: supply, loss, replacement.
#include "daemon/master/pools/pool.h"
#include "daemon/master/operation/log.h"
#include "ipc/wait_status.h"

#include <csignal>
#include <sys/socket.h>
#include <sys/wait.h>

namespace lethe {
namespace {

constexpr int64_t leaving_limit_us = 1'000'000; // for a worker that should end by itself
constexpr int64_t fork_limit_us = 10'000'000;   // for a zygote to fork a worker
constexpr int64_t lull_us = 1000;
constexpr int64_t told_limit_us = 10'000'000; // for the end of a worker that is gone to be told

// What a zygote gives may be anything; the loop hears nothing of a file.
bool is_channel(const FileDescriptor &given) {
  int domain = 0;
  socklen_t bytes = sizeof domain;
  return ::getsockopt(given.get(), SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 &&
         domain == AF_UNIX;
}

} // namespace

Pool::Pool(Environment &environment, PoolOwner &owner, ChildReaper &reaper, ScriptStore &store,
           size_t index, std::string name, const PoolSettings &settings)
    : environment_(environment), owner_(owner), reaper_(reaper), store_(store),
      name_(std::move(name)), settings_(settings),
      dispatcher_(environment, *this, index, name_, settings_),
      state_(*this, environment.moves, State::settled),
      recover_timer_(environment.loop, [this] { recover(); }),
      renew_timer_(environment.loop, [this] { renew_if_due(); }),
      supply_timer_(environment.loop, [this] { supply(); }),
      lull_timer_(environment.loop, [this] { supply(); }), fork_timer_(environment.loop, [this] {
        log_error("pool {}: the zygote (pid {}) does not fork; it is killed", name_,
                  zygote_ ? zygote_->pid() : -1);
        if (zygote_)
          zygote_->kill();
      }) {}

// Turns that are held here end while all of the pool is there.
Pool::~Pool() {
  stopped_ = true;
  build_.reset();
  build_done_ = nullptr;
  prepared_.reset();
  prepared_turn_.reset();
}

void Pool::check_state() const {
  invariant(!state_.is(State::settled) || (!build_ && !prepared_),
            "a pool that is settled has no other generation", {"built", build_ != nullptr});
  invariant(!state_.is(State::storing) || !build_, "what is stored was built");
}

void Pool::make_group() {
  auto made = environment_.control_groups.make_for_pool(name_);
  if (!made) {
    log_warning("pool {}: it has no control group: {}", name_, made.error().message);
    return;
  }
  group_ = std::move(*made);
  memory_kills_ = group_.memory_kills(); // of an earlier daemon's processes
  limit_group();
}

// More than the pool ever has, as a fork that the kernel refuses ends a zygote: wanted_workers(); as
// many again, idle ones of the generation before that are about to end; those that run, which are
// never more than `workers`, each of another generation whose zygote waits for it; and a few more,
// that debug, or are a build's.
void Pool::limit_group() const {
  constexpr size_t some_more = 64;
  const size_t workers = settings_.worker_count();
  const size_t wanted = workers + std::max(settings_.spare_count(), workers + 1 + workers / 32);
  const size_t tasks = 2 * wanted + 2 * workers + some_more;
  for (const auto &limited : {group_.limit_tasks(static_cast<int64_t>(tasks)),
                              group_.limit_memory(settings_.max_memory_mb << 20)})
    if (!limited)
      log_warning("pool {}: a limit is not in force: {}", name_, limited.error().message);
}

// The kernel's choice looks like any other crash.
void Pool::tell_memory_kills() {
  const int64_t kills = group_.memory_kills();
  if (kills > memory_kills_)
    log_error("pool {}: the kernel has killed {} of its processes for want of memory "
              "(pool.{}.max_memory_mb, or a limit of the service or the machine)",
              name_, kills - memory_kills_, name_);
  memory_kills_ = kills;
}

size_t Pool::wanted_workers() const {
  size_t wanted = settings_.worker_count();
  if (dispatcher_.isolation() == Isolation::process)
    // Each request takes a worker with it: the next one is to be there before it is needed.
    wanted += settings_.spare_count();
  else // requests that want a process of their own come on top, each for its time
    wanted += std::min(dispatcher_.queued_alone(), settings_.worker_count()) +
              dispatcher_.replacements_wanted();
  return wanted;
}

void Pool::supply() {
  if (!zygote_ || !zygote_->alive() || supply_timer_.pending() || stopped_)
    return;
  // While the brake is on, one at a time shows whether it works again.
  const size_t wanted =
      worker_brake_.delay_us() > 0 ? std::min(live_ + 1, wanted_workers()) : wanted_workers();
  while (live_ + forking_.size() < wanted) {
    forking_.insert(++last_worker_);
    zygote_->fork_worker(last_worker_, false);
    if (!fork_timer_.pending())
      fork_timer_.start(fork_limit_us);
  }
  while (forking_debuggers_.size() < dispatcher_.queued_to_debug()) {
    forking_debuggers_.insert(++last_worker_);
    zygote_->fork_worker(last_worker_, true);
  }
}

bool Pool::zygote_forked_worker(ZygoteProcess &zygote, uint32_t id, ChildProcess process,
                                FileDescriptor socket, FileDescriptor page) {
  if (stopped_ || &zygote != zygote_.get()) // of an old generation, or too late
    return true;
  const bool debugs = forking_debuggers_.erase(id) > 0;
  if (!debugs && forking_.erase(id) == 0)
    return false;
  if (!forking_.empty())
    fork_timer_.start(fork_limit_us);
  else
    fork_timer_.stop();
  auto mapped = SharedPage::map(page);
  if (!mapped || !is_channel(socket) || !process) {
    log_error("pool {}: {}", name_, mapped ? "a worker came incomplete" : mapped.error().message);
    supply_timer_.start(worker_brake_.failed());
    return true;
  }
  invariant(!workers_.contains(id), "a worker's number is new", {"worker", id});
  ++environment_.counters.workers_forked;
  auto worker = std::make_unique<WorkerProcess>(
      environment_, dispatcher_,
      WorkerProcess::Parts{id, zygote.generation(), std::move(process), std::move(socket),
                           std::move(*mapped)});
  WorkerProcess &added = *worker;
  workers_[id] = std::move(worker);
  if (debugs) {
    dispatcher_.add_debugging(added);
    return true;
  }
  ++live_;
  const bool first = !ready();
  dispatcher_.add(added);
  if (first)
    owner_.pool_changed();
  return true;
}

void Pool::worker_left(WorkerProcess &worker) {
  if (worker.generation() == generation()) {
    invariant(live_ > 0, "a worker that leaves was counted in", {"worker", worker.id()},
              {"generation", generation()});
    --live_;
  }
  // One that was up and is killed from outside, idle or not, is replaced at once.
  const bool useless = worker.served == 0 && worker.has_hung_up() && !worker.page().ready.load();
  if (useless && worker.treatment() == WorkerProcess::Treatment::none) {
    ++environment_.counters.workers_failed;
    const int64_t delay_us = worker_brake_.failed();
    log_warning("pool {}: worker {} (pid {}) died before it was ready; the next is forked in "
                "{} ms ({} in a row)",
                name_, worker.id(), worker.pid(), delay_us / 1000, worker_brake_.failures());
    supply_timer_.start(delay_us);
  } else if (worker.page().ready.load()) {
    worker_brake_.succeeded();
    if (worker.served > 0 && worker.generation() == generation())
      zygote_brake_.succeeded();
  }
  // Forks take the processors from requests that come one after the other. While there are spares
  // these come first.
  const bool has_served = worker.served > 0 && !worker.has_hung_up() && !worker.was_killed();
  if (has_served && dispatcher_.fresh() * 2 >= wanted_workers())
    lull_timer_.start(lull_us);
  else
    supply();
}

void Pool::worker_gone(WorkerProcess &worker) {
  invariant(!worker.linked() && worker.sent().empty(),
            "a worker that goes is in no list, and holds nothing", {"worker", worker.id()},
            {"held", worker.sent().size()});
  const auto found = workers_.find(worker.id());
  invariant(found != workers_.end(), "a worker goes once", {"worker", worker.id()});
  if (worker.wait_status())
    note_end(worker.generation(), *worker.wait_status(), worker.ran_last);
  else // its requests did not need it
    departed_[worker.pid()] = {worker.generation(), environment_.loop.now_us(), worker.ran_last};
  environment_.loop.dispose(std::move(found->second));
  workers_.erase(found);
  forget_old_zygotes();
}

void Pool::forget_old_zygotes() {
  // An old zygote is kept while a worker of it lives: as the parent it reports how that one ends.
  std::erase_if(old_zygotes_, [this](std::unique_ptr<ZygoteProcess> &zygote) {
    for (const auto &[id, worker] : workers_)
      if (worker->generation() == zygote->generation())
        return false;
    for (const auto &[pid, departed] : departed_)
      if (departed.generation == zygote->generation() && zygote->alive())
        return false;
    environment_.loop.dispose(std::move(zygote));
    return true;
  });
}

void Pool::zygote_child_exited(ZygoteProcess &zygote, pid_t pid, int wait_status) {
  if (build_)
    build_->parents_child_exited(pid, wait_status);
  child_ended(pid, wait_status, zygote.generation());
}

// The master is the subreaper: a worker whose zygote has died is its child. The number of one that
// has ended may be given to the next.
void Pool::child_ended(pid_t pid, int wait_status, std::optional<uint32_t> generation) {
  if (zygote_ && zygote_->pid() == pid)
    return zygote_->process_ended();
  for (const auto &[id, worker] : workers_)
    if (worker->pid() == pid && !worker->wait_status() && worker->has_ended() &&
        generation.value_or(worker->generation()) == worker->generation())
      return dispatcher_.worker_ended(*worker, wait_status);
  const auto found = departed_.find(pid);
  if (found == departed_.end() ||
      generation.value_or(found->second.generation) != found->second.generation)
    return;
  const Departed departed = found->second;
  departed_.erase(found);
  note_end(departed.generation, wait_status, departed.ran_last);
  forget_old_zygotes();
}

// Whatever a worker's page says, and whether somebody waited for it or not: who tries out addresses
// until one fits has many workers end so.
void Pool::note_end(uint32_t generation, int wait_status, const RunHistoryPointer &ran_last) {
  if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL)
    tell_memory_kills();
  if (!is_fault(wait_status) || stopped_)
    return;
  ++environment_.counters.worker_faults;
  const int64_t now_us = environment_.loop.now_us();
  const Settings &settings = environment_.settings;
  if (ran_last &&
      ran_last->note_fault(now_us, {.faults = settings.quarantine_faults,
                                    .within_us = settings.quarantine_minutes * 60'000'000})) {
    ++environment_.counters.quarantines;
    log_error("pool {}: {}", name_, ran_last->error(now_us).message);
  }
  had_fault_ |= generation >= executed_generation_;
  if (!renew_timer_.pending())
    renew_timer_.start(0);
}

void Pool::zygote_forked_zygote(ZygoteProcess &zygote, uint32_t generation, ChildProcess process) {
  if (build_ && &zygote == zygote_.get())
    build_->parent_forked(generation, std::move(process));
}

void Pool::zygote_hung_up(ZygoteProcess &zygote) {
  if (&zygote != zygote_.get() || stopped_)
    return;
  ++environment_.counters.zygotes_failed;
  tell_memory_kills();
  for (const auto &[id, worker] : workers_)
    if (worker->generation() == zygote.generation() && worker->served > 0)
      zygote_brake_.succeeded(); // it was of use: this is no crash loop
  const int64_t delay_us = zygote_brake_.failed();
  log_error("pool {}: the zygote (pid {}) died; the next is executed in {} ms", name_, zygote.pid(),
            delay_us / 1000);
  // The workers of a dead zygote go on until the next generation is there.
  old_zygotes_.push_back(std::move(zygote_));
  fork_timer_.stop();
  forking_.clear();
  forking_debuggers_.clear();
  if (build_)
    give_up_build(Error(ErrorCode::worker_crashed, "the zygote died; try again"));
  recover_timer_.start(delay_us);
}

void Pool::sweep() {
  dispatcher_.sweep();
  renew_if_due();
  learn_if_due();
  const int64_t now_us = environment_.loop.now_us();
  if (std::erase_if(departed_, [now_us](const auto &entry) {
        return now_us - entry.second.since_us > told_limit_us;
      }) > 0)
    forget_old_zygotes();
  std::vector<WorkerProcess *> large;
  for (const auto &[id, worker] : workers_) {
    if (worker_brake_.failures() > 0 && worker->page().ready.load() && !worker->has_hung_up()) {
      worker_brake_.succeeded();
      supply();
    }
    // A worker that leaves ends by itself: its channel is closed, or it serves one request. One
    // that was broken into may not.
    if (worker->has_left()) {
      if (worker->is(WorkerProcess::State::leaving) && worker->sent().empty() &&
          now_us - worker->left_us() > leaving_limit_us)
        worker->kill();
    } else if (settings_.isolation == Isolation::reuse && settings_.recycle_memory_mb > 0 &&
               worker->is(WorkerProcess::State::idle) && worker->served > 0 &&
               environment_.processes.kernel().resident_bytes(worker->pid()) >> 20 >=
                   settings_.recycle_memory_mb) {
      large.push_back(worker.get());
    }
  }
  for (WorkerProcess *worker : large)
    dispatcher_.retire_idle(*worker);
}

void Pool::stop() {
  stopped_ = true;
  recover_timer_.stop();
  renew_timer_.stop();
  supply_timer_.stop();
  lull_timer_.stop();
  fork_timer_.stop();
  if (build_) {
    build_->cancel();
    environment_.loop.dispose(std::move(build_));
  }
  build_done_ = nullptr;
  changes_.clear();
  for (const auto &[id, worker] : workers_)
    worker->kill();
  if (zygote_)
    zygote_->kill();
  for (const auto &zygote : old_zygotes_)
    zygote->kill();
}

} // namespace lethe
