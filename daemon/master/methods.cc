// SPDX-License-Identifier: Apache-2.0
// The table of methods.
#include "daemon/master/methods.h"
#include "ipc/message_pack.h"
#include "ipc/value_path.h"

#include <fmt/format.h>

namespace lethe {
namespace {

constexpr std::string_view no_params = "[]";

constexpr Method methods[] = {
    {"hello", Caller::anyone, "[options]", greet_client},
    {"nvim_get_api_info", Caller::anyone, no_params, greet_neovim_client},
    {"call", Caller::anyone, "[script, function, [arg, ...], options]", call_script},
    {"eval", Caller::anyone, "[source, options]", eval_source},
    {"chain", Caller::anyone, "[[[script, function], ...], input, options], with 1 to 1000 steps",
     chain_scripts},
    {"inspect", Caller::admin, "[script, function, [arg, ...], options]", inspect_script},
    {"profile", Caller::admin, "[script, function, [arg, ...], options]", profile_script},
    {"heap", Caller::admin, "[script or nil, function or nil, [arg, ...], options]",
     take_heap_snapshot},
    {"script.put", Caller::script_writer, "[name, source, options]", put_script},
    {"script.put_many", Caller::script_writer, "[[[name, source, options], ...]], at least one",
     put_many_scripts},
    {"script.get", Caller::script_writer, "[name]", get_script},
    {"script.list", Caller::anyone, "[options]", list_scripts},
    {"script.delete", Caller::script_writer, "[name]", delete_script},
    {"script.release", Caller::admin, "[name]", release_script},
    {"ping", Caller::anyone, no_params, answer_ping},
    {"stats", Caller::anyone, no_params, show_stats},
    {"config", Caller::admin, no_params, show_config},
    {"reload", Caller::admin, no_params, reload_all},
    {"pause", Caller::admin, "[pool]", pause_pool},
    {"resume", Caller::admin, "[pool]", resume_pool},
    {"drain", Caller::admin, "[pool]", drain_pool},
};

// For one request more, of any method?
std::optional<Error> check_room(const MethodCall &call) {
  Environment &environment = call.server.environment();
  std::optional<Error> full;
  if (call.connection.unanswered() > static_cast<size_t>(environment.settings.max_in_flight))
    full = Error(ErrorCode::overloaded, "too many requests of this connection are in flight")
               .with("limit", "in_flight")
               .with("retry_after_ms", int64_t{1});
  else if (environment.out_of_memory() && !call.server.make_room(call.connection))
    full = environment.memory_error();
  if (full)
    ++environment.counters.overloaded;
  return full;
}

} // namespace

void call_method(Server &server, Connection &connection, uint32_t msgid, std::string_view method,
                 std::string_view params) {
  const MethodCall call{server, connection, msgid, params};
  for (const Method &row : methods) {
    if (row.name != method)
      continue;
    if (row.caller == Caller::admin && !server.is_admin(connection))
      call.fail(forbidden(method));
    else if (const auto full = check_room(call))
      call.fail(*full);
    else if (connection.has(msgid))
      call.fail(Error(ErrorCode::invalid_request,
                      fmt::format("request {} is in flight on this connection", msgid)));
    else if ((row.params == no_params && Reader(params).array() != 0u) || !row.handler(call))
      call.fail(broken_text(params, "params")
                    .value_or(Error(ErrorCode::invalid_request,
                                    fmt::format("the params of {} are {}", row.name, row.params))));
    return;
  }
  call.fail(Error(ErrorCode::unknown_method,
                  fmt::format("there is no method {}", method.substr(0, 100))));
}

Error no_such_pool(std::string_view name) {
  return Error(ErrorCode::not_found, fmt::format("there is no pool {}", name))
      .with("kind", "pool")
      .with("name", std::string(name));
}

Error forbidden(std::string_view method) {
  return Error(ErrorCode::forbidden,
               fmt::format("{} is for administrators: see the settings admins and script_writers",
                           method))
      .with("method", std::string(method));
}

} // namespace lethe
