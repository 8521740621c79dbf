// SPDX-License-Identifier: Apache-2.0
// make bench: all measurements in one run, as a table and as JSON.
#include "tests/bench/measurements.h"
#include "tests/bench/rewind.h"
#include "tests/harness/login.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

using namespace lethe::bench;
using namespace lethe::test;

namespace {

constexpr const char *tiny_source = "function tiny(x) { return x + 1; }";

void print_throughput(const std::string &title, const json &targets) {
  std::printf("\n%-14s %9s %10s %10s %10s %10s %12s %9s %9s\n", title.c_str(), "in flight",
              "p50 us", "p90 us", "p99 us", "p99.9 us", "requests/s", "p50/floor", "rate/floor");
  for (const auto &[name, counts] : targets.items())
    for (const char *in_flight : {"1", "16", "64"}) {
      const json &figures = counts.at(in_flight);
      const auto figure = [&](const char *key) { return figures.value(key, 0.0); };
      std::printf("%-14s %9s %10.1f %10.1f %10.1f %10.1f %12.0f %9.2f %9.3f\n", name.c_str(),
                  in_flight, figure("p50_us"), figure("p90_us"), figure("p99_us"),
                  figure("p999_us"), figure("per_second"), figure("p50_to_floor"),
                  figure("per_second_to_floor"));
    }
  std::fflush(stdout);
}

void print_summary(const std::string &what, const json &summary) {
  std::printf("%-58s %10.2f %10.2f %10.2f\n", what.c_str(), summary.at("median").get<double>(),
              summary.at("least").get<double>(), summary.at("most").get<double>());
  std::fflush(stdout);
}

void print_flood(const json &flood) {
  if (flood.is_null()) {
    std::printf("\nflood: left out, as it takes root to be two users\n");
    return;
  }
  std::printf("\n%-40s %10s %10s %10s %10s %10s\n", "another user's call, us", "p50", "p99", "most",
              "calls", "failed");
  for (const char *state : {"idle", "flooded"}) {
    const json &figures = flood.at(state);
    std::printf("%-40s %10.0f %10.0f %10.0f %10zu %10zu\n",
                (std::string("flood: ") + state).c_str(), figures.at("p50_us").get<double>(),
                figures.at("p99_us").get<double>(), figures.at("most_us").get<double>(),
                figures.at("calls").get<size_t>(), figures.at("failed").get<size_t>());
  }
  const double limit_us = 3 * flood.at("idle").at("p99_us").get<double>() +
                          static_cast<double>(1000 * flood_deadline_ms);
  std::printf("%-40s %21.0f\n", "  three times idle and one deadline", limit_us);
}

// One daemon for each mode of isolation, with the scripts that the loads call.
std::map<std::string, std::unique_ptr<Daemon>>
start_daemons(const std::vector<std::string> &modes) {
  std::map<std::string, std::unique_ptr<Daemon>> daemons;
  for (const std::string &mode : modes) {
    auto daemon = std::make_unique<Daemon>(
        DaemonOptions{.settings = {"pool.default.workers=auto", "pool.default.isolation=" + mode}});
    Client client = daemon->connect();
    client.put("tiny", tiny_source);
    put_login_scripts(client, login_warm_ups);
    daemons.emplace(mode, std::move(daemon));
  }
  return daemons;
}

} // namespace

int main(int count, char **words) {
  CLI::App app("Measures Lethe against the floor: a relay and an echo on Unix sockets.");
  std::string output;
  std::vector<std::string> modes{"reuse", "rewind", "process"};
  std::vector<std::string> parts{"throughput", "rewind", "curve",  "lifecycle",
                                 "start",      "flood",  "scripts"};
  bool quick = false;
  size_t most_scripts = 1000;
  app.add_option("--output", output, "where the figures go as JSON");
  app.add_option("--modes", modes, "modes of isolation")->delimiter(',');
  app.add_option("--parts", parts, "which measurements")->delimiter(',');
  app.add_option("--scripts", most_scripts,
                 "of the part `scripts`: up to so many, 10,000 for instance");
  app.add_flag("--quick", quick, "short, to see that it works");
  CLI11_PARSE(app, count, words);
  const Effort effort = quick ? Effort{milliseconds(50), 1, 3} : Effort{milliseconds(400), 5, 40};

  const auto wanted = [&](const char *part) { return std::ranges::count(parts, part) > 0; };
  try {
    json all;
    if (wanted("throughput")) {
      const std::string tiny = request_bytes("call", {"tiny", "tiny", {1}});
      const Floor floor(tiny.size());
      const auto daemons = start_daemons(modes);
      std::vector<Target> targets{floor.target()};
      for (const auto &[mode, daemon] : daemons)
        targets.push_back({mode, daemon->socket_path()});
      all["tiny"] = throughput(targets, tiny, effort);
      print_throughput("tiny", all["tiny"]);
      targets.erase(targets.begin()); // the floor's bytes would not be these
      for (const std::string context : {"small", "medium", "large"}) {
        all["login"][context] =
            throughput(targets, request_bytes("chain", login_chain(context)), effort);
        print_throughput("login, " + context, all["login"][context]);
      }
    }
    if (wanted("rewind"))
      all["rewind"] = rewind_figures(effort);
    if (wanted("curve")) {
      all["curve"] = curve(effort);
      print_curve(all["curve"]);
    }
    std::printf("\n%-58s %10s %10s %10s\n", "", "median", "least", "most");
    for (const std::string &mode : wanted("lifecycle") ? modes : std::vector<std::string>{}) {
      json &figures = all["lifecycle"][mode];
      figures["deadline"] = deadline_lateness(mode, effort);
      for (const auto &[script, summary] : figures["deadline"].items())
        print_summary(mode + ": from deadline to error, " + script, summary);
      figures["replacement_ms"] = replacement(mode, effort);
      print_summary(mode + ": from kill of a worker to full strength, ms",
                    figures["replacement_ms"]);
      figures["idle_worker"] = idle_worker_memory(mode);
      std::printf("%-58s %10.0f %10.0f\n", (mode + ": idle worker, kB: PSS, private dirty").c_str(),
                  figures["idle_worker"]["pss_kb"].get<double>(),
                  figures["idle_worker"]["private_dirty_kb"].get<double>());
    }
    if (wanted("start")) {
      all["start"] = start_to_first_reply(effort);
      print_summary("start to first reply, cached snapshot, ms", all["start"]["cached_ms"]);
      print_summary("start to first reply, no cached snapshot, ms", all["start"]["uncached_ms"]);
    }
    if (wanted("flood")) {
      all["flood"] = flood(effort);
      print_flood(all["flood"]);
    }
    if (wanted("scripts")) {
      all["scripts"] = many_scripts(effort, quick ? 10 : most_scripts);
      print_many_scripts(all["scripts"]);
    }
    if (!output.empty())
      std::ofstream(output) << all.dump(2) << '\n';
  } catch (const std::exception &failure) {
    std::fprintf(stderr, "bench: %s\n", failure.what());
    return 1;
  }
  return 0;
}
