// SPDX-License-Identifier: Apache-2.0
// The daemon as a whole: start, clients, reload, stop.
#pragma once

#include "daemon/master/clients/connection.h"
#include "daemon/master/clients/listener.h"
#include "daemon/master/operation/service_manager.h"
#include "daemon/master/operation/settings_sources.h"
#include "daemon/master/pools/pool.h"

namespace lethe {

// A reply that comes later, if its client is still there. Copies are for the same one. If the last goes
// before it was given, as the daemon stops, that is the reply.
class PendingReply {
public:
  PendingReply(Connection &connection, uint32_t msgid)
      : owed_(std::make_shared<Owed>(connection.weak_from_this(), msgid)) {}
  void error(const Error &error) const { owed_->fail(error); }
  // `write` writes exactly one value.
  template <typename Write> void result(Write write) const {
    if (const auto connection = owed_->take(); connection && !connection->closed())
      write(connection->begin_result(owed_->msgid));
  }

private:
  struct Owed {
    Owed(std::weak_ptr<Connection> its_connection, uint32_t its_msgid)
        : connection(std::move(its_connection)), msgid(its_msgid) {}
    Owed(const Owed &) = delete;
    ~Owed() { fail(Error(ErrorCode::shutting_down, "the daemon is stopping")); }
    std::shared_ptr<Connection> take() { return std::exchange(connection, {}).lock(); }
    void fail(const Error &error) {
      if (const auto there = take())
        there->send_error(msgid, error);
    }
    std::weak_ptr<Connection> connection;
    uint32_t msgid;
  };

  std::shared_ptr<Owed> owed_;
};

//   starting ─┬─► ready ─► stopping ─► killing ─► the loop stops
//             └──────────────┘
//
// starting: the socket is there and accepts nothing; each pool makes its first generation. ready:
// each has had a worker; clients are served, reloads begin. stopping: no client is accepted and no
// request taken (or each is left to the next daemon, where the service manager keeps connections);
// what runs has stop_timeout_ms to end. killing: the processes of all pools are killed, and the
// loop goes on until each request is accounted for. An error at the start goes straight to
// stopping.
class Server final : public ConnectionOwner, public PoolOwner {
public:
  using Done = std::function<void(Result<Nothing>)>;

  Server(const Clock &clock, Kernel &kernel, Settings settings, SettingsSources sources,
         std::string program_folder);
  ~Server();

  int run(); // all of the following; the process's exit status
  Result<Nothing> start();
  // Lets what runs come to its end, for as long as settings allow; then the loop stops.
  void begin_stop();
  void clean_up();

  // Who is at a socket's other end; a simulation has its own view of that.
  std::function<Peer(const FileDescriptor &)> identify = [](const FileDescriptor &socket) {
    return peer_of(socket.get());
  };

  // For the methods.
  Environment &environment() { return environment_; }
  Pool *pool(std::string_view name);
  const std::vector<std::unique_ptr<Pool>> &pools() const { return pools_; }
  bool is_admin(const Connection &connection) const;
  bool may_write_scripts(const Connection &connection, const Pool &pool) const;
  Result<Nothing> check_room_for(const Pool::NewScripts &scripts) const;
  bool make_room(const Connection &asking) override;
  void reload(Done done);
  void answer_when_drained(Pool &pool, PendingReply reply);
  size_t connections() const { return connections_.size(); }
  int64_t uptime_us() const { return environment_.loop.now_us() - started_us_; }

private:
  struct Access {
    AccessList admins;
    std::map<std::string, AccessList, std::less<>> script_writers; // by pool
  };
  struct Reload {
    Settings settings;
    Access access;
    size_t waiting = 0; // pools that have not prepared yet
    std::optional<Error> error;
    std::vector<Done> done;
  };

  static Result<Access> look_up_access(const Settings &settings);
  void start_pools(std::vector<ScriptPointer> stored);
  void become_ready();
  void accepted(FileDescriptor socket);
  Connection *greediest();
  bool make_way(const Peer &peer);
  bool admits_admin(const Peer &peer) const;
  void begin_reload();
  void pool_prepared(const Result<Nothing> &prepared);
  void end_reload(const Result<Nothing> &result);
  std::shared_ptr<Connection> serve(FileDescriptor socket, Peer peer, std::optional<Error> refusal);
  void hand_over_connections();
  void kill_all();
  void every_second();
  void use_log_level();

  void connection_asks(Connection &connection, uint32_t msgid, std::string_view method,
                       std::string_view params) override;
  void connection_drained() override;
  void connection_closed(Connection &connection) override;
  void pool_changed() override;

  SettingsSources sources_;
  Environment environment_;
  ServiceManager service_manager_;
  Access access_;
  ChildReaper reaper_;
  ScriptStore store_;
  std::vector<std::unique_ptr<Pool>> pools_;                    // the default one first
  std::map<uint64_t, std::shared_ptr<Connection>> connections_; // by their serial
  uint64_t last_connection_ = 0;
  size_t refused_connections_ = 0;
  size_t most_descriptors_ = 0;
  Listener listener_;
  std::vector<InheritedDescriptors::Stored>
      stored_connections_; // of the daemon before, until ready
  int exit_status_ = 0;
  int64_t started_us_;
  std::vector<std::pair<Pool *, PendingReply>> draining_;
  std::unique_ptr<Reload> reload_;
  std::vector<Done> next_reload_; // asked for while one was going on
  std::vector<std::unique_ptr<Watch>> signals_;
  Timer second_, stop_timer_;
};

} // namespace lethe
