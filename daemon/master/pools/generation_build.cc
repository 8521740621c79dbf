// SPDX-License-Identifier: Apache-2.0
// Execute or fork, load, be ready: and what follows when that does not happen.
#include "daemon/master/pools/generation_build.h"
#include "daemon/master/operation/log.h"
#include "ipc/error_map.h"
#include "ipc/wait_status.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/wait.h>

namespace lethe {
namespace {

constexpr int64_t start_limit_us = 30'000'000; // for a zygote that loads no script yet
constexpr int deaths_of_a_culprit = 3;         // fewer may be somebody else's doing

// At most.
size_t bytes_in_grow(const message::ScriptToLoad &script, const Script &definition) {
  constexpr size_t around_them = 32; // heads, and the version
  size_t bytes =
      script.name.size() + script.source.size() + definition.options.size() + around_them;
  for (const message::WarmUpCall &call : script.learned)
    bytes += call.function.size() + call.arguments.size() + around_them;
  return bytes;
}

} // namespace

GenerationBuild::GenerationBuild(Environment &environment, ChildReaper &reaper, GenerationPlan plan,
                                 Done done)
    : environment_(environment), reaper_(reaper), plan_(std::move(plan)), done_(std::move(done)),
      state_(*this, environment.moves, State::beginning),
      deadline_(environment.loop, [this] { load_deadline_passed(); }),
      verdict_(environment.loop, [this] { candidate_died("how is not known"); }),
      begin_(environment.loop, [this] { plan_.parent ? grow() : execute(); }) {
  begin_.start(0); // so that done() is never called before the owner has this object
}

GenerationBuild::~GenerationBuild() {
  if (executed_pid_ > 0)
    reaper_.forget(executed_pid_);
}

std::string GenerationBuild::who() const {
  return fmt::format("the next generation of pool {}", plan_.pool);
}

void GenerationBuild::check_state() const {
  invariant(!state_.is(State::executing, State::building_snapshot) || !own_parent_,
            "a zygote is executed before there is one to fork");
  invariant(state_.is(State::over) || done_, "a build calls back once");
}

void GenerationBuild::cancel() {
  state_.move_to(State::over, "cancelled");
  done_ = nullptr;
  begin_.stop();
  deadline_.stop();
  verdict_.stop();
  if (candidate_)
    environment_.loop.dispose(std::move(candidate_));
  if (own_parent_)
    environment_.loop.dispose(std::move(own_parent_));
}

void GenerationBuild::execute() {
  state_.move_to(State::executing);
  auto pair = make_socket_pair();
  if (!pair)
    return fail(pair.error());
  ChildPlan plan;
  plan.command = {environment_.zygote_program, "--control", "3"};
  const auto arguments =
      zygote_arguments(zygote_settings(environment_.settings, plan_.pool, *plan_.settings));
  plan.command.insert(plan.command.end(), arguments.begin(), arguments.end());
  plan.descriptor_3 = pair->ends[1].get();
  auto errors = environment_.child_outputs.open("pool " + plan_.pool);
  if (!errors)
    return fail(errors.error());
  plan.standard_error = errors->get();
  auto process = start_process(environment_.processes, plan);
  if (!process)
    return fail(process.error());
  move_into_group(process->pid());
  ++environment_.counters.zygotes_started;
  executed_pid_ = process->pid();
  reaper_.wait_for(executed_pid_, [this](int status) { executed_zygote_ended(status); });
  candidate_ = std::make_unique<ZygoteProcess>(environment_, *this, *this, std::move(pair->ends[0]),
                                               plan_.pool, ++*plan_.last_generation);
  candidate_->set_process(std::move(*process));
  deadline_.start(start_limit_us);
}

// It forks when it is asked to, and nobody has asked yet: all that it forks will be born there.
void GenerationBuild::move_into_group(pid_t zygote) {
  invariant(plan_.group, "a pool says which control group it has, or that it has none");
  auto moved = plan_.group->add(zygote);
  if (moved)
    return;
  log_warning("pool {}: it has no control group any more: {}", plan_.pool, moved.error().message);
  *plan_.group = {};
}

// The zygote's exit status tells more than the end of its channel, which may be seen first.
void GenerationBuild::executed_zygote_ended(int wait_status) {
  executed_pid_ = -1;
  const bool stale = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == exit_stale_snapshot;
  if (!state_.is(
          State::executing)) // it was the parent of the candidate: that one tells what follows
    return;
  if (stale && !snapshot_was_built_)
    return build_snapshot();
  candidate_died(stale ? "it does not accept the startup snapshot that was just built"
                       : describe_wait_status(wait_status));
}

void GenerationBuild::build_snapshot() {
  state_.move_to(State::building_snapshot);
  deadline_.stop();
  verdict_.stop();
  environment_.loop.dispose(std::move(candidate_));
  snapshot_was_built_ = true;
  snapshot_ = std::make_unique<SnapshotBuild>(
      environment_, reaper_, zygote_settings(environment_.settings, plan_.pool, *plan_.settings),
      [this](Result<Nothing> result) {
        if (state_.is(State::over))
          return;
        environment_.loop.dispose(std::move(snapshot_));
        result ? execute() : fail(result.error());
      });
}

// Forks the parent; the child gets as many scripts as fit into a message.
void GenerationBuild::grow() {
  state_.move_to(State::growing);
  auto pair = make_socket_pair();
  if (!pair)
    return fail(pair.error());
  message::Grow grow{.generation = ++*plan_.last_generation, .strict = plan_.strict};
  size_t bytes = 0;
  const auto limit_bytes = static_cast<size_t>(environment_.settings.max_message_bytes);
  for (const ScriptPointer &script : plan_.load) {
    message::ScriptToLoad load{script->name, script->version, script->source, script->load_options};
    if (const auto found = plan_.learned.find(script->name); found != plan_.learned.end())
      for (const auto &call : found->second)
        load.learned.push_back(*call);
    bytes += bytes_in_grow(load, *script);
    if (!grow.load.empty() && bytes > limit_bytes)
      break;
    if (plan_.cold.contains(script->name))
      grow.cold.push_back(script->name);
    grow.load.push_back(std::move(load));
  }
  const auto sent = plan_.load.begin() + static_cast<ptrdiff_t>(grow.load.size());
  batch_.assign(plan_.load.begin(), sent);
  grow.part = sent != plan_.load.end();
  grow.drop.assign(plan_.drop.begin(), plan_.drop.end());
  grow.unload.assign(plan_.unload.begin(), plan_.unload.end());
  grow.alone = plan_.parent_is_alone && !own_parent_;

  culprit_.clear();
  loads_ = 0;
  candidate_status_.reset();
  report_.reset();
  invariant(own_parent_ || plan_.parent, "a zygote is forked by another one");
  ZygoteProcess &parent = own_parent_ ? *own_parent_ : *plan_.parent;
  candidate_ = std::make_unique<ZygoteProcess>(environment_, *this, *this, std::move(pair->ends[0]),
                                               plan_.pool, grow.generation);
  parent.grow(grow, std::move(pair->ends[1]));
  deadline_.start(start_limit_us); // each script has its own, once the candidate has come to it
}

void GenerationBuild::zygote_ready(ZygoteProcess &zygote, ZygoteReport report) {
  if (&zygote != candidate_.get())
    return;
  report_ = std::move(report);
  use_if_complete();
}

// The candidate's own word and its parent's word about its birth come on two channels, in any
// order.
void GenerationBuild::use_if_complete() {
  invariant(candidate_, "a candidate reports that is there");
  if (!report_ || candidate_->pid() < 0)
    return;
  ZygoteReport report = std::move(*report_);
  report_.reset();
  deadline_.stop();
  built_.v8_version = report.v8_version;
  built_.tzdata = report.tzdata;
  built_.can_rewind = report.image_bytes > 0;
  built_.is_grown = plan_.parent != nullptr;
  for (auto &[name, functions] : report.functions)
    built_.functions[name] = std::move(functions);
  built_.warmed_up = std::move(report.warmed_up);
  built_.layers = std::move(report.layers);
  built_.layer_bytes = report.layer_bytes;
  built_.layer_garbage_bytes = report.layer_garbage_bytes;
  for (const auto &[name, error_map] : report.failures)
    built_.failures.emplace(name, error_from_map(error_map));
  invariant(batch_.size() <= plan_.load.size(), "what was sent was to be loaded",
            {"sent", batch_.size()}, {"to_load", plan_.load.size()});
  plan_.load.erase(plan_.load.begin(), plan_.load.begin() + static_cast<ptrdiff_t>(batch_.size()));
  waiting_.insert(waiting_.end(), batch_.begin(), batch_.end());
  batch_.clear();
  plan_.drop.clear();
  built_.unloaded.insert(built_.unloaded.end(), plan_.unload.begin(), plan_.unload.end());
  plan_.unload.clear();
  if (plan_.load.empty()) {
    built_.zygote = std::move(candidate_);
    return finish(std::move(built_));
  }
  if (own_parent_)
    environment_.loop.dispose(std::move(own_parent_));
  own_parent_ = std::move(candidate_);
  grow();
}

void GenerationBuild::zygote_loading(ZygoteProcess &zygote, std::string_view script) {
  if (&zygote != candidate_.get() || !state_.is(State::growing)) // an executed one loads nothing
    return;
  if (++loads_ > plan_.most_loads) // a lie, to which no deadline would ever come
    return;
  culprit_ = script;
  deadline_.start(plan_.settings->load_deadline_ms * 1000);
}

void GenerationBuild::zygote_load_failed(ZygoteProcess &zygote, std::string_view script,
                                         std::string_view error_map) {
  if (&zygote != candidate_.get())
    return;
  Error error = error_from_map(error_map);
  // With one script its caller knows which one is meant.
  if (batch_.size() + waiting_.size() > 1)
    error.message = fmt::format("{}: {}", script, error.message);
  fail(std::move(error));
}

void GenerationBuild::load_deadline_passed() {
  invariant(candidate_, "a candidate has a deadline while it is there");
  if (state_.is(State::growing) && candidate_->pid() < 0) // its parent does not even fork
    (own_parent_ ? *own_parent_ : *plan_.parent).kill();
  candidate_->kill();
  if (culprit_.empty())
    return fail(Error(ErrorCode::internal, "the zygote is not ready after 30 s"));
  leave_out_culprit(
      Error(ErrorCode::deadline_exceeded,
            fmt::format("{} is not loaded after {} ms", culprit_, plan_.settings->load_deadline_ms))
          .with("phase", "loading")
          .with("limit", "deadline"));
}

void GenerationBuild::zygote_hung_up(ZygoteProcess &zygote) {
  if (&zygote == own_parent_.get())
    return fail(Error(ErrorCode::worker_crashed, "the zygote died while a script was loaded"));
  if (&zygote != candidate_.get())
    return;
  if (candidate_status_)
    candidate_died(describe_wait_status(*candidate_status_));
  else
    verdict_.start(verdict_wait_us);
}

void GenerationBuild::candidate_died(const std::string &how) {
  verdict_.stop();
  environment_.child_outputs.read(); // before it is said that they are in the log
  if (state_.is(State::executing))
    return fail(Error(ErrorCode::internal,
                      "the zygote died at its start: " + how + "; its last words are in the log"));
  if (!plan_.strict && !culprit_.empty() && ++deaths_[culprit_] < deaths_of_a_culprit) {
    environment_.loop.dispose(std::move(candidate_));
    return grow();
  }
  const bool is_violation = candidate_status_ && is_sandbox_violation(*candidate_status_);
  leave_out_culprit(Error(is_violation ? ErrorCode::sandbox_violation : ErrorCode::worker_crashed,
                          fmt::format("{} was being loaded when the process died: {}",
                                      culprit_.empty() ? "no script" : culprit_, how))
                        .with("phase", "loading"));
}

// Strict: that is the end. Else: again, without the script that did it.
void GenerationBuild::leave_out_culprit(Error error) {
  deadline_.stop();
  const auto is_culprit = [&](const auto &other) { return other->name == culprit_; };
  // A script of an earlier part is in the parent already: the next child is told to drop it.
  const bool was_waiting = std::erase_if(waiting_, is_culprit) > 0;
  if (plan_.strict || (!was_waiting && std::erase_if(plan_.load, is_culprit) == 0))
    return fail(std::move(error));
  built_.failures.emplace(culprit_, std::move(error));
  if (was_waiting)
    plan_.drop.push_back(culprit_);
  environment_.loop.dispose(std::move(candidate_));
  grow();
}

void GenerationBuild::parent_forked(uint32_t generation, ChildProcess process) {
  if (candidate_ && candidate_->generation() == generation) {
    candidate_->set_process(std::move(process));
    use_if_complete();
  } // else it was given up before its birth was reported
}

void GenerationBuild::parents_child_exited(pid_t pid, int wait_status) {
  if (!candidate_ || candidate_->pid() != pid)
    return;
  candidate_status_ = wait_status;
  if (!candidate_->alive())
    candidate_died(describe_wait_status(wait_status));
}

void GenerationBuild::zygote_forked_zygote(ZygoteProcess &, uint32_t generation,
                                           ChildProcess process) {
  parent_forked(generation, std::move(process));
}

void GenerationBuild::zygote_child_exited(ZygoteProcess &, pid_t pid, int wait_status) {
  parents_child_exited(pid, wait_status);
}

void GenerationBuild::fail(Error error) {
  if (candidate_)
    environment_.loop.dispose(std::move(candidate_));
  finish(std::move(error));
}

void GenerationBuild::finish(Result<BuiltGeneration> result) {
  if (state_.is(State::over)) // reported already, or cancelled; this object is about to go
    return;
  state_.move_to(State::over, result ? "built" : "failed");
  deadline_.stop();
  verdict_.stop();
  if (own_parent_)
    environment_.loop.dispose(std::move(own_parent_));
  const Done done = std::move(done_); // it may end this object
  done(std::move(result));
}

} // namespace lethe
