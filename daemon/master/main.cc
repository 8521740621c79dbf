// SPDX-License-Identifier: Apache-2.0
// lethed: from its command line to the server.
#include "daemon/master/command_line.h"
#include "daemon/master/operation/log.h"
#include "daemon/master/server.h"

#include <cstdio>
#include <filesystem>

namespace {

// Most systems give a service none that it may divide. The sandbox is there without them.
lethe::ControlGroups take_control_groups(const lethe::Settings &settings) {
  using lethe::ControlGroups;
  if (settings.cgroups == lethe::CgroupsMode::off)
    return {};
  const auto own = ControlGroups::find_own({});
  if (!own) {
    lethe::log_info("pools have no control groups: {}", own.error().message);
    return {};
  }
  auto groups = ControlGroups::divide(*own);
  if (groups)
    return std::move(*groups);
  lethe::log_warning("pools have no control groups: {}", groups.error().message);
  return {};
}

} // namespace

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
  ControlGroups groups = take_control_groups(*settings);
  Server server(clock, kernel, std::move(*settings), std::move(line.sources),
                program.parent_path().string());
  server.environment().control_groups = std::move(groups);
  return server.run();
}
