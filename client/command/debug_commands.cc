// SPDX-License-Identifier: Apache-2.0
// lethe inspect, profile, heap.
#include "client/command/command_line.h"
#include "client/command/debug_session.h"
#include "client/command/inspector_server.h"
#include "client/command/report.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>

namespace lethe::command {
namespace {

constexpr uint16_t usual_port = 9229; // where Chrome and VS Code look

struct DebugArguments {
  std::string script, function, output, duration = "5s";
  std::vector<std::string> values;
  uint16_t port = usual_port;
  bool runs_on = false;
};

// "5s", "500ms", "2m".
int64_t parse_duration(const std::string &text) {
  int64_t number = 0;
  const char *end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  constexpr std::pair<std::string_view, int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60'000}};
  for (const auto &[name, factor] : units)
    if (error == std::errc() && number > 0 && number <= 600'000 &&
        name == std::string_view(unit, static_cast<size_t>(end - unit)))
      return number * factor;
  throw UsageError("--for " + text + ": expected a time such as 500ms, 5s or 2m");
}

// The parameters of inspect, profile and heap: [script, function, [arg, …], options].
Builder debug_params(const DebugArguments &arguments, const CommandLine &line,
                     const std::function<void(Builder &)> &add_option = {}) {
  Builder params;
  const auto add_name = [&params](const std::string &name) {
    name.empty() ? params.nil() : params.string(name);
  };
  params.array(4);
  add_name(arguments.script);
  add_name(arguments.function);
  params.value(json_array(arguments.values));
  params.map(1u + (line.pool.empty() ? 0u : 1u) + (line.memory_mb > 0 ? 1u : 0u) +
             (add_option ? 1u : 0u));
  params.string("console").boolean(true);
  if (!line.pool.empty())
    params.string("pool").string(line.pool);
  if (line.memory_mb > 0)
    params.string("memory_mb").integer(line.memory_mb);
  if (add_option)
    add_option(params);
  return params;
}

// A name that says what is in the file: acme-login-20260102T030405.cpuprofile.
std::string file_name(const DebugArguments &arguments, const std::string &suffix) {
  if (!arguments.output.empty())
    return arguments.output;
  std::string name = arguments.script.empty() ? "lethe" : arguments.script;
  std::ranges::replace(name, '/', '-');
  char time[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(time, sizeof time, "-%Y%m%dT%H%M%S", std::localtime(&now));
  return name + time + suffix;
}

// Writes what the request says to the file. Nothing is left of it if the request fails.
int write_file(const std::string &method, const DebugArguments &arguments, const Builder &params,
               const CommandLine &line, const std::string &suffix,
               const std::function<void(Value result, const std::string &file)> &tell) {
  const std::string path = file_name(arguments, suffix);
  std::ofstream file;
  if (path != "-")
    file.open(path, std::ios::binary | std::ios::trunc);
  std::ostream &out = path == "-" ? std::cout : file;
  if (!out)
    throw UsageError("can't write " + path);
  DebugSession session(line.socket, [&out](std::optional<std::string_view> part) {
    if (part)
      out << *part;
  });
  session.start(method, params);
  const Reply &reply = session.run();
  out.flush();
  if (!reply || !out) {
    if (path != "-")
      std::remove(path.c_str());
    if (!reply)
      return report_error(reply, line.json);
    std::cerr << "lethe: can't write " << path << '\n';
    return failed;
  }
  tell(reply.value(), path);
  return success;
}

void add_positionals(CLI::App &command, DebugArguments &arguments, bool required) {
  command.add_option("SCRIPT", arguments.script, "The script's name")->required(required);
  command.add_option("FUNCTION", arguments.function, "The function's name")->required(required);
  command.add_option("JSON", arguments.values, "The function's arguments");
}

void add_output_option(CLI::App &command, DebugArguments &arguments) {
  command
      .add_option("--output", arguments.output,
                  "The file to write; - is standard output (default: a name with the script's and "
                  "the time)")
      ->type_name("FILE");
}

void add_profile(CLI::App &app, CommandLine &line) {
  const auto arguments = std::make_shared<DebugArguments>();
  CLI::App *profile = app.add_subcommand(
      "profile", "Call a function again and again and write where its time goes (.cpuprofile)");
  add_positionals(*profile, *arguments, true);
  profile->add_option("--for", arguments->duration, "How long: 500ms, 5s, 2m (default: 5s)")
      ->type_name("TIME");
  add_output_option(*profile, *arguments);
  profile->footer("The calls follow each other without a rewind, in a process of their own.\n"
                  "Chrome's developer tools and VS Code show the file.\n"
                  "Example:\n"
                  "  lethe profile acme/login onLogin '{\"user\": \"ada\"}' --for 10s");
  add_common_options(*profile, line);
  add_memory_option(*profile, line);
  profile->callback([&line, arguments] {
    const int64_t for_ms = parse_duration(arguments->duration);
    const auto params =
        std::make_shared<Builder>(debug_params(*arguments, line, [for_ms](Builder &options) {
          options.string("for_ms").integer(for_ms);
        }));
    line.action = [&line, arguments, params] {
      return write_file("profile", *arguments, *params, line, ".cpuprofile",
                        [&](Value result, const std::string &file) {
                          std::cerr << arguments->script << ':' << arguments->function << ": "
                                    << as_text(result["runs"]) << " calls, ";
                          if (const auto mean_us = result["mean_us"].number())
                            std::cerr << *mean_us << " µs each; ";
                          if (result["stopped"].boolean() == true)
                            std::cerr << "the last one did not return and was stopped; ";
                          std::cerr << "profile in " << file << '\n';
                        });
    };
  });
}

void add_heap(CLI::App &app, CommandLine &line) {
  const auto arguments = std::make_shared<DebugArguments>();
  CLI::App *heap = app.add_subcommand(
      "heap", "Write what is in a worker's memory, after a call or before any (.heapsnapshot)");
  add_positionals(*heap, *arguments, false);
  add_output_option(*heap, *arguments);
  heap->footer("Chrome's developer tools show the file (Memory, Load).\n"
               "Examples:\n"
               "  lethe heap\n"
               "  lethe heap acme/login onLogin '{\"user\": \"ada\"}'");
  add_common_options(*heap, line);
  add_memory_option(*heap, line);
  heap->callback([&line, arguments] {
    const auto params = std::make_shared<Builder>(debug_params(*arguments, line));
    line.action = [&line, arguments, params] {
      return write_file("heap", *arguments, *params, line, ".heapsnapshot",
                        [](Value result, const std::string &file) {
                          std::cerr << as_text(result["bytes"]) << " bytes in " << file << '\n';
                        });
    };
  });
}

// Passes messages on between the debugger and the worker until the request is answered.
int inspect(const DebugArguments &arguments, const Builder &params, const CommandLine &line) {
  bool open = false;
  std::vector<std::optional<std::string>> early; // what was said before the worker listened
  InspectorServer *debugger = nullptr;
  DebugSession session(line.socket, [&](std::optional<std::string_view> message) {
    if (message)
      return debugger->say(*message);
    open = true;
    for (const auto &said : early)
      session.say(said);
  });
  InspectorServer server(arguments.script, [&](std::optional<std::string_view> message) {
    if (open)
      session.say(message);
    else
      early.emplace_back(message);
  });
  debugger = &server;
  if (const std::string error = server.listen(arguments.port); !error.empty()) {
    std::cerr << "lethe: " << error << '\n';
    return failed;
  }
  session.start("inspect", params);
  if (!session.reply())
    std::cerr << "Debugger listening on " << server.web_socket_url()
              << "\nOpen chrome://inspect in Chrome, or attach VS Code to port " << server.port()
              << '.' << std::endl;
  while (!session.reply()) {
    std::vector<pollfd> poll_for;
    server.add_to(poll_for);
    poll_for.push_back({session.descriptor(), session.events(), 0});
    if (!server.has_room())
      poll_for.back().events = 0;
    if (::poll(poll_for.data(), poll_for.size(), -1) < 0)
      continue;
    const bool session_has_news = poll_for.back().revents != 0;
    server.advance();
    if (session_has_news && server.has_room())
      session.advance();
  }
  server.close();
  return report(*session.reply(), line.json);
}

void add_inspect(CLI::App &app, CommandLine &line) {
  const auto arguments = std::make_shared<DebugArguments>();
  CLI::App *command = app.add_subcommand(
      "inspect", "Call a function under a debugger: Chrome, VS Code, or another of their protocol");
  add_positionals(*command, *arguments, true);
  command
      ->add_option("--port", arguments->port,
                   "Where the debugger connects, on 127.0.0.1; 0: any free port (default: 9229)")
      ->type_name("PORT");
  command->add_flag("--no-pause", arguments->runs_on,
                    "Do not stop at the function's first statement");
  command->footer(
      "The script is loaded anew in a process of its own, without a deadline, once the\n"
      "debugger is connected. Its name is the URL for breakpoints.\n"
      "Example:\n"
      "  lethe inspect acme/login onLogin '{\"user\": \"ada\"}'");
  add_common_options(*command, line);
  add_memory_option(*command, line);
  command->callback([&line, arguments] {
    const auto params = std::make_shared<Builder>(
        debug_params(*arguments, line, [runs_on = arguments->runs_on](Builder &options) {
          options.string("pause").boolean(!runs_on);
        }));
    line.action = [&line, arguments, params] { return inspect(*arguments, *params, line); };
  });
}

} // namespace

void add_debug_commands(CLI::App &app, CommandLine &line) {
  add_inspect(app, line);
  add_profile(app, line);
  add_heap(app, line);
}

} // namespace lethe::command
