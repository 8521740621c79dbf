// SPDX-License-Identifier: Apache-2.0
// script.put, script.put_many, script.get, script.list, script.delete, script.release.
#include "daemon/master/methods.h"
#include "daemon/master/scripts/request_options.h"
#include "ipc/error_map.h"
#include "ipc/message_pack.h"

#include <fmt/format.h>
#include <set>

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
  const auto name = reader.text();
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

// One script to put: [name, source, options].
struct Putting {
  std::shared_ptr<Script> script = std::make_shared<Script>();
  Pool *pool = nullptr;
};

// Nothing: it is not such an array.
std::optional<Result<Putting>> read_script(const MethodCall &call, Reader &reader) {
  const auto parts = reader.array();
  const auto name = reader.text(), source = reader.text();
  const auto raw_options = parts == 3u ? reader.take_raw() : std::optional(std::string_view());
  if ((parts != 2u && parts != 3u) || !name || !source || !raw_options)
    return std::nullopt;
  Putting putting;
  // The options first: they name the pool, on which rights and limits depend.
  const auto options = give_options(*putting.script, *raw_options);
  if (!options)
    return options.error();
  const std::string_view pool_name = options->pool.value_or("default");
  putting.pool = call.server.pool(pool_name);
  if (!putting.pool)
    return no_such_pool(pool_name);
  if (const auto over = check_limits(options->limits, putting.pool->settings()))
    return *over;
  if (!call.server.may_write_scripts(call.connection, *putting.pool))
    return forbidden("script.put");
  if (const auto checked = check_script_name(*name); !checked)
    return checked.error();
  putting.script->pool = putting.pool->name();
  putting.script->name = *name;
  putting.script->source = *source;
  return putting;
}

// write(put, out) writes the result.
template <typename Write>
void put_scripts(const MethodCall &call, Pool &pool, Pool::NewScripts scripts, Write write) {
  if (const auto room = call.server.check_room_for(scripts); !room)
    return call.fail(room.error());
  auto held = std::make_shared<Holding>(call.connection.account());
  held->set(Pool::bytes_of(scripts));
  pool.put(std::move(scripts), [reply = call.later(), held, write](const Result<Pool::Put> &put) {
    if (!put)
      return reply.error(put.error());
    reply.result([&](Buffer &out) { write(*put, out); });
  });
}

} // namespace

bool put_script(const MethodCall &call) {
  Reader reader(call.params);
  auto putting = read_script(call, reader);
  if (!putting)
    return false;
  if (!*putting) {
    call.fail(putting->error());
    return true;
  }
  put_scripts(call, *(*putting)->pool, {std::move((*putting)->script)},
              [](const Pool::Put &put, Buffer &out) {
                MapWriter map;
                map.add_text("name", put.scripts.front().name);
                map.add("version", put.scripts.front().version);
                map.add("generation", put.generation);
                add_warm_up(map, put.scripts.front().warmed_up);
                map.finish(out);
              });
  return true;
}

bool put_many_scripts(const MethodCall &call) {
  Reader reader(call.params);
  const auto parts = reader.array(), count = reader.array();
  if (parts != 1u || !count || *count == 0)
    return false;
  const auto refuse = [&call](Error error) {
    call.fail(error);
    return true;
  };
  Pool *pool = nullptr;
  Pool::NewScripts scripts;
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < *count; ++i) {
    auto putting = read_script(call, reader);
    if (!putting)
      return false;
    if (!*putting) {
      Error error = putting->error();
      error.message.insert(0, fmt::format("script {} of {}: ", i + 1, *count));
      return refuse(std::move(error));
    }
    if (pool && (*putting)->pool != pool)
      return refuse(Error(ErrorCode::invalid_request, "all scripts must be of one pool"));
    pool = (*putting)->pool;
    scripts.push_back(std::move((*putting)->script));
    if (!names.insert(scripts.back()->name).second)
      return refuse(Error(ErrorCode::invalid_request,
                          fmt::format("two scripts have the name {}", scripts.back()->name)));
  }
  put_scripts(call, *pool, std::move(scripts), [](const Pool::Put &put, Buffer &out) {
    MapWriter result;
    result.add("generation", put.generation);
    Buffer &list = result.key("scripts");
    Packer(list).pack_array(static_cast<uint32_t>(put.scripts.size()));
    for (const Pool::PutScript &script : put.scripts) {
      MapWriter map;
      map.add_text("name", script.name);
      map.add("version", script.version);
      add_warm_up(map, script.warmed_up);
      map.finish(list);
    }
    result.finish(out);
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
  const auto options = read_list_options(reader.rest());
  if (!options) {
    call.fail(options.error());
    return true;
  }
  if (options->pool && !call.server.pool(*options->pool)) {
    call.fail(no_such_pool(*options->pool));
    return true;
  }
  const auto is_wanted = [](std::optional<bool> wanted, bool is) {
    return wanted.value_or(is) == is;
  };
  const auto most = static_cast<uint64_t>(options->limit.value_or(INT64_MAX));
  // The length of the list stands before it, and is known at its end.
  uint32_t count = 0;
  Buffer list;
  const int64_t now_us = call.server.environment().loop.now_us();
  for (const auto &pool : call.server.pools()) {
    if (options->pool && pool->name() != *options->pool)
      continue;
    const bool is_writer = may_write(call, pool.get());
    const Pool::Scripts &scripts = pool->scripts();
    for (auto next = options->after < options->prefix || options->after.empty()
                         ? scripts.lower_bound(options->prefix)
                         : scripts.upper_bound(options->after);
         next != scripts.end() && next->first.starts_with(options->prefix) && count < most;
         ++next) {
      const auto &[name, registered] = *next;
      if (!is_wanted(options->failing, registered.failure.has_value()) ||
          !is_wanted(options->quarantined, registered.history->is_quarantined(now_us)))
        continue;
      MapWriter map;
      map.add_text("name", name);
      map.add_text("pool", pool->name());
      map.add("version", registered.script->version);
      map.add("bytes", registered.script->source.size());
      map.add("resident", !registered.failure && !registered.is_cold);
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
