// SPDX-License-Identifier: Apache-2.0
// lethed: from its command line to the server.
#include "daemon/master/command_line.h"
#include "daemon/master/operation/log.h"
#include "daemon/master/server.h"

#include <cstdio>
#include <filesystem>

int main(int count, char **words) {
  using namespace lethe;
  CommandLine line;
  if (const auto status = parse(count, words, line))
    return *status;
  auto settings = load_settings(line.sources);
  if (!settings) {
    std::fprintf(stderr, "lethed: %s\n", settings.error().message.c_str());
    return 2;
  }
  if (line.check_config)
    return 0;
  open_log(settings->log_level);
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const MonotonicClock clock;
  LinuxKernel kernel;
  Server server(clock, kernel, std::move(*settings), std::move(line.sources),
                program.parent_path().string());
  return server.run();
}
