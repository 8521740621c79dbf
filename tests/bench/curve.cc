// SPDX-License-Identifier: Apache-2.0
// Is a tiny request as cheap with many workers and many scripts as with one? Cost is counted in the
// workers' CPU time, as more workers than processors are not faster.
#include "tests/bench/rewind.h"
#include "tests/bench/worker_figures.h"

#include <cstdio>

namespace lethe::bench {

using namespace lethe::test;

namespace {

std::string name_of(int script) { return "script/" + std::to_string(script); }

// Scripts are stored by a daemon with one worker, which has no image, and found by the others.
void store_scripts(const std::string &state_folder, int from, int to) {
  const Daemon daemon(
      DaemonOptions{.settings = {"pool.default.workers=1", "pool.default.isolation=process",
                                 "pool.default.memory_mb=1024"},
                    .state_folder = state_folder});
  Client client = daemon.connect();
  for (int script = from; script < to; ++script)
    client.put(name_of(script), "function tiny(x) { return x + 1; }");
}

// Twice as many requests in flight as workers, of all scripts in turn, so that each worker has work.
json cost_with(int workers, int scripts, const std::string &state_folder, const Effort &effort) {
  const Daemon daemon(
      DaemonOptions{.settings = {"pool.default.workers=" + std::to_string(workers),
                                 "pool.default.isolation=rewind", "pool.default.memory_mb=1024",
                                 "pool.default.recycle_age_s=3600"},
                    .state_folder = state_folder});
  std::vector<std::string> requests;
  for (int script = 0; script < scripts; ++script)
    requests.push_back(request_bytes("call", {name_of(script), "tiny", {1}}));
  LoadClient load_client(daemon.socket_path());
  Client client = daemon.connect();
  const auto in_flight = static_cast<unsigned>(2 * workers);
  load_client.run(requests, in_flight, effort.slice); // pages become hot
  std::vector<double> cpu_us, rewind_us, pages, rates;
  for (int round = 0; round < effort.rounds; ++round) {
    const PoolFigures before = pool_figures(client);
    const Load load = load_client.run(requests, in_flight, effort.slice);
    const PoolFigures after = pool_figures(client);
    const auto rewinds = static_cast<double>(after.rewinds - before.rewinds);
    cpu_us.push_back((after.cpu_us - before.cpu_us) / rewinds);
    rewind_us.push_back(static_cast<double>(after.rewind_ns - before.rewind_ns) / rewinds / 1000);
    pages.push_back(static_cast<double>(after.rewind_pages - before.rewind_pages) / rewinds);
    rates.push_back(load.per_second());
  }
  return {{"workers", workers},       {"scripts", scripts},
          {"cpu_us", median(cpu_us)}, {"rewind_us", median(rewind_us)},
          {"pages", median(pages)},   {"per_second", median(rates)}};
}

} // namespace

json curve(const Effort &effort) {
  const ScratchFolder state;
  json rows = json::array();
  int stored = 0;
  for (const int scripts : {1, 10, 100}) {
    if (scripts > effort.repetitions * 10) // to put a hundred takes too long for a quick run
      break;
    store_scripts(state.path(), stored, scripts);
    stored = scripts;
    for (const int workers : {1, 2, 4, 8, 16, 32, 64})
      rows.push_back(cost_with(workers, scripts, state.path(), effort));
  }
  return rows;
}

void print_curve(const json &rows) {
  std::printf("\n%-28s %10s %14s %12s %10s %12s\n", "tiny, rewind", "scripts", "worker CPU us",
              "rewind us", "pages", "requests/s");
  for (const json &row : rows)
    std::printf("%-28s %10d %14.1f %12.1f %10.1f %12.0f\n",
                (std::to_string(row.at("workers").get<int>()) + " workers").c_str(),
                row.at("scripts").get<int>(), row.at("cpu_us").get<double>(),
                row.at("rewind_us").get<double>(), row.at("pages").get<double>(),
                row.at("per_second").get<double>());
  std::fflush(stdout);
}

} // namespace lethe::bench
