// SPDX-License-Identifier: Apache-2.0
// What all subcommands share.
#include "client/command/command_line.h"
#include "client/command/report.h"

#include <fstream>
#include <iostream>
#include <iterator>

namespace lethe::command {

using namespace std::chrono_literals;

Options CommandLine::options() const {
  Options options;
  options.pool = pool;
  options.isolation = isolation;
  options.deadline = std::chrono::milliseconds(deadline_ms);
  options.cpu = std::chrono::milliseconds(cpu_ms);
  options.memory_mb = memory_mb;
  options.console = true;
  return options;
}

void add_common_options(CLI::App &app, CommandLine &line) {
  app.add_option("--socket", line.socket,
                 "The daemon's socket (default: $LETHE_SOCKET, else /run/lethe/lethe.sock)")
      ->type_name("PATH");
  app.add_option("--pool", line.pool, "The pool of workers (default: \"default\")")
      ->type_name("NAME");
  app.add_flag("--json", line.json, "Machine-readable: results and errors as one line of JSON");
}

namespace {

CLI::Range positive() { return {int64_t{1}, int64_t{INT32_MAX}}; }

} // namespace

void add_memory_option(CLI::App &app, CommandLine &line) {
  app.add_option("--memory", line.memory_mb, "Limit on memory, below the pool's")
      ->type_name("MB")
      ->check(positive());
}

void add_limit_options(CLI::App &app, CommandLine &line) {
  app.add_option("--deadline", line.deadline_ms,
                 "Limit on time from request to reply, at most the pool's max_deadline_ms")
      ->type_name("MS")
      ->check(positive());
  app.add_option("--cpu", line.cpu_ms, "Limit on CPU time, at most the pool's max_cpu_ms")
      ->type_name("MS")
      ->check(positive());
  add_memory_option(app, line);
  app.add_option("--isolation", line.isolation,
                 "one of rewind, process, reuse; only stricter than the pool's")
      ->type_name("MODE")
      ->check(CLI::IsMember({"rewind", "process", "reuse"}));
}

Builder json_array(const std::vector<std::string> &texts) {
  Builder array;
  array.array(static_cast<uint32_t>(texts.size()));
  for (const auto &text : texts)
    array.value(json_value("argument " + text, text));
  return array;
}

Builder json_value(const std::string &what, const std::string &text) {
  auto value = Builder::from_json(text);
  if (!value)
    throw UsageError(what + ": " + std::string(value.error().message()) +
                     "\nA string needs quotes of its own: '\"text\"'");
  return std::move(*value);
}

std::string read_file(const std::string &path) {
  if (path == "-")
    return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file)
    throw UsageError("can't read " + path);
  return text;
}

Reply administer(Client &client, const std::string &method, Value params) {
  return client.invoke(method, params, 10min); // a drain or a reload may take its time
}

int with_client(const CommandLine &line, const std::function<int(Client &)> &action) {
  auto client = Client::connect(line.socket);
  if (!client)
    return report_error(client.error(), line.json);
  client->set_limits(256, SIZE_MAX); // the daemon knows its own
  client->on_console(
      [](uint32_t, std::string_view, std::string_view text) { std::cerr << text << '\n'; });
  return action(*client);
}

} // namespace lethe::command
