// SPDX-License-Identifier: Apache-2.0
// What is known of a worker from outside.
#include "tests/bench/worker_figures.h"

#include "tests/harness/process.h"
#include <algorithm>
#include <sstream>

namespace lethe::bench {
namespace {

uint64_t minor_faults(pid_t pid) {
  const std::string stat = test::read_file("/proc/" + std::to_string(pid) + "/stat");
  // The tenth field; the second, the name in brackets, may hold anything.
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 10; ++field)
    fields >> skipped;
  uint64_t faults = 0;
  fields >> faults;
  return faults;
}

} // namespace

WorkerFigures worker_figures(test::Client &client) {
  const test::json stats = client.result("stats", test::json::array());
  // One of an earlier generation may still be leaving.
  const test::json &processes = stats.at("pools").at("default").at("processes");
  const auto newest = std::max_element(
      processes.begin(), processes.end(),
      [](const test::json &one, const test::json &other) { return one.at("id") < other.at("id"); });
  test::expect(newest != processes.end(), "the pool has no worker");
  const test::json &worker = *newest;
  const pid_t pid = worker.at("pid");
  return {worker.at("id"),           pid,
          worker.at("rewinds"),      worker.at("rewind_ns"),
          worker.at("rewind_pages"), minor_faults(pid)};
}

PoolFigures pool_figures(test::Client &client) {
  PoolFigures figures;
  const test::json stats = client.result("stats", test::json::array());
  for (const test::json &worker : stats.at("pools").at("default").at("processes")) {
    figures.rewinds += worker.at("rewinds").get<uint64_t>();
    figures.rewind_ns += worker.at("rewind_ns").get<uint64_t>();
    figures.rewind_pages += worker.at("rewind_pages").get<uint64_t>();
    figures.cpu_us += cpu_time_us(worker.at("pid"));
  }
  return figures;
}

double cpu_time_us(pid_t pid) {
  std::istringstream schedstat(test::read_file("/proc/" + std::to_string(pid) + "/schedstat"));
  double ns = 0;
  schedstat >> ns;
  return ns / 1000;
}

} // namespace lethe::bench
