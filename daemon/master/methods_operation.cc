// SPDX-License-Identifier: Apache-2.0
// ping, stats, config, reload, pause, resume, drain.
#include "daemon/master/methods.h"
#include "daemon/master/operation/log.h"
#include "ipc/message_pack.h"

#include <unistd.h>

namespace lethe {
namespace {

void pack_value(Packer &packer, int64_t value) { packer.pack_int64(value); }
void pack_value(Packer &packer, double value) { packer.pack_double(value); }
void pack_value(Packer &packer, bool value) { value ? packer.pack_true() : packer.pack_false(); }
void pack_value(Packer &packer, const std::string &value) { pack_string(packer, value); }
template <Named Enumeration> void pack_value(Packer &packer, Enumeration value) {
  pack_string(packer, name_of(value));
}
void pack_value(Packer &packer, const std::vector<std::string> &value) {
  packer.pack_array(static_cast<uint32_t>(value.size()));
  for (const std::string &element : value)
    pack_string(packer, element);
}

// The pool that the params, [pool], name; without one, the default pool. Answers if there is none.
Pool *named_pool(const MethodCall &call, bool &well_formed) {
  Reader reader(call.params);
  const auto parts = reader.array();
  std::optional<std::string_view> name = "default";
  if (parts == 1u)
    name = reader.text();
  well_formed = parts && *parts <= 1 && name;
  Pool *pool = well_formed ? call.server.pool(*name) : nullptr;
  if (well_formed && !pool)
    call.fail(no_such_pool(*name));
  return pool;
}

bool set_mode(const MethodCall &call, Dispatcher::Mode mode) {
  bool well_formed = false;
  if (Pool *pool = named_pool(call, well_formed)) {
    pool->dispatcher().set_mode(mode);
    Packer(call.begin_result()).pack_true();
  }
  return well_formed;
}

} // namespace

bool answer_ping(const MethodCall &call) {
  MapWriter map;
  map.add_text("name", "lethe");
  map.add_text("version", LETHE_VERSION);
  const Pool &pool = *call.server.pools().front();
  map.add_text("v8", pool.v8_version());
  if (pool.tzdata().empty())
    Packer(map.key("tzdata")).pack_nil();
  else
    map.add_text("tzdata", pool.tzdata());
  map.add("pid", getpid());
  map.add("uptime_s", call.server.uptime_us() / 1'000'000);
  map.finish(call.begin_result());
  return true;
}

bool show_stats(const MethodCall &call) {
  Environment &environment = call.server.environment();
  environment.counters.log_lines_dropped = dropped_log_lines();
  environment.counters.output_lines_dropped = environment.child_outputs.dropped_lines();
  MapWriter map;
  map.add("pid", getpid());
  map.add("uptime_s", call.server.uptime_us() / 1'000'000);
  map.add("connections", call.server.connections());
  map.add("in_flight", environment.requests.in_use());
  map.add("buffered_bytes", environment.buffered_bytes());
#define LETHE_ROW(name, help) map.add(#name, environment.counters.name);
  LETHE_COUNTERS(LETHE_ROW)
#undef LETHE_ROW
  MapWriter pools;
  for (const auto &pool : call.server.pools())
    pool->write_stats(pools.key(pool->name()), call.server.is_admin(call.connection));
  pools.finish(map.key("pools"));
  map.finish(call.begin_result());
  return true;
}

bool show_config(const MethodCall &call) {
  const Settings &settings = call.server.environment().settings;
  MapWriter map;
  for_each_setting(settings, [&](const std::string &key, const auto &value, const auto &row) {
    // What was not set anywhere has no origin: its default.
    const auto origin = settings.origins.find(key);
    MapWriter entry;
    Packer packer(entry.key("value"));
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int64_t>)
      row.range.may_be_automatic &&value == automatic ? pack_string(packer, "auto")
                                                      : pack_value(packer, value);
    else
      pack_value(packer, value);
    entry.add_text("source", origin == settings.origins.end() ? "default" : origin->second);
    entry.add("reloadable", row.reloadable);
    entry.add_text("help", row.help);
    entry.finish(map.key(key));
  });
  map.finish(call.begin_result());
  return true;
}

bool reload_all(const MethodCall &call) {
  call.server.reload([reply = call.later()](const Result<Nothing> &reloaded) {
    if (reloaded)
      reply.result([](Buffer &out) { Packer(out).pack_true(); });
    else
      reply.error(reloaded.error());
  });
  return true;
}

bool pause_pool(const MethodCall &call) { return set_mode(call, Dispatcher::Mode::paused); }

bool resume_pool(const MethodCall &call) { return set_mode(call, Dispatcher::Mode::open); }

// Answered when nothing is left to finish.
bool drain_pool(const MethodCall &call) {
  bool well_formed = false;
  if (Pool *pool = named_pool(call, well_formed)) {
    pool->dispatcher().set_mode(Dispatcher::Mode::drained);
    call.server.answer_when_drained(*pool, call.later());
  }
  return well_formed;
}

} // namespace lethe
