// SPDX-License-Identifier: Apache-2.0
// hello, and nvim_get_api_info: a client and the daemon say who they are and what they can.
#include "daemon/master/methods.h"
#include "daemon/master/scripts/request_options.h"
#include "ipc/message_pack.h"

namespace lethe {
namespace {

constexpr int protocol = 1; // rises when what a client may rely on changes

} // namespace

bool greet_client(const MethodCall &call) {
  Reader reader(call.params);
  const auto parts = reader.array();
  if (!parts || *parts > 1)
    return false;
  auto hello = read_hello(reader.rest());
  if (!hello) {
    call.fail(hello.error());
    return true;
  }
  call.connection.greet(std::move(*hello));
  const Hello &in_force = call.connection.hello();
  const Settings &settings = call.server.environment().settings;
  MapWriter map;
  map.add_text("name", "lethe");
  map.add_text("version", LETHE_VERSION);
  map.add("protocol", protocol);
  map.add_text("v8", call.server.pools().front()->v8_version());
  map.add_text("errors", name_of(in_force.errors));
  map.add_text("numbers", name_of(in_force.numbers));
  map.add("host_calls", in_force.host_calls);
  MapWriter limits;
  limits.add("max_message_bytes", settings.max_message_bytes);
  limits.add("max_depth", settings.max_depth);
  limits.add("max_in_flight", settings.max_in_flight);
  limits.finish(map.key("limits"));
  Packer pools(map.key("pools"));
  pools.pack_array(static_cast<uint32_t>(call.server.pools().size()));
  for (const auto &pool : call.server.pools())
    pack_string(pools, pool->name());
  map.finish(call.begin_result());
  return true;
}

// What Neovim's clients ask first; without an answer most do not connect. They take errors in one
// shape only. What they ask it for is there, and Neovim itself is not.
bool greet_neovim_client(const MethodCall &call) {
  Hello hello = call.connection.hello();
  hello.errors = ErrorShape::pair;
  call.connection.greet(std::move(hello));
  const auto numbered = [](std::initializer_list<std::string_view> names, std::string_view prefix) {
    MapWriter map;
    int id = 0;
    for (const std::string_view name : names) {
      MapWriter type;
      type.add("id", id++);
      if (!prefix.empty())
        type.add_text("prefix", prefix);
      type.finish(map.key(name));
    }
    return map;
  };
  MapWriter version;
  for (const char *part : {"major", "minor", "patch", "api_level", "api_compatible"})
    version.add(part, 0);
  version.add("api_prerelease", false);
  MapWriter info;
  version.finish(info.key("version"));
  Packer(info.key("functions")).pack_array(0);
  Packer(info.key("ui_events")).pack_array(0);
  numbered({"Buffer", "Window", "Tabpage"}, "nvim_").finish(info.key("types"));
  numbered({"Exception", "Validation"}, {}).finish(info.key("error_types"));
  Buffer &out = call.begin_result();
  Packer(out).pack_array(2).pack_uint64(call.connection.serial);
  info.finish(out);
  return true;
}

} // namespace lethe
