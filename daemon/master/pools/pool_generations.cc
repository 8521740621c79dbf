// SPDX-License-Identifier: Apache-2.0
// Generations of a pool: start, scripts, reload, recovery. One change at a time.
#include "daemon/master/operation/log.h"
#include "daemon/master/pools/pool.h"

#include <algorithm>

namespace lethe {
namespace {

constexpr size_t most_times_grown = 16; // more only if there are so many scripts to load anew

} // namespace

void Pool::build(GenerationPlan plan, GenerationBuild::Done done) {
  plan.pool = name_;
  plan.last_generation = &last_generation_;
  if (!plan.settings)
    plan.settings = &settings_;
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

void Pool::begin_next_change() {
  if (changing_ || changes_.empty() || !zygote_ || stopped_)
    return;
  changing_ = true;
  const Change change = std::move(changes_.front());
  changes_.pop_front();
  change();
}

void Pool::end_change() {
  changing_ = false;
  begin_next_change();
}

std::vector<ScriptPointer> Pool::all_scripts(bool only_resident) const {
  std::vector<ScriptPointer> scripts;
  for (const auto &[name, registered] : scripts_)
    if (!only_resident || !registered.failure)
      scripts.push_back(registered.script);
  return scripts;
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
    scripts_[script->name] = {script, "", std::nullopt};
  warn_of_limited_scripts();
  changing_ = true;
  GenerationPlan plan;
  plan.load = all_scripts(false);
  plan.strict = false;
  build(std::move(plan), [this, done = std::move(done)](Result<BuiltGeneration> built) {
    if (!built)
      return done(built.error());
    adopt(std::move(*built));
    end_change();
    done(Nothing{});
  });
}

// The zygote died. Scripts that can't be loaded any more stay registered, and the log says why.
void Pool::recover() {
  if (changing_) { // a reload's, which does not need the zygote that died: wait for its end
    recover_timer_.start(zygote_brake_.delay_us());
    return;
  }
  changing_ = true;
  GenerationPlan plan;
  plan.load = all_scripts(false);
  plan.strict = false;
  build(std::move(plan), [this](Result<BuiltGeneration> built) {
    changing_ = false;
    if (built) {
      adopt(std::move(*built));
      begin_next_change();
      return;
    }
    ++environment_.counters.zygotes_failed;
    const int64_t delay_us = zygote_brake_.failed();
    log_error("pool {}: no zygote: {}; the next attempt is in {} ms ({} in a row)", name_,
              built.error().message, delay_us / 1000, zygote_brake_.failures());
    recover_timer_.start(delay_us);
  });
}

// A fork of a fork of a fork …: the kernel keeps all of them in mind for each mapping, and each
// fork takes longer than the one before. So the program is executed again now and then, which costs
// no request anything; the next change waits until all scripts are loaded.
void Pool::renew() {
  GenerationPlan plan;
  plan.load = all_scripts(true);
  build(std::move(plan), [this](Result<BuiltGeneration> built) {
    if (built) {
      adopt(std::move(*built));
    } else {
      times_grown_ = 0;
      log_warning("pool {}: the zygote is not renewed, the present one goes on: {}", name_,
                  built.error().message);
    }
    end_change();
  });
}

void Pool::adopt(BuiltGeneration built) {
  recover_timer_.stop();
  if (zygote_)
    old_zygotes_.push_back(std::move(zygote_));
  zygote_ = std::move(built.zygote);
  v8_version_ = built.v8_version;
  for (auto &[name, functions] : built.functions)
    if (const auto found = scripts_.find(name); found != scripts_.end()) {
      found->second.functions = std::move(functions);
      found->second.failure.reset();
    }
  for (auto &[name, error] : built.failures)
    if (const auto found = scripts_.find(name); found != scripts_.end()) {
      log_error("pool {}: script {} is kept, but cannot be loaded: {}", name_, name, error.message);
      found->second.functions.clear();
      found->second.failure = std::move(error);
    }
  // These count the generation in use. Workers of the old one leave by themselves.
  live_ = 0;
  forking_.clear();
  forking_debuggers_.clear();
  fork_timer_.stop();
  if (settings_.isolation_mode() == Isolation::rewind && !built.can_rewind)
    log_warning(
        "pool {}: memory can't be rewound (the zygote said why): isolation \"process\" is in force",
        name_);
  times_grown_ = built.is_grown ? times_grown_ + 1 : 0;
  if (times_grown_ >= std::max(most_times_grown, scripts_.size() / 4))
    changes_.push_front([this] { renew(); });
  dispatcher_.use_generation(zygote_->generation(), built.can_rewind);
  forget_old_zygotes();
  supply();
  if (!zygote_->alive()) // it died while a script was being stored, or a reload prepared
    zygote_hung_up(*zygote_);
}

void Pool::put(std::shared_ptr<Script> script, PutDone done) {
  changes_.push_back(
      [this, script = std::move(script), done = std::move(done)] { put_now(script, done); });
  begin_next_change();
}

// Loaded, then stored, then put in force: what can't be loaded never gets to the disk, and what a
// request has seen is there after a crash.
void Pool::put_now(std::shared_ptr<Script> script, const PutDone &done) {
  if (const auto over = check_limits(script->limits, settings_)) { // since a reload, meanwhile
    done(*over);
    return end_change();
  }
  const auto old = scripts_.find(script->name);
  script->version = old == scripts_.end() ? 1 : old->second.script->version + 1;
  GenerationPlan plan;
  plan.parent = zygote_.get();
  plan.load = {script};
  build(std::move(plan), [this, script, done](Result<BuiltGeneration> built) {
    if (!built) {
      done(built.error());
      return end_change();
    }
    // A std::function must be copyable, a generation is not: hence the shared pointer.
    auto waiting = std::make_shared<BuiltGeneration>(std::move(*built));
    store_.write(script, [this, script, done, waiting](Result<Nothing> stored) {
      if (!stored) {
        done(stored.error());
        return end_change();
      }
      ++environment_.counters.scripts_put;
      scripts_[script->name] = {script, "", std::nullopt};
      const uint32_t made = waiting->zygote->generation();
      adopt(std::move(*waiting));
      done(Put{script->name, script->version, made});
      end_change();
    });
  });
}

void Pool::remove(std::string name, DeleteDone done) {
  changes_.push_back(
      [this, name = std::move(name), done = std::move(done)] { remove_now(name, done); });
  begin_next_change();
}

void Pool::remove_now(const std::string &name, const DeleteDone &done) {
  const auto found = scripts_.find(name);
  if (found == scripts_.end()) {
    done(false);
    return end_change();
  }
  GenerationPlan plan;
  plan.parent = zygote_.get();
  if (!found->second.failure)
    plan.drop = {name};
  build(std::move(plan), [this, name, done](Result<BuiltGeneration> built) {
    if (!built) {
      done(built.error());
      return end_change();
    }
    auto waiting = std::make_shared<BuiltGeneration>(std::move(*built));
    store_.remove(name_, name, [this, name, done, waiting](Result<Nothing> removed) {
      if (!removed) {
        done(removed.error());
        return end_change();
      }
      ++environment_.counters.scripts_deleted;
      scripts_.erase(name);
      adopt(std::move(*waiting));
      done(true);
      end_change();
    });
  });
}

void Pool::prepare(const PoolSettings &settings, Done done) {
  prepared_settings_ = settings;
  changes_.push_back([this, done = std::move(done)] { prepare_now(done); });
  begin_next_change();
}

// No end_change() here, on success or failure: it comes with commit() or abandon(), when all pools
// have prepared. Until then no other change of this pool begins, as it would grow from the
// generation that is about to go.
void Pool::prepare_now(const Done &done) {
  GenerationPlan plan;
  plan.settings = &prepared_settings_;
  plan.load = all_scripts(true);
  build(std::move(plan), [this, done](Result<BuiltGeneration> built) {
    if (!built)
      return done(built.error());
    prepared_ = std::move(*built);
    done(Nothing{});
  });
}

void Pool::commit() {
  settings_ = prepared_settings_;
  dispatcher_.use_settings(settings_);
  warn_of_limited_scripts();
  adopt(std::move(*prepared_));
  prepared_.reset();
  end_change();
}

// Its zygote may be in the midst of the call that says it is ready, when another pool has failed.
void Pool::abandon() {
  if (prepared_)
    environment_.loop.dispose(std::move(prepared_->zygote));
  prepared_.reset();
  end_change();
}

} // namespace lethe
