// SPDX-License-Identifier: Apache-2.0
// call, eval, chain, inspect, profile and heap: from the message to the frame that a worker gets.
// Arguments are copied as bytes.
#include "daemon/master/methods.h"
#include "daemon/master/scripts/request_options.h"
#include "ipc/message_pack.h"
#include "ipc/messages.h"

#include <algorithm>
#include <fmt/format.h>

namespace lethe {
namespace {

constexpr uint32_t most_steps = 1000;
constexpr int64_t debugging_start_us = 10'000'000; // for a worker to be forked

RunLimits resolve(const Limits &request, const Limits &script, const Pool &in) {
  return resolve_limits(request, script, in.settings(), in.dispatcher().isolation());
}

// What the log says of a request, and what waits with it for each step of a chain.
std::optional<Error> check_function_name(std::string_view function) {
  constexpr size_t most_bytes = 1024;
  if (function.size() <= most_bytes)
    return std::nullopt;
  return Error(ErrorCode::invalid_request,
               fmt::format("the name of a function has at most {} bytes", most_bytes));
}

const RegisteredScript *find_script(const MethodCall &call, Pool &pool, std::string_view name) {
  const auto found = pool.scripts().find(name);
  if (found != pool.scripts().end() && !found->second.failure) {
    found->second.history->note_call(call.server.environment().loop.now_us());
    if (found->second.is_cold)
      pool.note_cold_call(found->first);
    return &found->second;
  }
  std::string why =
      fmt::format("pool {} has no script {}; script.list lists what there is", pool.name(), name);
  if (found != pool.scripts().end())
    why = fmt::format("script {} is stored, but cannot be loaded: {}", name,
                      found->second.failure->message);
  call.fail(Error(ErrorCode::not_found, std::move(why))
                .with("kind", "script")
                .with("name", std::string(name)));
  return nullptr;
}

// A new request, except for its body.
Request &make_request(const MethodCall &call, Pool &pool, const CallOptions &options,
                      const RunLimits &limits) {
  Environment &environment = call.server.environment();
  Request &request = environment.requests.take();
  request.msgid = call.msgid;
  request.dispatcher = &pool.dispatcher();
  request.isolation = limits.isolation;
  // A request that is stricter than its pool gets a worker that never ran anything, for itself: the
  // others have served under looser rules.
  request.once =
      limits.isolation == Isolation::process || limits.isolation != pool.dispatcher().isolation();
  request.wants_console = options.console;
  request.wants_stats = options.stats;
  request.wants_floats = call.connection.hello().numbers == NumberShape::floating;
  request.idempotent = options.idempotent;
  request.is_fetch = options.fetch;
  request.trace = options.trace;
  request.received_us = environment.loop.now_us();
  request.deadline_us = request.received_us + limits.deadline_ms * 1000;
  request.memory_mb = limits.memory_mb;
  // A worker that stays awake takes a processor: only while at most half of them have a request.
  request.busy_poll_us = environment.requests.in_use() * 2 <= environment.processors
                             ? pool.settings().busy_poll_us
                             : 0;
  return request;
}

uint32_t flags_of(const Request &request) {
  return (request.once ? run_once : 0u) |
         (request.isolation == Isolation::rewind && !request.once ? run_rewind : 0u) |
         (request.wants_stats ? run_wants_stats : 0u) |
         (request.wants_console ? run_has_console : 0u) |
         (request.wants_floats ? run_wants_floats : 0u) | (request.is_fetch ? run_is_fetch : 0u);
}

// The body of a run frame, up to its last field, the arguments.
void write_run(Buffer &out, RunKind kind, std::string_view script, std::string_view text,
               const Request &request, const RunLimits &limits, int64_t number = 0) {
  write_up_to_last(out, message::Run{.kind = kind,
                                     .script = script,
                                     .text = text,
                                     .flags = flags_of(request),
                                     .cpu_ms = limits.cpu_ms,
                                     .memory_mb = limits.memory_mb,
                                     .busy_poll_us = request.busy_poll_us,
                                     .number = number});
}

void submit(const MethodCall &call, Request &request) {
  call.connection.list(request); // before, as the dispatcher may answer at once
  request.dispatcher->submit(request);
}

// The pool that the options name, if the request may run there.
Pool *admit(const MethodCall &call, const Result<CallOptions> &options,
            std::string_view function = {}) {
  std::optional<Error> error;
  Pool *pool = nullptr;
  if (!options)
    error = options.error();
  else if (pool = call.server.pool(options->pool); !pool)
    error = no_such_pool(options->pool);
  else if (error = check_limits(options->limits, pool->settings()); !error)
    error = check_function_name(function);
  if (!error)
    return pool;
  call.fail(*error);
  return nullptr;
}

// One request of a debugger. Under isolation `process`, as its worker is its own.
bool debug(const MethodCall &call, RunKind kind) {
  Reader reader(call.params);
  const auto parts = reader.array();
  const bool may_lack_function = kind == RunKind::heap;
  const auto read_name = [&]() -> std::optional<std::string_view> {
    if (may_lack_function && reader.rest().starts_with(packed_nil)) {
      reader.skip();
      return std::string_view();
    }
    return reader.text();
  };
  const auto script = read_name(), function = read_name();
  const auto arguments = reader.take_raw();
  if ((parts != 3u && parts != 4u) || !script || !function || !arguments ||
      !Reader(*arguments).array())
    return false;
  const auto options = read_call_options(reader.rest(), kind);
  Pool *pool = admit(call, options, *function);
  if (!pool)
    return true;
  const RegisteredScript *registered =
      script->empty() ? nullptr : find_script(call, *pool, *script);
  if (!registered && !script->empty())
    return true;
  RunLimits limits =
      resolve(options->limits, registered ? registered->script->limits : Limits{}, *pool);
  limits.isolation = Isolation::process;
  limits.cpu_ms = 0;
  Request &request = make_request(call, *pool, *options, limits);
  request.debugs = true;
  request.deadline_us = request.received_us + debugging_start_us;
  request.name.append("debug ").append(*script).append(":").append(*function);
  const int64_t number = kind == RunKind::inspect   ? int64_t{options->pause}
                         : kind == RunKind::profile ? options->for_ms
                                                    : 0;
  write_run(request.body, kind, *script, *function, request, limits, number);
  request.body.append(*arguments);
  submit(call, request);
  return true;
}

} // namespace

bool call_script(const MethodCall &call) {
  Reader reader(call.params);
  const auto parts = reader.array();
  const auto script = reader.text(), function = reader.text();
  const auto arguments = reader.take_raw();
  if ((parts != 3u && parts != 4u) || !script || !function || !arguments ||
      !Reader(*arguments).array())
    return false;
  const auto options = read_call_options(reader.rest(), RunKind::call);
  Pool *pool = admit(call, options, *function);
  if (!pool)
    return true;
  const RegisteredScript *registered = find_script(call, *pool, *script);
  if (!registered)
    return true;
  const RunLimits limits = resolve(options->limits, registered->script->limits, *pool);
  Request &request = make_request(call, *pool, *options, limits);
  request.histories.push_back(registered->history);
  request.name.append(*script).append(":").append(*function);
  write_run(request.body, RunKind::call, *script, *function, request, limits);
  request.body.append(*arguments);
  submit(call, request);
  return true;
}

bool eval_source(const MethodCall &call) {
  Reader reader(call.params);
  const auto parts = reader.array();
  const auto source = reader.text();
  if ((parts != 1u && parts != 2u) || !source)
    return false;
  const auto options = read_call_options(reader.rest(), RunKind::eval);
  Pool *pool = admit(call, options);
  if (!pool)
    return true;
  const RunLimits limits = resolve(options->limits, {}, *pool);
  Request &request = make_request(call, *pool, *options, limits);
  request.histories.push_back(call.connection.account()->evals);
  request.name = "eval";
  write_run(request.body, RunKind::eval, "eval", *source, request, limits);
  request.body.append(options->globals);
  submit(call, request);
  return true;
}

bool chain_scripts(const MethodCall &call) {
  Reader reader(call.params);
  const auto parts = reader.array();
  const auto steps = reader.take_raw(), input = reader.take_raw();
  if ((parts != 2u && parts != 3u) || !steps || !input)
    return false;
  Reader step_reader(*steps);
  const auto count = step_reader.array();
  if (!count || *count == 0 || *count > most_steps)
    return false;
  std::vector<std::pair<std::string_view, std::string_view>> functions;
  std::optional<Error> refused;
  for (uint32_t i = 0; i < *count; ++i) {
    const auto pair = step_reader.array();
    const auto script = step_reader.text(), function = step_reader.text();
    if (pair != 2u || !script || !function)
      return false;
    functions.emplace_back(*script, *function);
    if (!refused)
      refused = check_function_name(*function);
  }
  const auto options = read_call_options(reader.rest(), RunKind::call);
  Pool *pool = admit(call, options);
  if (!pool)
    return true;
  if (options->fetch && !refused)
    refused = Error(ErrorCode::invalid_request, "option fetch is for call: what a step of a chain "
                                                "gives is what the next one gets");
  if (refused) {
    call.fail(*refused);
    return true;
  }
  // The strictest isolation of all steps, and one deadline; the other limits are each script's.
  std::vector<RunLimits> limits;
  std::vector<RunHistoryPointer> histories;
  Isolation strictest = Isolation::reuse;
  for (const auto &[script, function] : functions) {
    const RegisteredScript *registered = find_script(call, *pool, script);
    if (!registered)
      return true;
    limits.push_back(resolve(options->limits, registered->script->limits, *pool));
    histories.push_back(registered->history);
    strictest = std::max(strictest, limits.back().isolation);
  }
  limits[0].isolation = strictest;
  limits[0].deadline_ms = options->limits.deadline_ms.value_or(pool->settings().deadline_ms);
  Request &request = make_request(call, *pool, *options, limits[0]);
  request.name = "chain";
  request.step = 0;
  request.histories = std::move(histories);
  write_run(request.body, RunKind::call, functions[0].first, functions[0].second, request,
            limits[0]);
  Packer(request.body).pack_array(1);
  request.body.append(*input);
  for (size_t i = 1; i < functions.size(); ++i) {
    Buffer step;
    write_run(step, RunKind::call, functions[i].first, functions[i].second, request, limits[i]);
    request.later_steps.emplace_back(step.view());
  }
  submit(call, request);
  return true;
}

bool inspect_script(const MethodCall &call) { return debug(call, RunKind::inspect); }

bool profile_script(const MethodCall &call) { return debug(call, RunKind::profile); }

bool take_heap_snapshot(const MethodCall &call) { return debug(call, RunKind::heap); }

} // namespace lethe
