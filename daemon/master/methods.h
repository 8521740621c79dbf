// SPDX-License-Identifier: Apache-2.0
// The methods of the protocol: one row for each.
#pragma once

#include "daemon/master/clients/replies.h"
#include "daemon/master/server.h"

namespace lethe {

struct MethodCall {
  Server &server;
  Connection &connection;
  uint32_t msgid;
  std::string_view params; // an array

  void fail(const Error &error) const { connection.send_error(msgid, error); }
  Buffer &begin_result() const { return connection.begin_result(msgid); }
  PendingReply later() const { return {connection, msgid}; }
};

enum class Caller : uint8_t {
  anyone,
  script_writer, // the handler asks Server::may_write_scripts, which depends on the pool
  admin
};

struct Method {
  std::string_view name;
  Caller caller;
  std::string_view params; // for the error message
  // False: the params are not what they should be, and nothing was answered.
  bool (*handler)(const MethodCall &call);
};

// Answers at once or later, exactly once.
void call_method(Server &server, Connection &connection, uint32_t msgid, std::string_view method,
                 std::string_view params);

// methods_run.cc
bool call_script(const MethodCall &call);
bool eval_source(const MethodCall &call);
bool chain_scripts(const MethodCall &call);
bool inspect_script(const MethodCall &call);
bool profile_script(const MethodCall &call);
bool take_heap_snapshot(const MethodCall &call);
// methods_scripts.cc
bool put_script(const MethodCall &call);
bool put_many_scripts(const MethodCall &call);
bool get_script(const MethodCall &call);
bool list_scripts(const MethodCall &call);
bool delete_script(const MethodCall &call);
bool release_script(const MethodCall &call);
// methods_hello.cc
bool greet_client(const MethodCall &call);
bool greet_neovim_client(const MethodCall &call);
// methods_operation.cc
bool answer_ping(const MethodCall &call);
bool show_stats(const MethodCall &call);
bool show_config(const MethodCall &call);
bool reload_all(const MethodCall &call);
bool pause_pool(const MethodCall &call);
bool resume_pool(const MethodCall &call);
bool drain_pool(const MethodCall &call);

Error no_such_pool(std::string_view name);
Error forbidden(std::string_view method);

} // namespace lethe
