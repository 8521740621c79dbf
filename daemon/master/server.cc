// SPDX-License-Identifier: Apache-2.0
// Start, clients and stop of the daemon.
#include "daemon/master/server.h"
#include "daemon/master/methods.h"
#include "daemon/master/operation/log.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef LETHE_LIBEXECDIR
#define LETHE_LIBEXECDIR "/usr/local/libexec/lethe"
#endif

namespace lethe {
namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int64_t children_end_ms = 2000;

// Each client costs the master one descriptor, each worker two (socket, pidfd).
size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<size_t>(limit.rlim_cur);
}

// Beside this program, as a build leaves them, or where an installation puts them.
std::string find_program(const std::string &folder, const char *name) {
  const std::string beside = folder + "/" + name;
  return access(beside.c_str(), X_OK) == 0 ? beside : std::string(LETHE_LIBEXECDIR) + "/" + name;
}

} // namespace

Server::Server(const Clock &clock, Kernel &kernel, Settings settings, SettingsSources sources,
               std::string program_folder)
    : sources_(std::move(sources)), environment_(clock, kernel),
      service_manager_(environment_.loop),
      reaper_(
          environment_.loop, environment_.processes,
          [this](pid_t pid, int status) {
            for (const auto &pool : pools_)
              pool->child_ended(pid, status);
          },
          [this](pid_t pid, std::string_view name) {
            // At a stop it may be a worker that its zygote had no time to report.
            if (environment_.stopping()) {
              log_debug("process {} ({}) was not reported yet; it is killed", pid, printable(name));
              return;
            }
            ++environment_.counters.strays;
            log_warning("process {} ({}) was left behind, and nobody knows it; it is killed", pid,
                        printable(name));
          }),
      store_(environment_.loop, reaper_),
      listener_(environment_, [this](FileDescriptor socket) { accepted(std::move(socket)); }),
      started_us_(environment_.loop.now_us()),
      second_(environment_.loop, [this] { every_second(); }),
      stop_timer_(environment_.loop, [this] {
        environment_.phase.is(Phase::State::killing) ? environment_.loop.stop() : kill_all();
      }) {
  environment_.settings = std::move(settings);
  use_log_level();
  environment_.zygote_program = find_program(program_folder, "lethe-zygote");
  environment_.snapshot_program = find_program(program_folder, "lethe-snapshot");
}

Server::~Server() = default;

int Server::run() {
  if (auto started = start(); !started) {
    log_error("{}", started.error().message);
    return 1;
  }
  environment_.loop.run();
  clean_up();
  return exit_status_;
}

Result<Nothing> Server::start() {
  most_descriptors_ = raise_descriptor_limit();
  prctl(PR_SET_CHILD_SUBREAPER, 1); // a dead zygote's workers become ours
  // A closed pipe, standard error for one, is a write's error and not the end of the daemon.
  ::signal(SIGPIPE, SIG_IGN);
  // The one signal that a zygote which was broken into may send (to anybody, on older kernels).
  ::signal(SIGPROF, SIG_IGN);
  const auto on_signal = [this](int signal, std::function<void()> callback) {
    signals_.push_back(
        std::make_unique<Watch>(environment_.loop, signal, EV_SIGNAL, std::move(callback)));
    signals_.back()->enable();
  };
  on_signal(SIGTERM, [this] { begin_stop(); });
  on_signal(SIGINT, [this] { begin_stop(); });
  on_signal(SIGHUP, [this] { reload([](const Result<Nothing> &) {}); });
  // What may fail comes before the socket is there: nobody connects to a daemon that ends at once.
  auto access = look_up_access(environment_.settings);
  if (!access)
    return access.error();
  access_ = std::move(*access);
  if (auto opened = store_.open(environment_.settings.state_dir); !opened)
    return opened;
  std::vector<std::string> damaged;
  auto scripts = store_.load(damaged);
  if (!scripts)
    return scripts.error();
  for (const std::string &line : damaged)
    log_error("damaged script: {}", line);
  environment_.counters.scripts_damaged = damaged.size();
  InheritedDescriptors inherited = inherit_descriptors();
  stored_connections_ = std::move(inherited.stored);
  if (auto opened = listener_.open(std::move(inherited.listening)); !opened)
    return opened;
  start_pools(std::move(*scripts));
  second_.start(second_us);
  return Nothing{};
}

