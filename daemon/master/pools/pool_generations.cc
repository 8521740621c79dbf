// SPDX-License-Identifier: Apache-2.0
// Generations of a pool: start, scripts, reload, recovery. One change at a time.
#include "daemon/master/operation/log.h"
#include "daemon/master/pools/pool.h"

#include <algorithm>
#include <spdlog/fmt/ranges.h>

namespace lethe {
namespace {

constexpr size_t most_times_grown = 16; // more only if there are so many scripts to load anew
constexpr size_t most_changes = 64;     // that wait for their turn
// What failed to be kept is not tried before, and what was called since then is kept.
constexpr int64_t cold_again_us = 60'000'000;
constexpr int64_t recently_called_us = 600'000'000; // such scripts stay loaded in a renewal
constexpr size_t most_wanted = 8; // that are loaded at once: a change of somebody waits for it

// Of layers. The zygote holds on to the whole; the rest is for scripts that are put.
int64_t most_resident_bytes(const PoolSettings &settings) {
  const int64_t bytes = settings.resident_scripts_mb << 20;
  return bytes - bytes / 8;
}

} // namespace

void Pool::build(GenerationPlan plan, GenerationBuild::Done done) {
  plan.pool = name_;
  plan.group = &group_;
  plan.last_generation = &last_generation_;
  plan.most_loads = scripts_.size() + plan.load.size();
  if (!plan.settings)
    plan.settings = &settings_;
  plan.parent_is_alone = plan.parent && old_zygotes_.empty();
  invariant(!state_.is(State::settled) && !build_, "one generation is built at a time, in turn");
  build_done_ = std::move(done);
  const auto finished = [this](Result<BuiltGeneration> built) {
    environment_.loop.dispose(std::move(build_));
    if (built) // it may die before it is adopted
      built->zygote->set_owner(*this);
    const auto report = std::move(build_done_);
    report(std::move(built));
  };
  build_ = std::make_unique<GenerationBuild>(environment_, reaper_, std::move(plan), finished);
}

void Pool::give_up_build(const Error &why) {
  build_->cancel();
  environment_.loop.dispose(std::move(build_));
  const auto done = std::move(build_done_);
  done(why);
}

Pool::Turn Pool::take_turn() {
  state_.move_to(State::building);
  return Turn(this, [this](const void *) {
    state_.move_to(State::settled);
    begin_next_change();
  });
}

void Pool::begin_next_change() {
  if (changes_.empty() || !zygote_ || stopped_)
    return;
  if (std::exchange(learns_, false)) // whose turn ends by that, and this one begins
    return give_up_build(Error(ErrorCode::cancelled, "another change goes before"));
  if (!state_.is(State::settled))
    return;
  const Change change = std::move(changes_.front());
  changes_.pop_front();
  change(take_turn());
}

std::vector<ScriptPointer> Pool::all_scripts(bool only_resident) const {
  std::vector<ScriptPointer> scripts;
  for (const auto &[name, registered] : scripts_)
    if (!only_resident || !registered.failure)
      scripts.push_back(registered.script);
  return scripts;
}

// For a new execution of the program. Those that were called lately stay loaded, as far as they are allowed
// to: a pool whose scripts are called must not load them anew with each renewal, or it would never be done.
Pool::Names Pool::cold_scripts(const PoolSettings &settings) const {
  const int64_t lately_us = environment_.loop.now_us() - recently_called_us;
  Names names = least_used(most_resident_bytes(settings), INT64_MAX, {});
  for (const auto &[name, registered] : scripts_)
    if (registered.is_cold ||
        (registered.layer_bytes > 0 && registered.history->last_called_us() < lately_us))
      names.insert(name);
  return names;
}

// Loaded scripts without which the layers have no more than so many bytes, if there are enough that were
// last called before that time, and are not among `kept`.
Pool::Names Pool::least_used(int64_t kept_bytes, int64_t before_us, const Names &kept) const {
  struct Candidate {
    int64_t last_called_us, bytes;
    const std::string *name;
  };
  std::vector<Candidate> candidates;
  int64_t bytes = 0;
  for (const auto &[name, registered] : scripts_) {
    if (registered.is_cold || registered.layer_bytes == 0)
      continue;
    bytes += registered.layer_bytes;
    if (const int64_t called_us = registered.history->last_called_us();
        called_us < before_us && !kept.contains(name))
      candidates.push_back({called_us, registered.layer_bytes, &name});
  }
  if (bytes <= kept_bytes)
    return {};
  std::ranges::sort(candidates, {}, &Candidate::last_called_us);
  Names names;
  for (const Candidate &candidate : candidates) {
    if (bytes <= kept_bytes)
      break;
    bytes -= candidate.bytes;
    names.insert(*candidate.name);
  }
  return names;
}

// For what is to be loaded, in place of what was not called for a while. A good part at a time, so that not
// each change has to. False: there is not enough of that; what finds no room is cold.
bool Pool::make_room(GenerationPlan &plan) const {
  const int64_t most_bytes = most_resident_bytes(settings_);
  int64_t coming_bytes = 0;
  Names loaded;
  for (const ScriptPointer &script : plan.load) {
    loaded.insert(script->name);
    if (const auto found = scripts_.find(script->name);
        found != scripts_.end() && found->second.is_cold)
      coming_bytes += found->second.layer_bytes;
  }
  int64_t bytes = layer_bytes_ + coming_bytes;
  if (bytes <= most_bytes)
    return true;
  const Names names = least_used(most_bytes - most_bytes / 8 - coming_bytes,
                                 environment_.loop.now_us() - cold_again_us, loaded);
  plan.unload.assign(names.begin(), names.end());
  for (const std::string &name : names)
    bytes -= scripts_.at(name).layer_bytes;
  return bytes <= most_bytes;
}

// They were put when the settings allowed more. Their calls must not fail for that.
void Pool::warn_of_limited_scripts() const {
  for (const auto &[name, registered] : scripts_)
    if (const auto over = check_limits(registered.script->limits, settings_))
      log_warning("pool {}: script {}: {}; its calls get what the pool allows", name_, name,
                  over->message);
}

void Pool::start(std::vector<ScriptPointer> scripts, Done done) {
  for (ScriptPointer &script : scripts)
    scripts_.insert_or_assign(script->name, RegisteredScript{script, "", std::nullopt});
  warn_of_limited_scripts();
  make_group();
  GenerationPlan plan;
  plan.load = all_scripts(false);
  for (const auto &script : plan.load)
    plan.cold.insert(script->name);
  plan.strict = false;
  build(std::move(plan),
        [this, done = std::move(done), turn = take_turn()](Result<BuiltGeneration> built) {
          if (!built)
            return done(built.error());
          adopt(std::move(*built));
          done(Nothing{});
        });
}

// The zygote died. Scripts that can't be loaded any more stay registered, and the log says why.
void Pool::recover() {
  // A reload's change does not need the zygote that died: its end is waited for.
  if (!state_.is(State::settled)) {
    recover_timer_.start(zygote_brake_.delay_us());
    return;
  }
  GenerationPlan plan;
  plan.load = all_scripts(false);
  for (const auto &script : plan.load)
    plan.cold.insert(script->name);
  plan.strict = false;
  build(std::move(plan), [this, turn = take_turn()](Result<BuiltGeneration> built) {
    if (built)
      return adopt(std::move(*built));
    ++environment_.counters.zygotes_failed;
    const int64_t delay_us = zygote_brake_.failed();
    log_error("pool {}: no zygote: {}; the next attempt is in {} ms ({} in a row)", name_,
              built.error().message, delay_us / 1000, zygote_brake_.failures());
    recover_timer_.start(delay_us);
  });
}

void Pool::want_renewal(std::string_view why) {
  if (std::exchange(renewal_waits_, true))
    return;
  log_info("pool {}: the zygote is executed anew: {}", name_, why);
  changes_.push_front([this](const Turn &turn) { renew(turn); });
  begin_next_change();
}

// All workers have the addresses, the stack's canary and the guard of pointers that their zygote got
// when it was executed. A fault of a worker may have told some of them to whoever made it, who then
// finds others in the next one; each execution costs the time in which all scripts are loaded.
void Pool::renew_if_due() {
  if (!zygote_ || stopped_)
    return;
  const int64_t age_us = environment_.loop.now_us() - executed_us_;
  const auto is_over = [age_us](int64_t limit_s) {
    return limit_s > 0 && age_us / 1'000'000 >= limit_s;
  };
  if (had_fault_ && is_over(settings_.renew_interval_s))
    want_renewal("a worker had a fault");
  else if (is_over(settings_.renew_age_s) && dispatcher_.runs() != runs_before_)
    want_renewal("of its age");
}

// A fork of a fork of a fork …: the kernel keeps all of them in mind for each mapping, and each
// fork takes longer than the one before. So the program is executed again now and then, which costs
// no request anything; the next change waits until all scripts are loaded.
void Pool::renew(const Turn &turn) {
  executed_us_ = environment_.loop.now_us();
  GenerationPlan plan;
  plan.load = all_scripts(true);
  plan.cold = cold_scripts(settings_);
  build(std::move(plan), [this, turn](Result<BuiltGeneration> built) {
    renewal_waits_ = false;
    if (built) {
      ++environment_.counters.zygotes_renewed;
      adopt(std::move(*built));
    } else {
      times_grown_ = 0;
      log_warning("pool {}: the zygote is not renewed, the present one goes on: {}", name_,
                  built.error().message);
    }
  });
}

// Nobody should have to ask whether strangers' scripts are shut in.
void Pool::warn_of_missing_layers(const ZygoteProcess &zygote) const {
  if (zygote.confinement().empty())
    log_warning("pool {}: the sandbox is switched off: scripts may do what this user may", name_);
  else if (!zygote.missing_layers().empty())
    log_warning("pool {}: not all of the sandbox is in force: {}", name_,
                fmt::join(zygote.missing_layers(), "; "));
}

void Pool::note_cold_call(const std::string &script) {
  if (environment_.loop.now_us() < scripts_.at(script).cold_until_us)
    return;
  if (!wanted_.insert(script).second || wanted_.size() > 1)
    return;
  changes_.push_back([this](const Turn &turn) { load_wanted(turn); });
  begin_next_change();
}

void Pool::load_wanted(const Turn &turn) {
  GenerationPlan plan;
  plan.parent = zygote_.get();
  plan.strict = false;
  while (!wanted_.empty() && plan.load.size() < most_wanted) {
    const auto found = scripts_.find(wanted_.extract(wanted_.begin()).value());
    if (found != scripts_.end() && found->second.is_cold)
      plan.load.push_back(found->second.script);
  }
  if (!wanted_.empty())
    changes_.push_back([this](const Turn &next) { load_wanted(next); });
  if (plan.load.empty())
    return;
  if (!make_room(plan)) {
    for (const ScriptPointer &script : plan.load)
      scripts_.at(script->name).cold_until_us = environment_.loop.now_us() + cold_again_us;
    return;
  }
  build(std::move(plan), [this, turn](Result<BuiltGeneration> built) {
    if (built)
      adopt(std::move(*built));
    else
      log_warning("pool {}: scripts that were called are not kept loaded: {}", name_,
                  built.error().message);
  });
}

void Pool::adopt(BuiltGeneration built) {
  invariant(built.zygote && !build_, "a generation that is put in force was built");
  invariant(built.zygote->generation() > generation(), "a later generation has a greater number",
            {"next", built.zygote->generation()}, {"present", generation()});
  recover_timer_.stop();
  if (zygote_)
    old_zygotes_.push_back(std::move(zygote_));
  else
    warn_of_missing_layers(*built.zygote);
  zygote_ = std::move(built.zygote);
  v8_version_ = built.v8_version;
  tzdata_ = built.tzdata;
  if (!built.is_grown)
    for (auto &[name, registered] : scripts_)
      registered.is_cold = !registered.failure && !built.functions.contains(name);
  layer_bytes_ = built.layer_bytes;
  layer_garbage_bytes_ = built.layer_garbage_bytes;
  for (const std::string &name : built.unloaded)
    if (const auto found = scripts_.find(name); found != scripts_.end())
      found->second.is_cold = true;
  const int64_t now_us = environment_.loop.now_us();
  for (auto &[name, functions] : built.functions)
    if (const auto found = scripts_.find(name); found != scripts_.end()) {
      const auto layer = built.layers.find(name);
      const auto [bytes, is_cold] =
          layer == built.layers.end() ? ZygoteReport::Layer{} : layer->second;
      // There was to be room for it: it is not tried again at once.
      if (is_cold && found->second.is_cold && found->second.layer_bytes >= bytes)
        found->second.cold_until_us = now_us + cold_again_us;
      found->second.layer_bytes = bytes;
      found->second.is_cold = is_cold;
      found->second.functions = std::move(functions);
      found->second.failure.reset();
      const auto warmed_up = built.warmed_up.find(name);
      found->second.warmed_up =
          warmed_up == built.warmed_up.end() ? std::nullopt : std::optional(warmed_up->second);
    }
  for (auto &[name, error] : built.failures)
    if (const auto found = scripts_.find(name); found != scripts_.end()) {
      if (found->second.is_cold && built.is_grown) {
        log_warning("pool {}: script {} is loaded by each of its calls, as it can't be kept: {}",
                    name_, name, error.message);
        found->second.cold_until_us = now_us + cold_again_us;
        continue;
      }
      log_error("pool {}: script {} is kept, but cannot be loaded: {}", name_, name, error.message);
      found->second.functions.clear();
      found->second.is_cold = false;
      found->second.failure = std::move(error);
    }
  // These count the generation in use. Workers of the old one leave by themselves.
  live_ = 0;
  forking_.clear();
  forking_debuggers_.clear();
  fork_timer_.stop();
  if (settings_.isolation == Isolation::rewind && !built.can_rewind)
    log_warning(
        "pool {}: memory can't be rewound (the zygote said why): isolation \"process\" is in force",
        name_);
  ++times_grown_;
  if (!built.is_grown) {
    executed_generation_ = zygote_->generation();
    executed_us_ = environment_.loop.now_us();
    runs_before_ = dispatcher_.runs();
    times_grown_ = 0;
    had_fault_ = false;
    for (auto &[name, registered] : scripts_)
      registered.samples.lost();
  }
  if (times_grown_ >= std::max(most_times_grown, scripts_.size() / 4))
    want_renewal("it was grown often");
  dispatcher_.use_generation(zygote_->generation(), built.can_rewind);
  forget_old_zygotes();
  supply();
  if (!zygote_->alive()) // it died while a script was being stored, or a reload prepared
    zygote_hung_up(*zygote_);
}

std::optional<Error> Pool::check_room_for_change() const {
  if (changes_.size() < most_changes)
    return std::nullopt;
  ++environment_.counters.overloaded;
  return Error(ErrorCode::overloaded,
               fmt::format("{} changes of scripts of pool {} wait already", changes_.size(), name_))
      .with("limit", "changes")
      .with("retry_after_ms", int64_t{1000});
}

size_t Pool::bytes_of(const NewScripts &scripts) {
  size_t bytes = 0;
  for (const auto &script : scripts)
    bytes += script->source.size() + script->options.size();
  return bytes;
}

void Pool::put(NewScripts scripts, PutDone done) {
  if (const auto full = check_room_for_change())
    return done(*full);
  const size_t bytes = bytes_of(scripts);
  waiting_script_bytes_ += bytes;
  // Until its turn has come, or it is dropped.
  const std::shared_ptr<void> waiting(nullptr,
                                      [this, bytes](void *) { waiting_script_bytes_ -= bytes; });
  changes_.push_back([this, scripts = std::move(scripts), done = std::move(done),
                      waiting](const Turn &turn) { put_now(scripts, done, turn); });
  begin_next_change();
}

// Loaded, then stored, then put in force: what can't be loaded never gets to the disk, and what a
// request has seen is there after a crash.
void Pool::put_now(const NewScripts &scripts, const PutDone &done, const Turn &turn) {
  GenerationPlan plan;
  plan.parent = zygote_.get();
  for (const auto &script : scripts) {
    if (const auto over = check_limits(script->limits, settings_)) // since a reload, meanwhile
      return done(*over);
    const auto old = scripts_.find(script->name);
    script->version = old == scripts_.end() ? 1 : old->second.script->version + 1;
    plan.load.push_back(script);
  }
  static_cast<void>(make_room(plan));
  const std::vector<ScriptPointer> loaded = plan.load;
  build(std::move(plan), [this, loaded, done, turn](Result<BuiltGeneration> built) {
    if (!built)
      return done(built.error());
    state_.move_to(State::storing);
    // A std::function must be copyable, a generation is not: hence the shared pointer.
    auto waiting = std::make_shared<BuiltGeneration>(std::move(*built));
    store_.write(loaded, [this, loaded, done, turn, waiting](Result<Nothing> stored) {
      if (!stored)
        return done(stored.error());
      environment_.counters.scripts_put += loaded.size();
      for (const ScriptPointer &script : loaded)
        scripts_.insert_or_assign(script->name, RegisteredScript{script, "", std::nullopt});
      Put put{waiting->zygote->generation(), {}};
      adopt(std::move(*waiting));
      for (const ScriptPointer &script : loaded)
        put.scripts.push_back({script->name, script->version, scripts_.at(script->name).warmed_up});
      done(std::move(put));
    });
  });
}

void Pool::remove(std::string name, DeleteDone done) {
  if (const auto full = check_room_for_change())
    return done(*full);
  changes_.push_back([this, name = std::move(name), done = std::move(done)](const Turn &turn) {
    remove_now(name, done, turn);
  });
  begin_next_change();
}

void Pool::remove_now(const std::string &name, const DeleteDone &done, const Turn &turn) {
  const auto found = scripts_.find(name);
  if (found == scripts_.end())
    return done(false);
  GenerationPlan plan;
  plan.parent = zygote_.get();
  if (!found->second.failure)
    plan.drop = {name};
  build(std::move(plan), [this, name, done, turn](Result<BuiltGeneration> built) {
    if (!built)
      return done(built.error());
    state_.move_to(State::storing);
    auto waiting = std::make_shared<BuiltGeneration>(std::move(*built));
    store_.remove(name_, name, [this, name, done, turn, waiting](Result<Nothing> removed) {
      if (!removed)
        return done(removed.error());
      ++environment_.counters.scripts_deleted;
      scripts_.erase(name);
      adopt(std::move(*waiting));
      done(true);
    });
  });
}

void Pool::prepare(const PoolSettings &settings, Done done) {
  prepared_settings_ = settings;
  changes_.push_back(
      [this, done = std::move(done)](Turn turn) { prepare_now(done, std::move(turn)); });
  begin_next_change();
}

// The turn is kept until commit() or abandon(), when all pools have prepared, with or without
// success. Until then no other change of this pool begins, as it would grow from the generation
// that is about to go.
void Pool::prepare_now(const Done &done, Turn turn) {
  prepared_turn_ = std::move(turn);
  GenerationPlan plan;
  plan.settings = &prepared_settings_;
  plan.load = all_scripts(true);
  plan.cold = cold_scripts(prepared_settings_);
  build(std::move(plan), [this, done](Result<BuiltGeneration> built) {
    state_.move_to(State::prepared, built ? "" : "in vain");
    if (!built)
      return done(built.error());
    prepared_ = std::move(*built);
    done(Nothing{});
  });
}

void Pool::commit() {
  invariant(prepared_ && prepared_turn_, "what is put in force was prepared");
  const Turn turn = std::move(prepared_turn_);
  settings_ = prepared_settings_;
  dispatcher_.use_settings(settings_);
  limit_group();
  warn_of_limited_scripts();
  if (!settings_.learn)
    forget_samples();
  adopt(std::move(*prepared_));
  prepared_.reset();
}

// Its zygote may be in the midst of the call that says it is ready, when another pool has failed.
void Pool::abandon() {
  const Turn turn = std::move(prepared_turn_);
  if (prepared_)
    environment_.loop.dispose(std::move(prepared_->zygote));
  prepared_.reset();
}

} // namespace lethe
