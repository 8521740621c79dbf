// SPDX-License-Identifier: Apache-2.0
// What all subcommands share: options, exit statuses, the connection, JSON arguments.
#pragma once

#include "client/include/lethe.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace lethe::command {

enum ExitStatus : int {
  success = 0,
  script_failed = 1,
  wrong_usage = 2,
  limit_reached = 3,
  unreachable = 4,
  failed = 5,
};

struct CommandLine {
  std::string socket, pool, isolation;
  int64_t deadline_ms = 0, cpu_ms = 0, memory_mb = 0;
  bool json = false;
  std::function<int()> action; // what the subcommand does; returns the exit status

  Options options() const;
};

// Ends the command with a message and status 2.
struct UsageError : CLI::Error {
  explicit UsageError(const std::string &message)
      : CLI::Error("UsageError", message, int{wrong_usage}) {}
};

// Options of each subcommand; those with limits are for what runs scripts.
void add_common_options(CLI::App &app, CommandLine &line);
void add_limit_options(CLI::App &app, CommandLine &line);
void add_memory_option(CLI::App &app, CommandLine &line); // one of them
// An array of values from JSON texts. Throws UsageError.
Builder json_array(const std::vector<std::string> &texts);
// A value from JSON text; `what` names the argument in the message. Throws UsageError.
Builder json_value(const std::string &what, const std::string &text);

// The file's text; "-" is standard input. Throws UsageError.
std::string read_file(const std::string &path);

// Sends a request whose only options are the pool: administration.
Reply administer(Client &client, const std::string &method, Value params = {});
// Connects and runs `action`; reports that there is no daemon.
int with_client(const CommandLine &line, const std::function<int(Client &)> &action);

// Each adds its subcommands (files of the same name).
void add_call_commands(CLI::App &app, CommandLine &line);
void add_script_commands(CLI::App &app, CommandLine &line);
void add_service_commands(CLI::App &app, CommandLine &line);
void add_top_command(CLI::App &app, CommandLine &line);
void add_debug_commands(CLI::App &app, CommandLine &line);
void add_run_command(CLI::App &app, CommandLine &line);
void add_bundle_command(CLI::App &app, CommandLine &line);

} // namespace lethe::command