void Server::start_pools(std::vector<ScriptPointer> stored) {
  std::map<std::string, std::vector<ScriptPointer>> scripts;
  for (ScriptPointer &script : stored)
    scripts[script->pool].push_back(std::move(script));
  for (const auto &[name, settings] : environment_.settings.pools)
    pools_.push_back(std::make_unique<Pool>(environment_, *this, reaper_, store_, pools_.size(),
                                            name, settings));
  std::stable_partition(pools_.begin(), pools_.end(),
                        [](const auto &pool) { return pool->name() == "default"; });
  for (const auto &pool : pools_) {
    pool->start(std::move(scripts[pool->name()]), [this, &pool](const Result<Nothing> &started) {
      if (started || exit_status_ != 0)
        return;
      log_error("pool {}: {}", pool->name(), started.error().message);
      exit_status_ = 1;
      begin_stop();
    });
    scripts.erase(pool->name());
  }
  for (const auto &[pool, orphans] : scripts)
    log_warning("pool {} is not configured; its {} scripts are kept for when it is", pool,
                orphans.size());
}

void Server::become_ready() {
  environment_.phase.move_to(Phase::State::ready);
  // Clients of the daemon before were connected earlier than those that wait in the listener's
  // queue.
  for (ConnectionState &state : take_over(std::exchange(stored_connections_, {}))) {
    FileDescriptor socket = std::move(state.socket);
    Peer peer = identify(socket);
    serve(std::move(socket), std::move(peer), std::nullopt)->take_over(std::move(state));
  }
  listener_.enable();
  service_manager_.ready();
  if (!service_manager_.present())
    std::fprintf(stderr, "lethed: ready on %s\n", listener_.path().c_str());
  log_info("ready on {}", listener_.path());
  if (!next_reload_.empty()) // SIGHUP came during the start
    begin_reload();
}

Pool *Server::pool(std::string_view name) {
  for (const auto &pool : pools_)
    if (pool->name() == name)
      return pool.get();
  return nullptr;
}

// --- clients ---

void Server::accepted(FileDescriptor socket) {
  ++environment_.counters.connections_accepted;
  Peer peer = identify(socket);
  std::optional<Error> refusal;
  invariant(refused_connections_ <= connections_.size(), "refused connections are connections",
            {"refused", refused_connections_}, {"all", connections_.size()});
  const size_t served = connections_.size() - refused_connections_;
  if (served >= static_cast<size_t>(environment_.settings.max_connections) && !make_way(peer)) {
    ++environment_.counters.connections_refused;
    // A refused client stays until it has got the reason as the answer to its first request. Those
    // that never ask must not take all descriptors.
    if (refused_connections_ >= most_descriptors_ / 2)
      return; // not even for an explanation is there room
    ++refused_connections_;
    refusal = Error(ErrorCode::overloaded, "there are too many connections")
                  .with("limit", "connections")
                  .with("retry_after_ms", int64_t{1000});
  }
  serve(std::move(socket), std::move(peer), std::move(refusal));
}

// All connections are taken: who has fewer of them than another user gets one nevertheless, at the
// cost of who has most. Administrators always do, and none of theirs is taken for others.
bool Server::make_way(const Peer &peer) {
  const auto count = [](const Account &account) { return account.connections; };
  const AccountPointer asking = environment_.accounts.of(peer.user);
  const Account *most = environment_.accounts.greatest(count);
  if (!most || most == asking.get())
    return false;
  const bool is_admin = admits_admin(peer);
  if (is_admin != most->is_admin ? !is_admin : most->connections <= asking->connections + 1)
    return false;
  // The newest that has nothing to lose, if there is one.
  Connection *newest = nullptr;
  for (const auto &[serial, connection] : connections_)
    if (connection->account().get() == most && !connection->refused() &&
        (!newest || connection->unanswered() == 0 || newest->unanswered() > 0))
      newest = connection.get();
  if (!newest)
    return false;
  ++environment_.counters.connections_displaced;
  newest->close();
  return true;
}

