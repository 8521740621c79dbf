// SPDX-License-Identifier: Apache-2.0
// The rewind beside the classic ways to a clean state, on the same V8 and in the same run.
#include "tests/bench/rewind.h"
#include "tests/bench/worker_figures.h"

#include <functional>
#include <map>

namespace lethe::bench {

using namespace lethe::test;

namespace {

constexpr const char *tiny_source = "function tiny(x) { return x + 1; }\n";

struct Way {
  std::string name, socket_path;
  std::function<pid_t()> worker;
};

// Reference workers, and daemons with one worker each.
class Ways {
public:
  Ways() {
    const std::string snapshot = folder_.path() / "tiny.snapshot";
    const Finished built = run({{program("lethe-snapshot"), "build", "--output", snapshot,
                                 "--preload", folder_.file("tiny.js", tiny_source)},
                                {}});
    expect(built.status == 0, "lethe-snapshot build: " + built.errors);
    for (const std::string way : {"context", "isolate"})
      add_classic(way, snapshot);
    for (const std::string isolation : {"rewind", "reuse"})
      add_daemon(isolation);
  }
  const std::vector<Way> &all() const { return ways_; }

private:
  void add_classic(const std::string &way, const std::string &snapshot) {
    const std::string path = folder_.path() / way;
    classics_.push_back(std::make_unique<Process>(
        Command{{build_folder() / "tests" / "classic-worker", path, way, snapshot}, {}}, -1, -1));
    expect(becomes_true([&] { return std::filesystem::exists(path); }),
           "the classic worker does not start");
    ways_.push_back({"new " + way, path, [pid = classics_.back()->pid()] { return pid; }});
  }

  void add_daemon(const std::string &isolation) {
    daemons_.push_back(std::make_unique<Daemon>(
        DaemonOptions{.settings = {"pool.default.workers=1", "pool.default.isolation=" + isolation,
                                   "pool.default.recycle_requests=0"}}));
    const Daemon &daemon = *daemons_.back();
    daemon.connect().put("tiny", tiny_source);
    ways_.push_back(
        {isolation, daemon.socket_path(), [&daemon] { return daemon.workers().at(0); }});
  }

  ScratchFolder folder_;
  std::vector<std::unique_ptr<Process>> classics_;
  std::vector<std::unique_ptr<Daemon>> daemons_;
  std::vector<Way> ways_;
};

} // namespace

json clean_state_ways(const Effort &effort) {
  const Ways ways;
  const std::string request = request_bytes("call", {"tiny", "tiny", {1}});
  std::map<std::string, std::map<std::string, std::vector<double>>> rounds;
  for (int round = 0; round < effort.rounds; ++round)
    for (const unsigned in_flight : {1u, 16u})
      for (const Way &way : ways.all()) {
        LoadClient client(way.socket_path);
        client.run({request}, in_flight, effort.slice / 4);
        const pid_t worker = way.worker();
        const double before = cpu_time_us(worker);
        const Load load = client.run({request}, in_flight, effort.slice);
        const double cpu_us = cpu_time_us(worker) - before;
        const std::string suffix = "_" + std::to_string(in_flight);
        auto &figures = rounds[way.name];
        figures["cpu_us" + suffix].push_back(cpu_us /
                                             static_cast<double>(load.latencies_us.size()));
        figures["per_second" + suffix].push_back(load.per_second());
        figures["p50_us" + suffix].push_back(load.percentile(50));
      }
  json result;
  for (const auto &[name, figures] : rounds)
    for (const auto &[figure, values] : figures)
      result[name][figure] = median(values);
  for (auto &[name, figures] : result.items())
    figures["cpu_to_rewind"] =
        figures["cpu_us_1"].get<double>() / result["rewind"]["cpu_us_1"].get<double>();
  return result;
}

} // namespace lethe::bench
