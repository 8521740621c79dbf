// SPDX-License-Identifier: Apache-2.0
// How long deadlines, replacements and starts take, and what an idle worker costs.
#include "tests/bench/measurements.h"

#include <algorithm>
#include <csignal>

namespace lethe::bench {
namespace {

using namespace lethe::test;

json summary(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {{"median", median(values)}, {"least", values.front()}, {"most", values.back()}};
}

// Empty while the pool is not at full strength.
std::vector<pid_t> full_strength(Client &client) {
  const json stats = client.result("stats", json::array());
  const json &pool = stats.at("pools").at("default");
  std::vector<pid_t> idle;
  for (const json &worker : pool.at("processes"))
    if (worker.at("state") == "idle")
      idle.push_back(worker.at("pid"));
  if (pool.at("workers_wanted") != idle.size())
    idle.clear();
  return idle;
}

std::vector<pid_t> await_full_strength(Client &client) {
  std::vector<pid_t> workers;
  expect(becomes_true([&] { return !(workers = full_strength(client)).empty(); }),
         "the pool does not come to full strength");
  return workers;
}

} // namespace

json deadline_lateness(const std::string &isolation, const Effort &effort) {
  constexpr int deadline_ms = 100;
  Daemon daemon({"pool.default.isolation=" + isolation});
  Client client = daemon.connect();
  const auto lateness = [&](const std::string &source) {
    std::vector<double> values;
    for (int i = 0; i < effort.repetitions; ++i) {
      const auto begin = Clock::now();
      client.error("eval", {source, {{"deadline_ms", deadline_ms}}});
      values.push_back(milliseconds_since(begin) - deadline_ms);
    }
    return summary(values);
  };
  return {{"loop_ms", lateness("while (1);")},
          {"array_fill_ms", lateness("new Array(3e7).fill(0).length; while (1);")},
          {"regular_expression_ms", lateness("/(a+)+$/.test('a'.repeat(40) + 'b')")}};
}

json replacement(const std::string &isolation, const Effort &effort) {
  Daemon daemon({"pool.default.workers=4", "pool.default.isolation=" + isolation});
  Client client = daemon.connect();
  std::vector<double> values;
  for (int i = 0; i < effort.repetitions; ++i) {
    std::vector<pid_t> workers = await_full_strength(client);
    const pid_t victim = workers.front();
    const auto begin = Clock::now();
    ::kill(victim, SIGKILL);
    do
      workers = full_strength(client);
    while (workers.empty() || std::find(workers.begin(), workers.end(), victim) != workers.end());
    values.push_back(milliseconds_since(begin));
  }
  return summary(values);
}

json start_to_first_reply(const Effort &effort) {
  const auto start = [](const std::string &cache) {
    const auto begin = Clock::now();
    Daemon daemon(DaemonOptions{.cache_folder = cache});
    daemon.connect().eval("1");
    return milliseconds_since(begin);
  };
  std::vector<double> cached, uncached;
  const ScratchFolder lasting;
  start(lasting.path());
  for (int i = 0; i < effort.repetitions; ++i)
    cached.push_back(start(lasting.path()));
  for (int i = 0; i < std::max(effort.repetitions / 4, 1); ++i) {
    const ScratchFolder fresh;
    uncached.push_back(start(fresh.path()));
  }
  return {{"cached_ms", summary(cached)}, {"uncached_ms", summary(uncached)}};
}

json idle_worker_memory(const std::string &isolation) {
  Daemon daemon({"pool.default.workers=8", "pool.default.isolation=" + isolation});
  Client client = daemon.connect();
  std::vector<double> pss, private_dirty;
  for (const pid_t pid : await_full_strength(client)) {
    pss.push_back(static_cast<double>(process_figure(pid, "smaps_rollup", "Pss")));
    private_dirty.push_back(
        static_cast<double>(process_figure(pid, "smaps_rollup", "Private_Dirty")));
  }
  return {{"pss_kb", median(pss)},
          {"private_dirty_kb", median(private_dirty)},
          {"workers", pss.size()},
          {"master_rss_kb", process_figure(daemon.pid(), "status", "VmRSS")}};
}

} // namespace lethe::bench
