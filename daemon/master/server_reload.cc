// SPDX-License-Identifier: Apache-2.0
// Reload: every pool prepares a generation with the new settings; all are put in force, or none.
#include "daemon/master/operation/log.h"
#include "daemon/master/server.h"

namespace lethe {

void Server::reload(Done done) {
  next_reload_.push_back(std::move(done));
  if (!reload_ && environment_.phase.is(Phase::State::ready))
    begin_reload();
}

void Server::begin_reload() {
  invariant(!reload_, "one reload goes on at a time");
  service_manager_.reloading();
  reload_ = std::make_unique<Reload>();
  reload_->done = std::exchange(next_reload_, {});
  auto settings = load_settings(sources_);
  if (!settings)
    return end_reload(settings.error());
  auto access = look_up_access(*settings);
  if (!access)
    return end_reload(access.error());
  for (const std::string &key : keep_fixed_settings(environment_.settings, *settings))
    log_warning("{}: changed in the configuration; that takes a restart", key);
  reload_->settings = std::move(*settings);
  reload_->access = std::move(*access);
  reload_->waiting = pools_.size();
  for (const auto &pool : pools_)
    pool->prepare(reload_->settings.pools[pool->name()],
                  [this](const Result<Nothing> &prepared) { pool_prepared(prepared); });
}

void Server::pool_prepared(const Result<Nothing> &prepared) {
  invariant(reload_ && reload_->waiting > 0, "a pool tells once that it is prepared");
  if (!prepared && !reload_->error)
    reload_->error = prepared.error();
  if (--reload_->waiting > 0)
    return;
  if (reload_->error) {
    for (const auto &pool : pools_)
      pool->abandon();
    return end_reload(*reload_->error);
  }
  environment_.settings = std::move(reload_->settings);
  access_ = std::move(reload_->access);
  use_log_level();
  for (const auto &[serial, connection] : connections_)
    connection->account()->is_admin = is_admin(*connection);
  for (const auto &pool : pools_)
    pool->commit();
  end_reload(Nothing{});
}

void Server::end_reload(const Result<Nothing> &result) {
  if (result) {
    ++environment_.counters.reloads;
    log_info("reloaded");
  } else {
    ++environment_.counters.reloads_failed;
    log_error("not reloaded, all stays as it was: {}", result.error().message);
  }
  service_manager_.ready();
  const auto ended = std::exchange(reload_, nullptr);
  for (const Done &done : ended->done)
    done(result);
  if (!next_reload_.empty())
    begin_reload();
}

} // namespace lethe