std::shared_ptr<Connection> Server::serve(FileDescriptor socket, Peer peer,
                                          std::optional<Error> refusal) {
  auto connection = std::make_shared<Connection>(environment_, *this, std::move(socket),
                                                 std::move(peer), std::move(refusal));
  connection->serial = ++last_connection_;
  connection->account()->is_admin = is_admin(*connection);
  connection->account()->connections += !connection->refused();
  connections_.emplace_hint(connections_.end(), connection->serial, connection);
  return connection;
}

void Server::connection_asks(Connection &connection, uint32_t msgid, std::string_view method,
                             std::string_view params) {
  call_method(*this, connection, msgid, method, params);
}

// Of who holds most, the connection that holds most.
Connection *Server::greediest() {
  const Account *account =
      environment_.accounts.greatest([](const Account &one) { return one.bytes; });
  Connection *most = nullptr;
  for (const auto &[serial, connection] : connections_)
    if (connection->account().get() == account &&
        (!most || connection->held_bytes() > most->held_bytes()))
      most = connection.get();
  return most;
}

bool Server::make_room(const Connection &asking) {
  constexpr int most_tries = 8; // what is let go may be held by a worker yet
  for (int tries = 0; environment_.out_of_memory(); ++tries) {
    Connection *most = tries < most_tries ? greediest() : nullptr;
    if (!most || most == &asking || most->held_bytes() == 0)
      return false;
    most->give_way();
  }
  return true;
}

void Server::connection_drained() {
  for (const auto &pool : pools_) {
    pool->dispatcher().dispatch();
    pool->dispatcher().go_on_debugging();
  }
}

void Server::connection_closed(Connection &connection) {
  const auto found = connections_.find(connection.serial);
  invariant(found != connections_.end(), "a connection closes once",
            {"connection", connection.serial});
  if (connection.refused()) {
    invariant(refused_connections_ > 0, "a refused connection was counted",
              {"connection", connection.serial});
    --refused_connections_;
  } else {
    --connection.account()->connections;
  }
  // The connection is in the midst of a call of its own: it goes at the round's end.
  environment_.loop.dispose(std::move(found->second));
  connections_.erase(found);
}

// The kernel says who is at the other end (SO_PEERCRED): nothing that the client sends counts.
bool Server::admits_admin(const Peer &peer) const {
  return is_owner(peer) || access_.admins.admits(peer);
}

bool Server::is_admin(const Connection &connection) const {
  return admits_admin(connection.peer());
}

bool Server::may_write_scripts(const Connection &connection, const Pool &pool) const {
  const auto writers = access_.script_writers.find(pool.name());
  return is_admin(connection) ||
         (writers != access_.script_writers.end() && writers->second.admits(connection.peer()));
}

Result<Server::Access> Server::look_up_access(const Settings &settings) {
  Access access;
  auto admins = AccessList::look_up("admins", settings.admins);
  if (!admins)
    return admins.error();
  access.admins = std::move(*admins);
  for (const auto &[name, pool] : settings.pools) {
    auto writers = AccessList::look_up("pool." + name + ".script_writers", pool.script_writers);
    if (!writers)
      return writers.error();
    access.script_writers[name] = std::move(*writers);
  }
  return access;
}

Result<Nothing> Server::check_room_for(const Pool::NewScripts &scripts) const {
  size_t bytes = 0, waiting_bytes = 0;
  for (const auto &script : scripts)
    bytes += script->source.size();
  for (const auto &pool : pools_) {
    waiting_bytes += pool->waiting_script_bytes();
    for (const auto &[name, registered] : pool->scripts())
      bytes += registered.script->source.size();
    for (const auto &script : scripts) // in place of the present version
      if (const auto old = pool->scripts().find(script->name);
          script->pool == pool->name() && old != pool->scripts().end())
        bytes -= old->second.script->source.size();
  }
  const auto limit_bytes = static_cast<size_t>(environment_.settings.max_scripts_mb) << 20;
  if (bytes + waiting_bytes <= limit_bytes)
    return Nothing{};
  if (bytes <= limit_bytes)
    return Error(ErrorCode::overloaded, "the scripts that wait would be more than max_scripts_mb")
        .with("limit", "changes")
        .with("retry_after_ms", int64_t{1000});
  return Error(ErrorCode::too_large,
               fmt::format("all scripts together would have {} bytes; max_scripts_mb allows {}",
                           bytes, limit_bytes))
      .with("limit_bytes", static_cast<int64_t>(limit_bytes));
}

