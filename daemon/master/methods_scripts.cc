// SPDX-License-Identifier: Apache-2.0
// script.put, script.get, script.list, script.delete, script.release.
#include "daemon/master/methods.h"
#include "daemon/master/scripts/request_options.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"

#include <fmt/format.h>

namespace lethe {
namespace {

// A name alone says which script is meant: the default pool's goes before those of others.
std::pair<Pool *, const RegisteredScript *> find_anywhere(Server &server, std::string_view name) {
  for (const auto &pool : server.pools())
    if (const auto found = pool->scripts().find(name); found != pool->scripts().end())
      return {pool.get(), &found->second};
  return {nullptr, nullptr};
}

Error no_such_script(std::string_view name) {
  return Error(ErrorCode::not_found, fmt::format("there is no script {}", name))
      .with("kind", "script")
      .with("name", std::string(name));
}

// The params are [name].
std::optional<std::string_view> read_name(std::string_view params) {
  Reader reader(params);
  const auto parts = reader.array();
  const auto name = reader.string();
  return parts == 1u ? name : std::nullopt;
}

// Of this script, or of one that there is not.
bool may_write(const MethodCall &call, const Pool *pool) {
  return pool ? call.server.may_write_scripts(call.connection, *pool)
              : call.server.is_admin(call.connection);
}

// How far a script's warm-up has come.
void add_warm_up(MapWriter &map, const std::optional<message::Kept<message::WarmedUp>> &kept) {
  if (!kept)
    return;
  const message::WarmedUp &warmed_up = **kept;
  MapWriter inner;
  inner.add("rounds", warmed_up.rounds);
  inner.add("learned", warmed_up.learned);
  inner.add("steady", warmed_up.steady);
  inner.add("before_us", warmed_up.before_us);
  inner.add("after_us", warmed_up.after_us);
  inner.add("pure", warmed_up.changed.empty() && warmed_up.unknown.empty());
  for (const auto &[key, list] :
       {std::pair("changed", warmed_up.changed), {"unknown", warmed_up.unknown}})
    if (!list.empty())
      message::List<message::Text<>, message::most_entries>::write(inner.key(key), list);
  inner.finish(map.key("warm_up"));
}

} // namespace

bool put_script(const MethodCall &call) {
  Reader reader(call.params);
  const auto parts = reader.array();
  const auto name = reader.string(), source = reader.string();
  if ((parts != 2u && parts != 3u) || !name || !source)
    return false;
  auto script = std::make_shared<Script>();
  // The options first: they name the pool, on which rights and limits depend.
  const auto options = give_options(*script, reader.rest());
  if (!options) {
    call.fail(options.error());
    return true;
  }
  const std::string_view pool_name = options->pool.value_or("default");
  Pool *pool = call.server.pool(pool_name);
  if (!pool) {
    call.fail(no_such_pool(pool_name));
    return true;
  }
  if (const auto over = check_limits(options->limits, pool->settings())) {
    call.fail(*over);
    return true;
  }
  if (!call.server.may_write_scripts(call.connection, *pool)) {
    call.fail(forbidden("script.put"));
    return true;
  }
  if (const auto checked = check_script_name(*name); !checked) {
    call.fail(checked.error());
    return true;
  }
  script->pool = pool->name();
  script->name = *name;
  script->source = *source;
  if (const auto room = call.server.check_room_for(*script); !room) {
    call.fail(room.error());
    return true;
  }
  auto held = std::make_shared<Holding>(call.connection.account());
  held->set(script->source.size() + script->options.size());
  pool->put(std::move(script), [reply = call.later(), held](const Result<Pool::Put> &put) {
    if (!put)
      return reply.error(put.error());
    reply.result([&](Buffer &out) {
      MapWriter map;
      map.add_text("name", put->name);
      map.add("version", put->version);
      map.add("generation", put->generation);
      add_warm_up(map, put->warmed_up);
      map.finish(out);
    });
  });
  return true;
}

bool get_script(const MethodCall &call) {
  const auto name = read_name(call.params);
  if (!name)
    return false;
  const auto [pool, found] = find_anywhere(call.server, *name);
  if (!may_write(call, pool)) { // sources may hold secrets
    call.fail(forbidden("script.get"));
    return true;
  }
  if (!found) {
    call.fail(no_such_script(*name));
    return true;
  }
  MapWriter map;
  map.add_text("name", *name);
  map.add_text("pool", pool->name());
  map.add("version", found->script->version);
  map.add_text("source", found->script->source);
  map.key("options").append(found->script->options);
  map.key("functions").append(found->functions.empty() ? "\x90" : found->functions);
  if (found->failure)
    write_error(map.key("error"), *found->failure);
  else
    add_warm_up(map, found->warmed_up);
  map.finish(call.begin_result());
  return true;
}

bool list_scripts(const MethodCall &call) {
  Reader reader(call.params);
  const auto parts = reader.array();
  if (!parts || *parts > 1)
    return false;
  const auto options = read_script_options(reader.rest());
  if (!options) {
    call.fail(options.error());
    return true;
  }
  if (options->pool && !call.server.pool(*options->pool)) {
    call.fail(no_such_pool(*options->pool));
    return true;
  }
  // The length of the list stands before it, and is known at its end.
  uint32_t count = 0;
  Buffer list;
  const int64_t now_us = call.server.environment().loop.now_us();
  for (const auto &pool : call.server.pools()) {
    if (options->pool && pool->name() != *options->pool)
      continue;
    const bool is_writer = may_write(call, pool.get());
    for (const auto &[name, registered] : pool->scripts()) {
      MapWriter map;
      map.add_text("name", name);
      map.add_text("pool", pool->name());
      map.add("version", registered.script->version);
      map.add("bytes", registered.script->source.size());
      map.add("resident", !registered.failure);
      map.add("faults", registered.history->faults(now_us));
      map.add("quarantined", registered.history->is_quarantined(now_us));
      map.add("compiled", registered.history->compiled());
      // Source maps have sources in them.
      map.key("options").append(is_writer ? std::string_view(registered.script->options) : "\x80");
      if (registered.failure)
        write_error(map.key("error"), *registered.failure);
      map.finish(list);
      ++count;
    }
  }
  Buffer &out = call.begin_result();
  Packer(out).pack_array(count);
  out.append(list.view());
  return true;
}

bool delete_script(const MethodCall &call) {
  const auto name = read_name(call.params);
  if (!name)
    return false;
  const auto [pool, found] = find_anywhere(call.server, *name);
  if (!may_write(call, pool)) {
    call.fail(forbidden("script.delete"));
    return true;
  }
  // Even if it is not there (yet): a put of it may be waiting in the pool's queue.
  Pool &where = pool ? *pool : *call.server.pool("default");
  where.remove(std::string(*name), [reply = call.later()](const Result<bool> &removed) {
    if (!removed)
      return reply.error(removed.error());
    reply.result([&](Buffer &out) {
      Packer packer(out);
      pack_boolean(packer, *removed);
    });
  });
  return true;
}

// Wherever there is one of this name: the user of another pool's may not know that there are more.
bool release_script(const MethodCall &call) {
  const auto name = read_name(call.params);
  if (!name)
    return false;
  bool is_there = false, released = false;
  for (const auto &pool : call.server.pools())
    if (const auto found = pool->scripts().find(*name); found != pool->scripts().end()) {
      is_there = true;
      released |= found->second.history->release(call.server.environment().loop.now_us());
    }
  if (!is_there) {
    call.fail(no_such_script(*name));
    return true;
  }
  Packer packer(call.begin_result());
  pack_boolean(packer, released);
  return true;
}

} // namespace lethe
