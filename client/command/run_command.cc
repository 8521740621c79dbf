// SPDX-License-Identifier: Apache-2.0
// lethe run: one call in a daemon of its own.
#include "client/command/command_line.h"
#include "client/command/commonjs.h"
#include "client/command/private_daemon.h"
#include "client/command/report.h"

#include <csignal>
#include <filesystem>
#include <iostream>
#include <poll.h>

namespace lethe::command {
namespace {

using namespace std::chrono_literals;

struct RunArguments {
  std::string file, function;
  std::vector<std::string> values;
  bool module = false, node_globals = false;
  CommonjsChoice commonjs;
};

// Waits for the reply of what `start` starts. Nothing: a signal came first.
std::optional<Reply> await(Client &client, const Interruptions &interruptions,
                           const std::function<void(Client::Completion)> &start) {
  std::optional<Reply> reply;
  start([&reply](Reply arrived) { reply = std::move(arrived); });
  while (!reply) {
    pollfd descriptors[] = {{client.descriptor(), POLLIN, 0},
                            {interruptions.descriptor(), POLLIN, 0}};
    ::poll(descriptors, 2, -1); // requests have their time-outs
    if (descriptors[1].revents != 0)
      return std::nullopt;
    client.dispatch(0ms);
  }
  return reply;
}

// Nothing: interrupted.
std::optional<int> put_and_call(Client &client, const Interruptions &interruptions,
                                const RunArguments &arguments, const std::string &source,
                                Value values, const CommandLine &line) {
  const std::filesystem::path path = arguments.file == "-" ? "script" : arguments.file;
  const std::string name = path.filename();
  const auto source_of = [&](const std::string &) { return std::optional<std::string>(source); };
  Builder params;
  const bool is_module = arguments.module || path.extension() == ".mjs";
  params.array(3).string(name).string(source).map(3);
  params.string("module").boolean(is_module);
  params.string("commonjs").boolean(arguments.commonjs.decide(arguments.file, source, is_module));
  params.string("node_globals").boolean(arguments.node_globals);
  auto reply = await(client, interruptions, [&](Client::Completion completion) {
    client.invoke_async("script.put", params, 60s, std::move(completion));
  });
  if (reply && !*reply)
    return report_error(*reply, line.json, source_of);
  if (reply)
    reply = await(client, interruptions, [&](Client::Completion completion) {
      client.call_async(name, arguments.function, values, line.options(), std::move(completion));
    });
  return reply ? std::optional<int>(report(*reply, line.json, source_of)) : std::nullopt;
}

int run(const RunArguments &arguments, const std::string &source, Value values,
        const CommandLine &line) {
  Interruptions interruptions;
  std::optional<int> status;
  {
    PrivateDaemon daemon;
    if (const std::string error = daemon.start(interruptions); error.empty()) {
      CommandLine private_line = line;
      private_line.socket = daemon.socket_path();
      status = with_client(private_line, [&](Client &client) {
        return put_and_call(client, interruptions, arguments, source, values, line).value_or(-1);
      });
    } else if (error != "interrupted") {
      std::cerr << "lethe: " << error << '\n';
      return unreachable;
    }
  }
  if (const int signal = interruptions.take())
    return 128 + signal; // all is cleaned up; what a shell reports of a command that a signal ended
  return status.value_or(failed);
}

} // namespace

void add_run_command(CLI::App &app, CommandLine &line) {
  const auto arguments = std::make_shared<RunArguments>();
  CLI::App *command =
      app.add_subcommand("run", "Call a function of a file in a private daemon; needs no service");
  command->add_option("FILE", arguments->file, "The script; - reads standard input")->required();
  command->add_option("FUNCTION", arguments->function, "The function's name")->required();
  command->add_option("JSON", arguments->values, "The function's arguments");
  command->add_flag("--module", arguments->module, "FILE is an ES module (as is any .mjs)");
  arguments->commonjs.add_to(*command);
  command->add_flag("--node-globals", arguments->node_globals,
                    "FILE finds Buffer, process and global, as npm libraries want them");
  command->footer("Example:\n"
                  "  lethe run hello.js greet '\"Ada\"'");
  command->add_flag("--json", line.json, "Errors as one line of JSON");
  add_limit_options(*command, line);
  command->callback([&line, arguments] {
    const std::string source = read_file(arguments->file);
    const auto values = std::make_shared<Builder>(json_array(arguments->values));
    line.action = [&line, arguments, source, values] {
      return run(*arguments, source, *values, line);
    };
  });
}

} // namespace lethe::command
