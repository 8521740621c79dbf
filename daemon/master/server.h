// SPDX-License-Identifier: Apache-2.0
// The daemon as a whole: start, clients, reload, stop.
#pragma once

#include "daemon/master/clients/connection.h"
#include "daemon/master/clients/listener.h"
#include "daemon/master/operation/service_manager.h"
#include "daemon/master/operation/settings_sources.h"
#include "daemon/master/pools/pool.h"

namespace lethe {

// A reply that comes later, if its client is still there.
class PendingReply {
public:
  PendingReply(Connection &connection, uint32_t msgid)
      : connection_(connection.weak_from_this()), msgid_(msgid) {}
  void error(const Error &error) const {
    if (const auto connection = connection_.lock())
      connection->send_error(msgid_, error);
  }
  // `write` writes exactly one value.
  template <typename Write> void result(Write write) const {
    if (const auto connection = connection_.lock(); connection && !connection->closed())
      write(connection->begin_result(msgid_));
  }

private:
  std::weak_ptr<Connection> connection_;
  uint32_t msgid_;
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

  // For the methods.
  Environment &environment() { return environment_; }
  Pool *pool(std::string_view name);
  const std::vector<std::unique_ptr<Pool>> &pools() const { return pools_; }
  bool is_admin(Connection &connection) const;
  bool may_write_scripts(Connection &connection, const Pool &pool) const;
  Result<Nothing> check_room_for(const Script &script) const;
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
  void start_pools();
  void become_ready();
  void accepted(FileDescriptor socket);
  void begin_reload();
  void pool_prepared(const Result<Nothing> &prepared);
  void end_reload(const Result<Nothing> &result);
  std::shared_ptr<Connection> serve(FileDescriptor socket, std::optional<Error> refusal);
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
