// SPDX-License-Identifier: Apache-2.0
// lethe ping, stats, config, reload, pause, resume, drain.
#include "client/command/command_line.h"
#include "client/command/report.h"

#include <iostream>

namespace lethe::command {
namespace {

void print_ping(Value pong) {
  std::cout << as_text(pong["name"]) << ' ' << as_text(pong["version"]) << ", V8 "
            << as_text(pong["v8"]) << ", "
            << (pong["tzdata"].type() == LETHE_NIL ? "ICU's own time zones"
                                                   : "tzdata " + as_text(pong["tzdata"]))
            << ", process " << as_text(pong["pid"]) << ", up for " << as_text(pong["uptime_s"])
            << " s" << std::endl;
}

void print_stats(Value stats) { std::cout << as_outline(stats) << std::flush; }

// {key: {value, source, …}, …}
void print_config(Value config) {
  std::vector<std::vector<std::string>> rows{{"KEY", "VALUE", "SET IN"}};
  config.for_each([&](Value key, Value setting) {
    rows.push_back({as_text(key), as_text(setting["value"]), as_text(setting["source"])});
  });
  std::cout << as_table(rows) << std::flush;
}

void print_nothing(Value) {}

struct ServiceCommand {
  const char *name, *help;
  bool takes_pool;
  void (*print)(Value result);
};

constexpr ServiceCommand commands[] = {
    {"ping", "Ask whether the daemon is there", false, print_ping},
    {"stats", "Show counters, pools and workers", false, print_stats},
    {"config", "Show the settings in force, and where each was set", false, print_config},
    {"reload", "Read configuration and preload scripts again", false, print_nothing},
    {"pause", "Stop dispatching; requests queue", true, print_nothing},
    {"resume", "Go on after pause or drain", true, print_nothing},
    {"drain", "Finish what runs and refuse new requests", true, print_nothing},
};

} // namespace

void add_service_commands(CLI::App &app, CommandLine &line) {
  for (const ServiceCommand &command : commands) {
    CLI::App *subcommand = app.add_subcommand(command.name, command.help);
    add_common_options(*subcommand, line);
    subcommand->callback([&line, &command] {
      line.action = [&line, &command] {
        return with_client(line, [&](Client &client) {
          Builder params;
          const bool has_pool = command.takes_pool && !line.pool.empty();
          params.array(has_pool ? 1 : 0);
          if (has_pool)
            params.string(line.pool);
          const Reply reply = administer(client, command.name, params);
          if (!reply || line.json)
            return report(reply, line.json);
          command.print(reply.value());
          return int{success};
        });
      };
    });
  }
}

} // namespace lethe::command