void Server::answer_when_drained(Pool &pool, PendingReply reply) {
  draining_.emplace_back(&pool, std::move(reply));
  pool_changed();
}

// --- course of events ---

void Server::pool_changed() {
  if (environment_.phase.is(Phase::State::starting) && !pools_.empty() &&
      std::all_of(pools_.begin(), pools_.end(), [](const auto &pool) { return pool->ready(); }))
    become_ready();
  if (!draining_.empty())
    std::erase_if(draining_, [](const auto &waiting) {
      if (waiting.first->dispatcher().in_progress() > 0)
        return false;
      waiting.second.result([](Buffer &out) { Packer(out).pack_true(); });
      return true;
    });
  if (environment_.stopping() && std::all_of(pools_.begin(), pools_.end(), [](const auto &pool) {
        return pool->dispatcher().in_progress() == 0;
      }))
    // Whoever calls is in the midst of a dispatcher's work: a timer does it from the loop.
    stop_timer_.start(0);
}

void Server::begin_stop() {
  if (environment_.stopping())
    return;
  // Before it is ready, no connection has been accepted, and stored ones have not been taken over.
  environment_.handing_over = environment_.phase.is(Phase::State::ready) && can_hand_over();
  environment_.phase.move_to(Phase::State::stopping);
  service_manager_.stopping();
  log_info("stopping");
  listener_.close();
  stop_timer_.start(environment_.settings.stop_timeout_ms * 1000);
  pool_changed();
}

// All is done, or the time for it is over. The loop goes on until every
// request is accounted for: a killed worker's once its end is seen.
void Server::kill_all() {
  environment_.phase.move_to(Phase::State::killing);
  stop_timer_.start(children_end_ms * 1000);
  for (const auto &pool : pools_) {
    pool->dispatcher().abort_all(Error(ErrorCode::shutting_down, "the daemon is stopping"));
    pool->stop();
  }
  // Who waits for one of these hears that it will not come.
  store_.forget_changes();
  draining_.clear();
  next_reload_.clear();
  if (reload_)
    reload_->done.clear();
  pool_changed();
}

void Server::use_log_level() {
  set_log_level(environment_.settings.log_level);
  environment_.moves.wanted = environment_.settings.log_level == LogLevel::debug;
}

void Server::clean_up() {
  signals_.clear();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) // they would end us now, which we are about to
    ::signal(signal, SIG_IGN);
  if (environment_.handing_over)
    hand_over_connections();
  while (!connections_.empty())
    connections_.begin()->second->close();
  store_.forget_changes(); // they hold generations, and call pools
  pools_.clear();
  // What was disposed of goes now, and with it the channels: so zygotes and workers end.
  environment_.loop.run_round(false);
  if (!reaper_.end_all(children_end_ms))
    log_error("a child process does not end");
  environment_.control_groups.give_back();
}

void Server::hand_over_connections() {
  // A copy, as each hand_over() takes its connection out of the map.
  std::vector<std::shared_ptr<Connection>> candidates;
  for (const auto &[key, connection] : connections_)
    candidates.push_back(connection);
  std::vector<ConnectionState> states;
  for (const auto &connection : candidates)
    if (ConnectionState state; connection->hand_over(state))
      states.push_back(std::move(state));
  log_info("{} connections are kept for the next start", states.size());
  hand_over(std::move(states));
}

void Server::every_second() {
  second_.start(second_us);
  reaper_.kill_strays();
  environment_.accounts.forget_unused(environment_.loop.now_us());
  size_t queued = 0, running = 0;
  for (const auto &pool : pools_) {
    pool->sweep();
    queued += pool->dispatcher().queued();
    running += pool->dispatcher().running();
  }
  // The service manager ends a start or stop that takes longer than its unit says, unless it is
  // asked for more time.
  if (environment_.snapshot_builds > 0 || environment_.stopping())
    service_manager_.extend_timeout(10 * second_us);
  if (!environment_.phase.is(Phase::State::starting))
    service_manager_.status(fmt::format("{} connections, {} requests running, {} queued",
                                        connections_.size(), running, queued));
  else
    service_manager_.status(environment_.snapshot_builds > 0 ? "building the startup snapshot"
                                                             : "starting workers");
}

} // namespace lethe
